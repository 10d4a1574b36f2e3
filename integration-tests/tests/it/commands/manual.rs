//! Work by hand, by command.

use super::desk::{Desk, machine, now};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::control::Output;
use patchward_common::digest::Digest;
use patchward_common::evidence::Pack;
use patchward_common::id::{JobId, MachineId};
use patchward_common::job::State;
use patchward_common::time::DAY_MS;
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use patchward_integration_tests::fixture::label;
use serde_json::{Value, json};

/// A PNG's first bytes are enough of one.
const PHOTO: &[u8] = b"\x89PNG\r\n\x1a\n of a screen";

/// The row of `ct-7`, which a vendor works on, beside a machine with an agent.
async fn row(desk: &Desk, mode: Mode) -> AssignmentLeaf {
    let shown = desk.json("machine show ct-7").await;
    let id: MachineId = shown["id"].as_str().unwrap().parse().unwrap();
    AssignmentLeaf {
        name: label("CT 7"),
        mode,
        ..desk.papers.row(id)
    }
}

async fn with_asset() -> Desk {
    let desk = Desk::with_machines(1).await;
    desk.ask("asset put CT-7 --unit icu-3 --manufacturer acme")
        .await;
    desk.ask("asset manual CT-7 --name ct-7 --model station --by vendor")
        .await;
    desk
}

/// A signed plan for `ct-7` alone, in which two failures are allowed.
pub(super) async fn signed() -> (Desk, String, JobId) {
    let desk = with_asset().await;
    let row = row(&desk, Mode::Manual).await;
    let machine = row.machine;
    desk.assign_rows(2, vec![row]).await.unwrap();
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 1200")
        .await;
    let rest = "--release viewer=2 --machine ct-7 --install-minutes 45 --failure-limit 3";
    let plan = desk.plan("Update", rest).await;
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    let id = JobId::of(plan.parse::<Digest>().unwrap(), machine);
    (desk, plan, id)
}

async fn shown(desk: &Desk, id: &JobId, what: &str) -> Value {
    desk.json(&format!("job show {id}")).await[what].clone()
}

#[tokio::test]
async fn what_has_no_agent_is_assigned_as_such_and_nothing_else_is() {
    let desk = with_asset().await;
    let again = "asset manual CT-7 --name ct-8 --model station --by it";
    desk.refuses(again, Conflict, "is machine").await;
    let nobody = "asset manual CT-8 --name ct-8 --model station --by it";
    desk.refuses(nobody, NotFound, "asset put").await;
    desk.ask("asset put CT-9").await;
    let nowhere = "asset manual CT-9 --name ct-9 --model station --by it";
    desk.refuses(nowhere, Conflict, "stands in no unit").await;
    let somebody = "asset manual CT-9 --name ct-9 --model station --by ward";
    desk.refuses(somebody, Input, "htm, it, vendor").await;
    let active = row(&desk, Mode::Active).await;
    let refused = desk.assign_rows(2, vec![active]).await.unwrap_err();
    assert!(refused.text.contains("has no agent"), "{}", refused.text);
    let manual = AssignmentLeaf {
        mode: Mode::Manual,
        ..desk.row(1)
    };
    let refused = desk.assign_rows(2, vec![manual]).await.unwrap_err();
    assert!(refused.text.contains("has an agent"), "{}", refused.text);
    let right = row(&desk, Mode::Manual).await;
    desk.assign_rows(2, vec![right]).await.unwrap();
    let shown = desk.json("machine show ct-7").await;
    assert_eq!(
        (&shown["mode"], &shown["groups"]),
        (&json!("manual"), &json!(["readers"]))
    );
}

#[tokio::test]
async fn a_plan_has_work_by_hand_under_the_same_rules() {
    let (desk, plan, id) = signed().await;
    let found = desk.json(&format!("plan check {plan}")).await.to_string();
    assert!(found.contains("is worked on by hand"), "{found}");
    assert!(
        found.contains("nobody has stated that it is fit"),
        "{found}"
    );
    assert!(!found.contains("blocks"), "{found}");
    let until = now().plus_ms(9 * DAY_MS);
    desk.ask(&format!("plan member CT-7 --by Ada --until {until}"))
        .await;
    let found = desk.json(&format!("plan check {plan}")).await.to_string();
    assert!(!found.contains("nobody has stated"), "{found}");
    // Its slot is long enough for what was said, and open now: the vendor's move.
    assert_eq!(shown(&desk, &id, "next_step_by").await, "vendor");
    let today = desk.json("today").await;
    assert_eq!(today["tonight"][0]["machine"], "ct-7");
}

#[tokio::test]
async fn work_by_hand_and_agents_stand_in_one_plan_and_not_in_one_slot() {
    let desk = with_asset().await;
    let manual = row(&desk, Mode::Manual).await;
    desk.assign_rows(2, vec![manual]).await.unwrap();
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 1200")
        .await;
    let both = "--release viewer=2 --unit icu-3 --canaries 2";
    let plan = desk.plan("Both", both).await;
    // Both at once would leave nobody ready, so each has a time of its own.
    let found = desk.json(&format!("plan check {plan}")).await.to_string();
    assert!(!found.contains("blocks"), "{found}");
    let shown = desk.json(&format!("plan show {plan}")).await;
    let slots = shown["machines"].as_array().unwrap();
    assert_eq!(slots.len(), 2, "{shown}");
    assert_ne!(slots[0]["first_slot"], slots[1]["first_slot"]);
    desk.signed(&plan, &[&desk.papers.alice]).await.unwrap();
    let with_agent = JobId::of(plan.parse::<Digest>().unwrap(), machine(1));
    let start = format!("job start {with_agent}");
    desk.refuses(&start, Conflict, "has an agent").await;
}

#[tokio::test]
async fn a_person_begins_work_by_hand_records_it_and_it_is_attested() {
    let (desk, plan, id) = signed().await;
    let start = format!("job start {id}");
    let done = format!("job done {id} --before 1 --after 2 --work-order WO-4711");
    desk.refuses(&done, Conflict, "not under way").await;
    desk.ask(&format!("rollout halt {plan} --reason smoke"))
        .await;
    desk.refuses(&start, Conflict, "halted").await;
    desk.ask(&format!("rollout resume {plan} --reason judged"))
        .await;
    // The only other member of its group is not ready.
    let store = &desk.app.store;
    let mut change = desk.change().await;
    change
        .hold(
            patchward_collector::store::windows::Area::Machine,
            &shown_machine(&desk, &id).await,
            now().plus_ms(DAY_MS / 4),
            "patient",
        )
        .await
        .unwrap();
    change.commit().await.unwrap();
    desk.refuses(&start, Conflict, "held by the ward").await;
    let mut change = store
        .change(patchward_collector::store::Actor::Local(0), now())
        .await
        .unwrap();
    let held = shown_machine(&desk, &id).await;
    change
        .end_hold(
            patchward_collector::store::windows::Area::Machine,
            &held,
            None,
        )
        .await
        .unwrap();
    change.commit().await.unwrap();
    let said = desk.ask(&start).await.text();
    assert!(said.contains("counts as down"), "{said}");
    assert!(shown(&desk, &id, "down_since").await.is_string());
    assert_eq!(shown(&desk, &id, "next_step_by").await, "vendor");
    desk.refuses(&start, Conflict, "the job is installing")
        .await;
    for (rest, why) in [
        (
            "--before 1 --after 3 --work-order W",
            "the plan installs viewer 2",
        ),
        (
            "--before viewer= --after 2 --work-order W",
            "before the work",
        ),
        (
            "--before other=1 --after other=2 --work-order W",
            "the plan installs",
        ),
    ] {
        let wrong = format!("job done {id} {rest}");
        desk.refuses(&wrong, Input, why).await;
    }
    let text = desk.write(b"no photo");
    let wrong = format!("{done} --photo {text}");
    desk.refuses(&wrong, Input, "neither PNG nor JPEG").await;
    let photo = desk.write(PHOTO);
    let said = desk
        .ask(&format!("{done} --by Eve~of~acme --photo {photo}"))
        .await;
    assert!(said.text().contains("nothing was measured"));
    assert_eq!(shown(&desk, &id, "state").await, "attested");
    assert!(shown(&desk, &id, "down_since").await.is_null());
    let record = desk.json(&format!("job show {id}")).await;
    assert_eq!(
        (
            &record["recorded_by"],
            &record["work_order"],
            &record["photo"]
        ),
        (
            &json!("local:0"),
            &json!("WO-4711"),
            &json!(Digest::of(PHOTO).to_string())
        )
    );
    desk.refuses(&done, Conflict, "its job is attested").await;
    let (name, length) = (Digest::of(PHOTO), PHOTO.len() as u64);
    assert!(desk.app.artifacts.has(name, length).await.unwrap());
    let photo = format!("job photo {id} --out photo");
    match desk.ask(&photo).await {
        Output::File { bytes, .. } => assert_eq!(bytes, PHOTO),
        other => panic!("{other:?}"),
    }
    std::fs::remove_file(desk.path("collector/artifacts").join(name.to_string())).unwrap();
    desk.refuses(&photo, NotFound, "restore it from a backup")
        .await;
    let state = async || desk.json("today").await["machines"][0].clone();
    assert_eq!(
        state().await,
        json!({ "machine": "ct-7", "state": "attested" })
    );
    let item = shown(&desk, &id, "item").await;
    assert_eq!(item, format!("return:{id}"));
    desk.ask(&format!("job return {id}")).await;
    // Back in service it is still a person's word.
    assert_eq!(state().await["state"], "attested");
    let waves = desk.json(&format!("rollout show {plan}")).await;
    assert_eq!(waves["failures"], 0);
    in_evidence(&desk, &plan, &id).await;
}

async fn shown_machine(desk: &Desk, id: &JobId) -> String {
    let mut view = desk.app.store.view().await.unwrap();
    view.job(id).await.unwrap().unwrap().machine.to_string()
}

/// The pack says who, when, what and by which work order, and proves none of it.
async fn in_evidence(desk: &Desk, plan: &str, id: &JobId) {
    let export = format!("evidence export --plan {plan} --out unused");
    let Output::File { bytes, .. } = desk.ask(&export).await else {
        panic!("no file");
    };
    let pack = Pack::from_bytes(&bytes).unwrap();
    let root = pack.chain.root.fingerprint();
    let report = patchward_common::evidence::verify(&pack, root);
    assert_eq!((report.jobs.len(), report.findings.len()), (0, 0));
    let one = &report.attested[0];
    assert_eq!((one.job, &one.outcome), (*id, &State::InService));
    let work = &one.records[0];
    assert_eq!(
        (work.recorded_by.as_str(), work.work_order.as_str()),
        ("local:0", "WO-4711")
    );
    assert_eq!(work.done_by.as_ref().unwrap().as_str(), "Eve of acme");
    assert_eq!(
        (
            work.before[0].version.as_str(),
            work.after[0].version.as_str()
        ),
        ("1", "2")
    );
    assert_eq!(
        (work.photo, work.succeeded),
        (Some(Digest::of(PHOTO)), true)
    );
}

#[tokio::test]
async fn work_by_hand_that_failed_may_be_done_again_in_its_approval() {
    let (desk, plan, id) = signed().await;
    let start = format!("job start {id}");
    desk.ask(&start).await;
    let failed = format!(
        "job done {id} --before 1 --after 1 --work-order WO-1 --failed the~licence~was~missing"
    );
    desk.ask(&failed).await;
    assert_eq!(shown(&desk, &id, "why").await, "the licence was missing");
    let rollout = desk.json(&format!("rollout show {plan}")).await;
    assert_eq!(rollout["failures"], 1);
    desk.refuses(&start, Conflict, "the job is failed").await;
    desk.ask(&format!("job retry {id} --reason it~is~there~now"))
        .await;
    desk.ask(&start).await;
    assert_eq!(shown(&desk, &id, "attempt").await, 2);
    // Freed, it is still recorded by whoever was there.
    let freed = desk.ask(&format!("job free {id} --reason seen")).await;
    assert!(freed.text().contains("until `job done`"));
    assert!(shown(&desk, &id, "work_order").await.is_null());
    let done = format!("job done {id} --before 1 --after viewer=2 --work-order WO-2");
    desk.ask(&done).await;
    let mut view = desk.app.store.view().await.unwrap();
    let records = view.manual_records(&id).await.unwrap();
    let orders: Vec<_> = records.iter().map(|one| one.work_order.as_str()).collect();
    assert_eq!(orders, ["WO-1", "WO-2"]);
}
