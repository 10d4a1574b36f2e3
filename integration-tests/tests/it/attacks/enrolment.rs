//! Enrolment: tokens that were guessed, revoked, used up, or are another hospital's.

use super::scene::{Scene, UNIT};
use patchward_common::trust::roster::Class;
use patchward_common::wire::token::EnrolmentToken;
use serde_json::Value;

const STATION: &str = "station-1";

fn token(scene: &Scene, name: &str) -> EnrolmentToken {
    let made = scene
        .hospital
        .ask_json(&["token", "new", name, "--unit", UNIT])
        .unwrap();
    EnrolmentToken::from_text(made["token"].as_str().unwrap()).unwrap()
}

fn waiting(scene: &Scene) -> usize {
    let waiting = scene.hospital.ask_json(&["machine", "waiting"]).unwrap();
    waiting.as_array().unwrap().len()
}

/// The machines, but for when they were heard last: the collector writes that in batches, and
/// what it heard before the agent ended comes into the list later.
fn machines(scene: &Scene) -> Vec<Value> {
    let listed = scene.hospital.ask_json(&["machine", "list"]).unwrap();
    let mut machines = listed.as_array().unwrap().clone();
    for machine in &mut machines {
        machine.as_object_mut().unwrap().remove("last_seen");
    }
    machines
}

/// Asks once for a certificate; the error where none came.
fn enroll(scene: &mut Scene, token: &EnrolmentToken) -> Result<(), String> {
    let text = token.to_text();
    let arguments = ["enroll", "--again", "--wait", "0", "--token", &text];
    let asked = scene.machine(STATION).ask_agent(&arguments);
    asked.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn only_a_live_token_and_a_person_let_a_machine_in() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    scene.machine(STATION).kill_agent();
    let before = machines(&scene);
    let good = token(&scene, "good");
    let mut guessed = good.clone();
    guessed.secret[0] ^= 1;
    let revoked = token(&scene, "revoked");
    scene.hospital.ask(&["token", "revoke", "revoked"]).unwrap();
    for token in [&guessed, &revoked] {
        let said = enroll(&mut scene, token).unwrap_err();
        assert!(said.contains("exit status: 7"), "{said}");
        assert_eq!(waiting(&scene), 0);
    }
    let mut foreign = good.clone();
    foreign.root.threshold = 1;
    let said = enroll(&mut scene, &foreign).unwrap_err();
    assert!(said.contains("another hospital"), "{said}");
    // A good one waits for a person, and is worth one machine.
    let said = enroll(&mut scene, &good).unwrap_err();
    assert!(said.contains("exit status: 4"), "{said}");
    assert_eq!(waiting(&scene), 1);
    assert_eq!(machines(&scene), before);
    let id = scene.hospital.id_of(STATION).unwrap();
    scene
        .hospital
        .ask(&["machine", "refuse", &id, "--reason", "a copy?"])
        .unwrap();
    let said = enroll(&mut scene, &good).unwrap_err();
    assert!(said.contains("exit status: 7"), "replayed: {said}");
    assert_eq!(waiting(&scene), 0);
    // The certificate that it had works on.
    scene.machine(STATION).start_agent().unwrap();
    scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION]);
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene.verified(&plan, STATION, "2.0");
}
