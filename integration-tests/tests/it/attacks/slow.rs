//! Slow retrieval and a protocol that nobody speaks any more: a collector in the way that
//! sends one byte a second, or names an old version of itself.

use super::scene::Scene;
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::Class;
use patchward_common::wire::local::{Answer, Request as ToInstaller};
use patchward_common::wire::machine::{ALPN, Request};
use patchward_integration_tests::impostor::{Deed, Impostor};
use patchward_integration_tests::process::wait_until;

const STATION: &str = "station-1";

/// Puts itself between the machine's agent and the collector.
fn stand_between(scene: &mut Scene, protocol: &[u8]) -> Impostor {
    scene.machine(STATION).kill_agent();
    let machine = scene.hospital.machines.first().unwrap();
    let impostor = Impostor::start(&scene.hospital, machine, protocol).unwrap();
    scene.connect_to(STATION, &impostor.address);
    impostor
}

fn drips(scene: &mut Scene, impostor: &Impostor) {
    let before = impostor.sent();
    scene.restart_agent(STATION);
    wait_until("it drips", || impostor.sent() > before).unwrap();
}

/// What drips holds up neither the agent nor a stop; how long it is waited for at all is
/// tested with the download itself.
#[test]
fn one_byte_a_second_starts_nothing_and_stops_no_stop() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION]);
    let impostor = stand_between(&mut scene, ALPN);
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    impostor.does(|request| match request {
        Request::Artifact(_) => Deed::Drips,
        _ => Deed::Honest,
    });
    drips(&mut scene, &impostor);
    impostor.does(|request| match request {
        Request::Metadata(_) => Deed::Drips,
        _ => Deed::Honest,
    });
    let cached = scene.machine(STATION).path("agent/metadata");
    std::fs::remove_dir_all(cached).unwrap();
    drips(&mut scene, &impostor);
    let stop = ["stop", "now", "--all", "--reason", "it takes too long"];
    scene.hospital.ask(&stop).unwrap();
    let job = scene.job(&plan, STATION);
    wait_until("the stop is on the machine", || {
        let answer = scene.ask(STATION, &ToInstaller::Prepare(job));
        matches!(answer, Answer::Refused(reason)
            if reason.step == Some(Step::Approval) && reason.text.contains("it takes too long"))
    })
    .unwrap();
    scene.has(STATION, "1.0");
    impostor.does(|_| Deed::Honest);
    let stops = scene.hospital.ask_json(&["stop", "list"]).unwrap();
    let digest = stops[0]["stop"].as_str().unwrap().to_owned();
    let lift = ["stop", "lift", &digest, "--reason", "the line is repaired"];
    scene.hospital.ask(&lift).unwrap();
    scene.restart_agent(STATION);
    scene.verified(&plan, STATION, "2.0");
}

/// An agent speaks its own protocol or none.
#[test]
fn a_collector_of_an_old_protocol_is_not_spoken_to() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION]);
    let impostor = stand_between(&mut scene, b"patchward/0");
    impostor.does(|request| panic!("it asked: {request:?}"));
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene.machine(STATION).start_agent().unwrap();
    scene.logged(STATION, "no contact with the collector", "TLS");
    let (state, _) = scene.hospital.job(&plan, STATION).unwrap();
    assert_eq!(state, "assigned");
    scene.has(STATION, "1.0");
    let honest = scene.hospital.address();
    scene.connect_to(STATION, &honest);
    scene.restart_agent(STATION);
    scene.verified(&plan, STATION, "2.0");
}
