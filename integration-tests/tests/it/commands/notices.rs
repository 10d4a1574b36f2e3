//! Notices: what is open is told once, signed, to receivers good and bad, and by mail.

use super::desk::{Desk, now};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound, Unavailable};
use patchward_collector::deliver;
use patchward_collector::item::Kind;
use patchward_collector::notice::is_usual;
use patchward_collector::reconcile::notices::Notices;
use patchward_common::time::{DAY_MS, HOUR_MS, SECOND_MS, UtcMs};
use patchward_integration_tests::receiver::{MailServer, Manners, Posted, Receiver};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Verifies a webhook as its receiver would, with another language's standard library.
const VERIFIER: &str = "
import base64, hashlib, hmac, json, sys
sent = json.load(sys.stdin)
key = base64.b64decode(sent['secret'].removeprefix('whsec_'))
said = f\"{sent['id']}.{sent['timestamp']}.{sent['body']}\".encode()
tag = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
print(hmac.compare_digest('v1,' + tag, sent['signature']))
";

/// Reads a mail as its receiver would.
const MAIL_READER: &str = "
import email, email.policy, json, sys
mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
print(json.dumps({
    'headers': mail.keys(), 'subject': mail['subject'], 'id': mail['message-id'],
    'to': mail['to'], 'auto': mail['auto-submitted'], 'text': mail.get_content(),
    'defects': [str(defect) for defect in mail.defects],
}))
";

pub(super) fn python(script: &str, input: &[u8]) -> String {
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(super) fn is_signed(posted: &Posted, secret: &str) -> bool {
    let sent = json!({
        "secret": secret,
        "id": posted.header("webhook-id").unwrap(),
        "timestamp": posted.header("webhook-timestamp").unwrap(),
        "signature": posted.header("webhook-signature").unwrap(),
        "body": posted.body,
    });
    python(VERIFIER, sent.to_string().as_bytes()) == "True"
}

/// What people have to hear of without asking for it: who is waited for, what went wrong, what is late.
#[test]
fn nobody_has_to_ask_for_what_waits_fails_overruns_starves_or_is_silent() {
    for kind in [
        Kind::Sign,
        Kind::Question,
        Kind::Return,
        Kind::Failed,
        Kind::RolledBack,
        Kind::Lost,
        Kind::Halted,
        Kind::Stopped,
        Kind::Overrun,
        Kind::Starving,
        Kind::Silent,
        Kind::Copied,
        Kind::Expiring,
        Kind::Undelivered,
    ] {
        assert!(is_usual(kind), "{}", kind.word());
    }
    assert!(!is_usual(Kind::Waiting));
}

fn body(posted: &Posted) -> Value {
    serde_json::from_str(&posted.body).unwrap()
}

/// The type and the item of what was posted.
fn said(posted: &[Posted]) -> Vec<String> {
    let bodies = posted.iter().map(body);
    let said = bodies.map(|body| {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, item) = (word(&body["type"]), word(&body["data"]["item"]));
        format!("{kind} {}", item.split(':').next().unwrap())
    });
    said.collect()
}

async fn tell(desk: &Desk) {
    Notices::default().run(&desk.app, now()).await.unwrap();
}

async fn deliver(desk: &Desk, at: UtcMs) {
    deliver::round(&desk.app, at).await.unwrap();
}

/// A desk with a plan that waits for signatures.
async fn with_draft() -> (Desk, String) {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 1200")
        .await;
    let plan = desk
        .plan("Viewer~2", "--release viewer=2 --unit icu-3")
        .await;
    (desk, plan)
}

async fn add(desk: &Desk, receiver: &Receiver, rest: &str) -> String {
    let url = receiver.url();
    let added = desk
        .json(&format!("notice webhook add duty --url {url}{rest}"))
        .await;
    added["secret"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_is_told_once_and_once_when_it_is_over() {
    let (desk, plan) = with_draft().await;
    let receiver = Receiver::start().unwrap();
    let secret = add(&desk, &receiver, "").await;
    desk.ask(&format!(
        "notice webhook add other --url {} --kinds stopped --units icu-3",
        receiver.url()
    ))
    .await;
    for _ in 0..2 {
        tell(&desk).await;
        deliver(&desk, now()).await;
    }
    let posted = receiver.posted();
    assert_eq!(said(&posted), ["notice.new sign"], "{posted:?}");
    assert!(is_signed(&posted[0], &secret));
    assert!(!is_signed(&posted[0], "whsec_AAAA"));
    let told = body(&posted[0]);
    assert_eq!(told["data"]["about"], "Viewer 2");
    assert_eq!(told["data"]["owner"], "htm");
    assert_eq!(told["data"]["item"], format!("sign:{}", &plan[..12]));
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    tell(&desk).await;
    deliver(&desk, now()).await;
    assert_eq!(said(&receiver.posted())[1..], ["notice.ended sign"]);
    // Each target has what it asks for, under ids and signatures of its own.
    desk.ask("stop now --unit icu-3 --reason drill").await;
    tell(&desk).await;
    deliver(&desk, now()).await;
    let posted = receiver.posted();
    assert_eq!(
        said(&posted)[2..],
        ["notice.new stopped", "notice.new stopped"]
    );
    let ids: Vec<_> = posted.iter().map(|one| one.header("webhook-id")).collect();
    assert_ne!(ids[2], ids[3]);
    assert!(is_signed(&posted[2], &secret) != is_signed(&posted[3], &secret));
    desk.ask("notice remove other").await;
    desk.refuses("notice remove other", NotFound, "notice list")
        .await;
    let listed = desk.json("notice list").await;
    assert_eq!(listed[0]["to"], receiver.url().trim_end_matches("/hook"));
    assert!(!listed.to_string().contains(&secret), "{listed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_receiver_is_tried_again_later_and_followed_nowhere() {
    let (desk, _) = with_draft().await;
    let (receiver, elsewhere) = (Receiver::start().unwrap(), Receiver::start().unwrap());
    add(&desk, &receiver, "").await;
    receiver.behaves(Manners::Answers(500));
    tell(&desk).await;
    let start = now();
    let problem = async || {
        let waiting = desk.json("notice outbox").await;
        let problem = waiting[0]["problem"].as_str().unwrap_or_default();
        (waiting[0]["attempts"].clone(), problem.to_owned())
    };
    deliver(&desk, start).await;
    assert_eq!(problem().await, (json!(1), "it answered 500".to_owned()));
    deliver(&desk, start.plus_ms(14 * SECOND_MS)).await;
    assert_eq!(receiver.posted().len(), 1, "not yet");
    deliver(&desk, start.plus_ms(15 * SECOND_MS)).await;
    assert_eq!(receiver.posted().len(), 2);
    receiver.behaves(Manners::Redirects(elsewhere.url()));
    deliver(&desk, start.plus_ms(HOUR_MS)).await;
    assert!(problem().await.1.contains("nobody is followed"));
    assert!(elsewhere.posted().is_empty());
    receiver.behaves(Manners::FloodsHead);
    deliver(&desk, start.plus_ms(3 * HOUR_MS)).await;
    assert!(problem().await.1.contains("head"), "{:?}", problem().await);
    receiver.behaves(Manners::FloodsBody);
    deliver(&desk, start.plus_ms(5 * HOUR_MS)).await;
    assert!(
        desk.json("notice outbox")
            .await
            .as_array()
            .unwrap()
            .is_empty()
    );
    // However often it was sent, it was the same.
    let posted = receiver.posted();
    assert_eq!(posted.len(), 5);
    for one in &posted {
        assert_eq!(one.header("webhook-id"), posted[0].header("webhook-id"));
        assert_eq!(one.body, posted[0].body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_delivered_is_given_up_and_somebody_is_asked() {
    let (desk, _) = with_draft().await;
    let receiver = Receiver::start().unwrap();
    add(&desk, &receiver, "").await;
    receiver.behaves(Manners::Answers(404));
    tell(&desk).await;
    deliver(&desk, now()).await;
    deliver(&desk, now().plus_ms(3 * DAY_MS + HOUR_MS)).await;
    let outbox = desk.json("notice outbox").await;
    assert!(outbox[0]["given_up"].is_string(), "{outbox}");
    let undelivered = async || {
        let items = desk.json("item list --owner it").await;
        let items = items.as_array().unwrap().clone();
        items
            .into_iter()
            .find(|item| item["item"] == "undelivered:duty")
    };
    let item = undelivered().await.unwrap();
    assert!(
        item["why"]
            .as_str()
            .unwrap()
            .contains("nothing is at this address")
    );
    desk.refuses("notice test duty", Unavailable, "did not take it")
        .await;
    receiver.behaves(Manners::Takes);
    desk.ask("notice test duty").await;
    assert_eq!(said(&receiver.posted()).last().unwrap(), "notice.test ");
    assert!(undelivered().await.is_none());
}

#[tokio::test]
async fn who_cannot_be_told_is_not_added() {
    let desk = Desk::with_papers().await;
    for (rest, kind, why) in [
        ("x --url http://chat.example/hook", Input, "https"),
        ("x --url https://me:pw@chat.example/", Input, "password"),
        ("x --url chat", Input, "whole address"),
        (
            "x --url https://h --kinds nonsense",
            Input,
            "a kind is one of",
        ),
        ("x --url https://h --units nowhere", NotFound, "unit list"),
    ] {
        desk.refuses(&format!("notice webhook add {rest}"), kind, why)
            .await;
    }
    desk.refuses("notice mail add x --to a@b", Conflict, "smtp_server")
        .await;
    desk.refuses("notice test x", NotFound, "notice list").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_says_all_that_is_news_at_once_and_waits_for_its_server() {
    let (mut desk, _) = with_draft().await;
    let server = MailServer::start().unwrap();
    let app = Arc::get_mut(&mut desk.app).expect("nobody else has it");
    app.settings.smtp_server = Some(server.address());
    app.settings.smtp_from = Some("patchward@hospital.example".into());
    desk.refuses("notice mail add it --to a@b,c", Input, "no address")
        .await;
    desk.ask("notice mail add it --to ann@h.example,ben@h.example")
        .await;
    desk.ask("stop now --unit icu-3 --reason B\u{e4}d~drill")
        .await;
    server.says(Some("451 come later"));
    tell(&desk).await;
    deliver(&desk, now()).await;
    let waiting = desk.json("notice outbox").await;
    assert!(
        waiting[0]["problem"].as_str().unwrap().contains("451"),
        "{waiting}"
    );
    server.says(None);
    let later = now().plus_ms(HOUR_MS);
    deliver(&desk, later).await;
    deliver(&desk, later.plus_ms(HOUR_MS)).await;
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0].from, "patchward@hospital.example");
    assert_eq!(mails[0].to, ["ann@h.example", "ben@h.example"]);
    let read = python(MAIL_READER, mails[0].text.as_bytes());
    let read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read["subject"], "Patchward: 2 new");
    assert_eq!(read["auto"], "auto-generated");
    assert_eq!(read["defects"], json!([]));
    let text = read["text"].as_str().unwrap();
    for part in [
        "- sign: Viewer 2",
        "- stopped: unit icu-3 in icu-3",
        "B\u{e4}d drill",
        "HTM's move",
        "https://",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}
