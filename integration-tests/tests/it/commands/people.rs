//! Whose move it is, forecasts, rehearsals and the way back into service, by command.

use super::desk::{Desk, UNIT, machine, now};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::reconcile::outcomes::Outcomes;
use patchward_collector::store::journal::Append;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, OutboxId};
use patchward_common::job::{Event, JobEvent, Reason, Start, State};
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::check::Step;
use patchward_common::wire::machine::InterlockWord;
use patchward_integration_tests::fixture::sign;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A plan over both machines, not signed yet.
pub(super) async fn drafted() -> (Desk, String) {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 600")
        .await;
    let rest = "--release viewer=2 --unit icu-3 --soak-minutes 0";
    let plan = desk.plan("Update", rest).await;
    (desk, plan)
}

async fn signed() -> (Desk, String) {
    let (desk, plan) = drafted().await;
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    (desk, plan)
}

fn job(plan: &str, number: u8) -> JobId {
    JobId::of(plan.parse::<Digest>().unwrap(), machine(number))
}

async fn moves(desk: &Desk, plan: &str, number: u8, state: State) {
    let mut change = desk.change().await;
    let found = change.view().job(&job(plan, number)).await.unwrap();
    let found = found.unwrap();
    change
        .move_job(&found, &state, found.slot, 1)
        .await
        .unwrap();
    change.commit().await.unwrap();
}

/// The owner of each open item about something.
async fn owners(desk: &Desk, about: &str) -> Vec<(String, String)> {
    let listed = desk.json("item list").await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = listed.as_array().unwrap().iter();
    let rows = rows.filter(|row| row["about"] == about);
    rows.map(|row| (text(&row["item"]), text(&row["owner"])))
        .collect()
}

#[tokio::test]
async fn an_item_has_one_owner_and_may_be_taken() {
    let (desk, plan) = drafted().await;
    let sign = format!("sign:{}", &plan[..12]);
    assert_eq!(
        owners(&desk, "Update").await,
        [(sign.clone(), "htm".into())]
    );
    desk.ask(&format!("item take {sign}")).await;
    // Taking what one has changes nothing.
    desk.ask(&format!("item take {sign}")).await;
    let listed = desk.json("item list --owner htm").await;
    assert_eq!(listed[0]["taken_by"], "local:0");
    assert!(listed[0]["taken_at"].is_string());
    desk.ask(&format!("item drop {sign}")).await;
    let again = format!("item drop {sign}");
    desk.refuses(&again, NotFound, "item that was taken").await;
    desk.refuses("item take sign:123", NotFound, "item list")
        .await;
    desk.refuses("item list --owner nobody", Input, "vendor, htm, it")
        .await;
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    assert_eq!(owners(&desk, "Update").await, []);
    let waits = (format!("waiting:{}", job(&plan, 1)), "time".to_owned());
    assert_eq!(owners(&desk, "pc-1").await, [waits]);
    let reason = Reason {
        step: Some(Step::Interlock),
        text: "somebody is logged in".into(),
    };
    moves(&desk, &plan, 1, State::Deferred(reason)).await;
    assert_eq!(owners(&desk, "pc-1").await[0].1, "ward");
    moves(&desk, &plan, 1, State::Failed(Reason::new("no space"))).await;
    let failed = desk.json("item list --raised").await;
    assert_eq!(failed[0]["item"], format!("failed:{}", job(&plan, 1)));
    assert_eq!(failed[0]["owner"], "it");
    let why = failed[0]["why"].as_str().unwrap();
    assert!(why.starts_with("no space; look at the machine"), "{why}");
}

#[tokio::test]
async fn somebody_elses_item_is_not_taken_over() {
    let (desk, plan) = drafted().await;
    let sign = format!("sign:{}", &plan[..12]);
    let store = &desk.app.store;
    let other = patchward_collector::store::Actor::Local(7);
    let mut change = store.change(other, now()).await.unwrap();
    change.take_item(&sign).await.unwrap();
    change.commit().await.unwrap();
    let take = format!("item take {sign}");
    desk.refuses(&take, Conflict, "local:7 has it since").await;
}

#[tokio::test]
async fn a_verified_machine_returns_to_service_by_its_checklist() {
    let (desk, plan) = signed().await;
    let id = job(&plan, 1);
    let back = format!("job return {id}");
    desk.refuses(&back, Conflict, "only a verified or attested one")
        .await;
    desk.ask(
        "checklist set --class standard --step image=A~test~image~is~shown --step sound=Beeps",
    )
    .await;
    desk.ask("checklist set --class standard --model station --step sound=Alarm~is~heard")
        .await;
    let steps = desk
        .json("checklist show --class standard --model station")
        .await;
    let expected = json!([
        { "step": "image", "what": "A test image is shown" },
        { "step": "sound", "what": "Alarm is heard" },
    ]);
    assert_eq!(steps, expected);
    moves(&desk, &plan, 1, State::Verified).await;
    let returned = (format!("return:{id}"), "htm".to_owned());
    assert_eq!(owners(&desk, "pc-1").await, [returned]);
    desk.refuses(&back, Conflict, "A test image is shown").await;
    let half = format!("{back} --done image");
    desk.refuses(&half, Conflict, "sound").await;
    let other = format!("{half} --done sound --done smell");
    desk.refuses(&other, Input, "no step smell").await;
    desk.ask(&format!("{half} --done sound")).await;
    assert_eq!(owners(&desk, "pc-1").await, []);
    let shown = desk.json(&format!("job show {id}")).await;
    assert_eq!(shown["state"], "in_service");
    let today = desk.json("today").await;
    assert_eq!(
        today["machines"][0],
        json!({ "machine": "pc-1", "state": "verified" })
    );
    assert_eq!(today["machines"][1]["state"], "planned");
    desk.refuses(&half, Conflict, "only a verified or attested one")
        .await;
    // The inventory comes after the job, and shows the version from before.
    desk.reports(1, "0").await;
    let fallen = ("fallen:pc-1".to_owned(), "it".to_owned());
    assert_eq!(owners(&desk, "pc-1").await, [fallen]);
    desk.reports(1, "2").await;
    assert_eq!(owners(&desk, "pc-1").await, []);
    let two = "checklist set --class critical --step a=x --step a=y";
    desk.refuses(two, Input, "another name").await;
}

#[tokio::test]
async fn today_says_what_is_open_tonight_and_how_machines_stand() {
    let (desk, plan) = signed().await;
    let until = now().plus_ms(DAY_MS);
    desk.ask(&format!(
        "item except pc-2 --until {until} --control firewall"
    ))
    .await;
    desk.refuses(
        "item except pc-1 --until 2020-01-01T00:00:00Z --control c",
        Input,
        "ended already",
    )
    .await;
    let today = desk.json("today").await;
    assert_eq!(today["waiting_for_time"], 1);
    assert_eq!(today["tonight"].as_array().unwrap().len(), 1);
    assert_eq!(
        today["machines"][1]["state"],
        format!("exception(until {until})")
    );
    desk.ask("item except pc-2 --end").await;
    desk.refuses("item except pc-2 --end", NotFound, "exception")
        .await;
    moves(&desk, &plan, 2, State::Failed(Reason::new("no space"))).await;
    let today = desk.json("today").await;
    assert_eq!((&today["open"], &today["raised"]), (&json!(1), &json!(1)));
    let said = desk.ask("today").await.text();
    assert!(said.contains("1 failed, 1 planned"), "{said}");
}

#[tokio::test]
async fn a_plan_says_whether_it_keeps_its_due_date() {
    let (desk, plan) = drafted().await;
    let made = desk.ask(&format!("plan forecast {plan}")).await.text();
    assert!(made.contains("nine times of ten at least"), "{made}");
    let shown = desk.json(&format!("plan forecast {plan}")).await;
    assert_eq!(
        (&shown["machines"], &shown["due"]),
        (&json!(2), &Value::Null)
    );
    let early = now().plus_ms(MINUTE_MS);
    let said = desk.ask(&format!("plan due {plan} {early}")).await.text();
    assert!(said.contains("will miss its due date"), "{said}");
    let shown = desk.json(&format!("plan forecast {plan}")).await;
    assert_eq!(
        (&shown["due_is"], &shown["left_at_due"]),
        (&json!("missed"), &json!(2))
    );
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    moves(&desk, &plan, 1, State::Verified).await;
    moves(&desk, &plan, 2, State::Verified).await;
    let late = now().plus_ms(90 * DAY_MS);
    let said = desk.ask(&format!("plan due {plan} {late}")).await.text();
    assert!(
        said.contains("All 2 machines are done") && said.contains("keeps"),
        "{said}"
    );
    desk.refuses(
        "plan due 000000 2030-01-01T00:00:00Z",
        NotFound,
        "plan list",
    )
    .await;
}

#[tokio::test]
async fn a_machine_that_is_always_used_starves_before_its_plan_ends() {
    let (desk, plan) = signed().await;
    // More than one week: every hour of it counts as known.
    let now = now();
    let week = |back: i64| {
        let start = now.plus_ms((-back - 1) * 7 * DAY_MS);
        let span = Interval::new(start, start.plus_ms(7 * DAY_MS)).unwrap();
        (span, InterlockWord::InUse)
    };
    let said = BTreeMap::from([(machine(1), [2, 1, 0].map(week).to_vec())]);
    desk.app.store.record_interlocks(&said, now).await.unwrap();
    let shown = desk.json(&format!("plan forecast {plan}")).await;
    assert_eq!(shown["starving"][0]["machine"], "pc-1");
    assert_eq!(shown["starving"][0]["percent"], 0);
    let items = owners(&desk, "pc-1").await;
    assert!(
        items
            .iter()
            .any(|(key, _)| key.starts_with("starving:pc-1/")),
        "{items:?}"
    );
    // Its only night is this one: that is told now.
    let raised = desk.json("item list --raised").await.to_string();
    assert!(raised.contains("starving:pc-1/"), "{raised}");
}

#[tokio::test]
async fn idle_hours_are_shown_by_weekday() {
    let desk = Desk::with_machines(1).await;
    let monday = UtcMs(4 * DAY_MS);
    let hours = |from, to| {
        Interval::new(monday.plus_ms(from * HOUR_MS), monday.plus_ms(to * HOUR_MS)).unwrap()
    };
    let spans = vec![
        (hours(0, 6), InterlockWord::Idle),
        (hours(6, 20), InterlockWord::InUse),
        (hours(20, 24), InterlockWord::Idle),
    ];
    let said = BTreeMap::from([(machine(1), spans), (machine(99), vec![])]);
    let store = &desk.app.store;
    store.record_interlocks(&said, now()).await.unwrap();
    let shown = desk.json("machine idle pc-1").await;
    assert_eq!(
        shown[0],
        json!({ "weekday": "Monday", "idle_hours": "10.0", "in_use_hours": "14.0",
                "unknown_hours": "0.0" })
    );
    assert_eq!(shown[1]["idle_hours"], "0.0");
    // Where windows should lie: two of these four hours it is usually in use.
    desk.ask("window add evening --unit icu-3 --cron 0~18~*~*~Mon --zone UTC --minutes 240")
        .await;
    let preview = desk.json("window preview icu-3").await;
    let first = &preview[0];
    assert_eq!(
        (&first["idle_percent"], &first["idle_known"]),
        (&json!("50"), &json!(1))
    );
    desk.refuses("machine idle nobody", NotFound, "machine list")
        .await;
}

/// Stores events of machine 1's job as its agent would have brought them.
pub(super) async fn tells(desk: &Desk, plan: &str, events: &[(UtcMs, Event)]) {
    let sealed = (1u64..).zip(events).map(|(sequence, (at, event))| {
        let event = JobEvent {
            machine: machine(1),
            sequence,
            previous: Digest::default(),
            at: *at,
            job: job(plan, 1),
            approval: plan.parse().unwrap(),
            event: event.clone(),
        };
        codec::encode(&sign(&event, &[&desk.papers.alice]))
    });
    let append = Append {
        machine: machine(1),
        outbox: OutboxId([9; 16]),
        first: 1,
        events: sealed.collect(),
        // Later than every slot.
        received_at: now().plus_ms(DAY_MS),
    };
    desk.app.store.append_journal(append).await.unwrap();
}

/// A start record that says as little as it can.
pub(super) fn start(slot: Interval) -> Start {
    Start {
        slot,
        boot: BootId([1; 16]),
        go: Digest::default(),
        approved_by: Vec::new(),
        roster: Digest::default(),
        charter: Digest::default(),
        assignment: Digest::default(),
        versions_before: Vec::new(),
        interlock: "idle".into(),
    }
}

#[tokio::test]
async fn a_rehearsal_tells_the_night_and_slots_become_history() {
    let (desk, plan) = signed().await;
    let id: Digest = plan.parse().unwrap();
    let mut view = desk.app.store.view().await.unwrap();
    let leaves = view.leaves(&id).await.unwrap();
    drop(view);
    let leaf: patchward_common::trust::approval::PlanLeaf =
        codec::decode_deterministic(&leaves[0].bytes, 8_192).unwrap();
    assert_eq!((leaf.machine, leaf.unit.as_str()), (machine(1), UNIT));
    let slot = leaf.slots[0];
    let began = slot.start().plus_ms(MINUTE_MS);
    let used = Interval::new(began.plus_ms(16 * MINUTE_MS), began.plus_ms(20 * MINUTE_MS)).unwrap();
    let start = start(slot);
    tells(&desk, &plan, &[(began, Event::WouldHaveStarted(start))]).await;
    let store = &desk.app.store;
    let said = BTreeMap::from([(machine(1), vec![(used, InterlockWord::InUse)])]);
    store.record_interlocks(&said, now()).await.unwrap();
    let told = desk.json(&format!("rollout rehearsal {plan}")).await;
    let what = told[0]["what"].as_str().unwrap();
    assert!(what.starts_with("would have started"), "{told}");
    assert!(what.contains(", was in use at "), "{told}");
    // The second machine was not heard in its slots, which are over by then.
    let mut outcomes = Outcomes::default();
    let after = slot.end().plus_ms(HOUR_MS);
    outcomes.run(store, after).await.unwrap();
    // A collector that starts again judges nothing twice.
    Outcomes::default().run(store, after).await.unwrap();
    let mut view = store.view().await.unwrap();
    use patchward_collector::forecast::Outcome::Started;
    assert_eq!(view.outcomes().await.unwrap().of(Started), 1);
}

#[tokio::test]
async fn nobody_is_linked_to_a_provider_that_no_settings_name() {
    let desk = Desk::with_machines(1).await;
    desk.ask("user add ada --title Ada --role viewer").await;
    let link = "user openid link ada --subject ada-1";
    desk.refuses(link, Conflict, "name no OpenID provider")
        .await;
    desk.refuses("user openid unlink ada", Conflict, "oidc_issuer")
        .await;
    assert_eq!(desk.json("user openid list").await, json!([]));
    assert_eq!(desk.json("user list").await[0]["state"], "invited");
}
