//! Keys that follow one another in the whole hospital: root, registrar and go-key are replaced by the
//! words that people type, and a thief who has the old go-key starts nothing.

use super::rollback::{document, wait_for_numbers};
use super::scene::Scene;
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::Class;
use patchward_common::wire::local::{Answer, Request};
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::hostile::go_key;

const STATION: &str = "station-1";

fn described(scene: &Scene, kind: &str) -> String {
    let path = scene.hospital.people().join(format!("{kind}.toml"));
    std::fs::read_to_string(path).unwrap()
}

fn public(scene: &Scene, key: &str) -> String {
    let shown = scene.hospital.sign(&["key", "show", key]).unwrap();
    shown.trim().to_owned()
}

/// The next charter: two other root keys, and another registrar.
fn charter(scene: &Scene) {
    let mut text = described(scene, "charter").replacen("number = 1", "number = 2", 1);
    let mut before = Vec::new();
    for (old, new) in [
        ("root-1.pem", "root-3"),
        ("root-2.pem", "root-4"),
        ("registrar.pem", "registrar-2"),
    ] {
        let (old, new) = (public(scene, old), scene.hospital.new_key(new).unwrap());
        text = text.replace(&old, &new);
        before.push(format!("\"{old}\""));
    }
    let before = before[..2].join(", ");
    let before = format!("[before]\nkeys = [{before}]\nthreshold = 2\n[[registrars]]");
    let text = text.replacen("[[registrars]]", &before, 1);
    let keys = ["root-1.pem", "root-2.pem", "root-3.pem", "root-4.pem"];
    document(scene, "charter", 2, &text, &keys);
}

/// Two rosters by the new registrar: the first names both go-keys and the collector goes over to the
/// next one, the second leaves the old one out.
fn rosters(scene: &mut Scene) {
    let next = ["go-key", "next", "--reason", "a test"];
    scene.hospital.ask(&next).unwrap();
    let place = |name: &str| scene.hospital.collector_folder().join(name);
    let [old, next] = ["go.key", "go-next.key"].map(|name| {
        let path = place(name);
        public(scene, &path.to_string_lossy())
    });
    let first = described(scene, "roster");
    let both = first.replacen("number = 1", "number = 2", 1);
    let both = format!("{both}[[go_keys]]\ncollector = \"collector\"\nkey = \"{next}\"\n");
    document(scene, "roster", 2, &both, &["registrar-2.pem"]);
    scene.hospital.stop_collector().unwrap();
    scene.hospital.start_collector().unwrap();
    let alone = first.replacen("number = 1", "number = 3", 1);
    let alone = alone.replace(&old, &next);
    document(scene, "roster", 3, &alone, &["registrar-2.pem"]);
}

#[test]
fn root_registrar_and_go_key_are_replaced_and_the_next_rollout_goes_by_the_new_ones() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    let stolen = go_key(&scene.hospital).unwrap();
    charter(&scene);
    rosters(&mut scene);
    assert_ne!(go_key(&scene.hospital).unwrap(), stolen);
    wait_for_numbers(&mut scene, (2, 3, 1));
    scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION]);
    scene.machine(STATION).set_in_use(true).unwrap();
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene
        .hospital
        .wait_for_job(&plan, STATION, "deferred")
        .unwrap();
    scene.machine(STATION).kill_agent();
    let job = scene.job(&plan, STATION);
    let nonce = scene.nonce(STATION, job);
    let go = scene.go(STATION, &stolen, job, nonce, now());
    match scene.ask(STATION, &Request::Start(job, go)) {
        Answer::Refused(reason) if reason.step == Some(Step::Go) => {}
        other => panic!("{other:?}"),
    }
    scene.has(STATION, "1.0");
    let machine = scene.machine(STATION);
    machine.set_in_use(false).unwrap();
    machine.start_agent().unwrap();
    scene.verified(&plan, STATION, "2.0");
    scene.done_once(&plan, STATION);
}
