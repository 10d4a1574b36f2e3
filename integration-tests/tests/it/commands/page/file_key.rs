//! A plan for machines that ask for a file key as well: the page says so, takes what a browser
//! signs, and hands out the file for the rest; and machines accept what came of both.

use super::browsing::{Answer, Guest, on_large_stack};
use crate::commands::desk::{Desk, UNIT, now};
use axum::http::StatusCode;
use ed25519_dalek::pkcs8::{EncodePrivateKey as _, spki::der::pem::LineEnding};
use ed25519_dalek::{Signer as _, SigningKey};
use patchward_common::percent::encoded;
use patchward_common::plan::PlanFile;
use patchward_common::trust::assignment::AssignmentLeaf;
use patchward_common::trust::check::{Authority, Stops, Why, approval};
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::PublicKey;
use patchward_integration_tests::programs::Program;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// Two machines that are critical.
fn critical(desk: &Desk) -> [AssignmentLeaf; 2] {
    [1, 2].map(|number| AssignmentLeaf {
        class: Class::Critical,
        ..desk.row(number)
    })
}

/// A draft for two critical machines.
async fn drafted() -> (Desk, String) {
    let desk = Desk::with_machines(2).await;
    let rows = critical(&desk).to_vec();
    desk.assign_rows(2, rows).await.unwrap();
    desk.import(&["1", "2"]).await;
    desk.ask(&format!("window once tonight --unit {UNIT} --minutes 600"))
        .await;
    let rest = format!("--release viewer=2 --unit {UNIT} --soak-minutes 0");
    let plan = desk.plan("Update", &rest).await;
    (desk, plan)
}

/// Signs as the script of the page does, with the bytes that it is handed.
async fn signs(person: &mut Guest, page: &str, key: &SigningKey) -> Answer {
    let token = person.open(page).await.value("token");
    let public = encoded(&PublicKey::of(key).to_string());
    let bytes = person.open(&format!("{page}?key={public}")).await;
    assert_eq!(bytes.status, StatusCode::OK, "{}", bytes.text());
    let signature = key.sign(&bytes.bytes).to_bytes();
    let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    let sent = format!("token={token}&key={public}&signature={signature}");
    person.send(page, &sent).await
}

/// Takes the file of a plan from the page, by its form.
async fn taken(person: &mut Guest, plan: &str) -> Answer {
    let form = person.open(&format!("/do/plan/export?plan={plan}")).await;
    let file = person.sends("/do/plan/export", &form, &[]).await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.text());
    file
}

/// What `patchward-sign` makes of a plan's file with a key.
fn by_hand(desk: &Desk, file: &[u8], key: &SigningKey) -> PlanFile {
    let [plan, pem, out] = ["by-hand.plan", "by-hand.pem", "by-hand.signed"];
    std::fs::write(desk.path(plan), file).unwrap();
    let text = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    std::fs::write(desk.path(pem), text.as_bytes()).unwrap();
    let only_mine = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(desk.path(pem), only_mine).unwrap();
    let known = PlanFile::from_bytes(file).unwrap().context.chain.root;
    let root = known.fingerprint().to_string();
    let said = Command::new(Program::Sign.path().unwrap())
        .current_dir(desk.path(""))
        .args(["approve", plan, "--key", pem, "--out", out, "--yes"])
        .args(["--root", &root])
        .output()
        .unwrap();
    let wrong = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{wrong}");
    let signed = std::fs::read(desk.path(out)).unwrap();
    for used in [plan, pem, out] {
        std::fs::remove_file(desk.path(used)).unwrap();
    }
    PlanFile::from_bytes(&signed).unwrap()
}

/// Whether the installer of each machine accepts the signatures: its third step, with what its
/// first one would have found out.
fn accepted(desk: &Desk, file: &PlanFile) -> Vec<Result<(), Why>> {
    let context = &file.context;
    let (charter, roster) = context.chain.roster(&context.roster).unwrap();
    let authority = Authority { charter, roster };
    let places = critical(desk).into_iter();
    let asked = places.map(|place| {
        let signed = &file.plan.signed;
        let accepted = approval(&authority, &place, &Stops::default(), signed, now());
        accepted.map(drop).map_err(|refusal| refusal.why)
    });
    asked.collect()
}

#[test]
fn a_browser_signs_what_the_signer_signs_and_machines_accept_both() {
    on_large_stack(|| async {
        let (desk, plan) = drafted().await;
        let mut bob = Guest::with_roles(&desk, "bob", &["approver"]).await;
        let draft = taken(&mut bob, &plan).await.bytes;
        // The same key, in a browser and in a file: a signature of Ed25519 has nothing of chance in it.
        let here = by_hand(&desk, &draft, &desk.papers.bob);
        let page = format!("/plan/{plan}/sign");
        let answer = signs(&mut bob, &page, &desk.papers.bob).await;
        answer.says(StatusCode::OK, "1 more approver of icu-3");
        let handed = taken(&mut bob, &plan).await.bytes;
        let there = PlanFile::from_bytes(&handed).unwrap();
        assert_eq!(there.plan.signed, here.plan.signed);
        assert_eq!(there.plan.signed.signatures().len(), 1);

        // No machine takes the browser's alone; each takes it beside that of a file.
        let refused = accepted(&desk, &there);
        assert!(refused.iter().all(Result::is_err), "{refused:?}");
        let both = by_hand(&desk, &handed, &desk.papers.alice);
        assert_eq!(both.plan.signed.signatures().len(), 2);
        let [one, other] = &accepted(&desk, &both)[..] else {
            panic!("two machines are asked");
        };
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
        let path = desk.write(&both.to_bytes());
        desk.tries(&["plan", "sign", &path]).await.unwrap();
        bob.open(&page)
            .await
            .says(StatusCode::OK, "Nothing is left to sign");
    });
}

#[test]
fn what_a_browser_cannot_sign_alone_is_said_and_handed_out() {
    on_large_stack(|| async {
        let (desk, plan) = drafted().await;
        let page = format!("/plan/{plan}/sign");
        // In the roster bob has a browser's key, and alice one in a file.
        let mut bob = Guest::with_roles(&desk, "bob", &["approver"]).await;
        let shown = bob.open(&page).await;
        let missing = "still missing: 2 approvers of icu-3 (1 with a file key)";
        shown.says(StatusCode::OK, missing);
        let link = format!("href=\"/do/plan/export?plan={plan}&amp;_back=/plan/{plan}\"");
        shown.says(StatusCode::OK, &link);

        let signed = signs(&mut bob, &page, &desk.papers.bob).await;
        signed.says(
            StatusCode::OK,
            "1 more approver of icu-3 (1 with a file key)",
        );
        let again = bob.open(&page).await;
        again.says(
            StatusCode::OK,
            "1 more approver of icu-3 (1 with a file key)",
        );

        // The link leads to the file, with what was signed already in it.
        let file = taken(&mut bob, &plan).await;
        let named = &file.headers["content-disposition"];
        assert_eq!(named, "attachment; filename=\"plan-export.patchward\"");
        let mut file = PlanFile::from_bytes(&file.bytes).unwrap();
        assert_eq!(file.plan.signed.signatures().len(), 1);
        file.plan.signed.cosign(&desk.papers.alice);
        let path = desk.write(&file.to_bytes());
        desk.tries(&["plan", "sign", &path]).await.unwrap();
        let over = bob.open(&page).await;
        over.says(StatusCode::OK, "Nothing is left to sign");
    });
}
