//! Rollback: a collector whose database was set back offers a roster and an assignment
//! that were replaced, and a plan by somebody who is no approver any more.

use super::scene::{Scene, UNIT};
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::Class;
use patchward_common::wire::local::{Answer, Request};
use patchward_integration_tests::hostile::{back_up, set_back};
use patchward_integration_tests::process::wait_until;

const STATION: &str = "station-1";

/// Writes a description, signs it, and lets the collector take it in.
pub(super) fn document(scene: &Scene, kind: &str, number: u64, text: &str, keys: &[&str]) {
    let people = scene.hospital.people();
    let (from, out) = (format!("{kind}-{number}.toml"), format!("{kind}-{number}"));
    std::fs::write(people.join(&from), text).unwrap();
    let mut arguments = vec![kind, "--from", &from, "--out", &out, "--yes"];
    arguments.extend(keys.iter().flat_map(|key| ["--key", *key]));
    scene.hospital.sign(&arguments).unwrap();
    let path = people.join(&out);
    let add = ["document", "add", &path.to_string_lossy()];
    scene.hospital.ask(&add).unwrap();
}

fn assignment(scene: &Scene, number: u64, mode: &str, key: &str) {
    let id = scene.hospital.id_of(STATION).unwrap();
    let text = format!(
        "number = {number}\n[[machines]]\nmachine = \"{id}\"\nname = \"{STATION}\"\n\
         unit = \"{UNIT}\"\nclass = \"standard\"\ngroups = []\nmodel = \"workstation\"\n\
         mode = \"{mode}\"\n"
    );
    document(scene, "assignment", number, &text, &[key]);
}

/// The first roster with another number, and ada as what is given.
fn roster(scene: &Scene, number: u64, ada: &str) {
    let first = std::fs::read_to_string(scene.hospital.people().join("roster.toml")).unwrap();
    let text = first
        .replacen("number = 1", &format!("number = {number}"), 1)
        .replacen("[\"approver\"]", &format!("[\"{ada}\"]"), 1);
    document(scene, "roster", number, &text, &["registrar.pem"]);
}

/// Waits until the machine's installer holds these numbers of charter, roster and assignment.
pub(super) fn wait_for_numbers(scene: &mut Scene, numbers: (u64, u64, u64)) {
    wait_until(&format!("the machine has {numbers:?}"), || {
        matches!(scene.ask(STATION, &Request::Status),
            Answer::Status(status) if status.numbers == numbers)
    })
    .unwrap();
}

#[test]
fn a_collector_that_was_set_back_brings_nothing_back() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION]);
    scene.machine(STATION).set_in_use(true).unwrap();
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene
        .hospital
        .wait_for_job(&plan, STATION, "deferred")
        .unwrap();
    let backup = back_up(&mut scene.hospital).unwrap();
    roster(&scene, 2, "technician");
    assignment(&scene, 2, "observe", "ben.pem");
    wait_for_numbers(&mut scene, (1, 2, 2));
    set_back(&mut scene.hospital, &backup).unwrap();
    let older = "is number 1, but number 2 was seen already";
    scene.logged(STATION, "\"roster\"", older);
    scene.logged(STATION, "\"assignment\"", older);
    // Idle again, and the old collector's go would be given: the machine knows better.
    scene.machine(STATION).set_in_use(false).unwrap();
    let job = scene.job(&plan, STATION);
    match scene.ask(STATION, &Request::Prepare(job)) {
        // The newest assignment that it knows says `observe`.
        Answer::Refused(reason) if reason.step == Some(Step::Assignment) => {}
        other => panic!("{other:?}"),
    }
    scene.has(STATION, "1.0");
    wait_for_numbers(&mut scene, (1, 2, 2));
    // Registrar and HTM say so anew: the same plan counts again.
    roster(&scene, 3, "approver");
    assignment(&scene, 3, "active", "ben.pem");
    wait_for_numbers(&mut scene, (1, 3, 3));
    let machine = scene.machine(STATION);
    wait_until("the machine has 2.0", || {
        machine.tree_version("viewer").as_deref() == Some("2.0")
    })
    .unwrap();
}
