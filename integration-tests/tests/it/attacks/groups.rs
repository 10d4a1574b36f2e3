//! All at once: goes for every member of a coverage group, and a second approval over it
//! that hides the first.

use super::scene::{PRODUCT, Scene, refused};
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::Class;
use patchward_common::wire::local::Request;
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::hostile::{back_up, go_key, read_plan, set_back};

const PAIR: [&str; 2] = ["station-1", "station-2"];

#[test]
fn no_two_of_a_pair_start_at_once_whatever_the_collector_says() {
    let mut scene = Scene::bare(&PAIR.map(|name| (name, Class::Standard)), &["readers"]);
    scene.publish("1.0", 1);
    let backup = back_up(&mut scene.hospital).unwrap();
    let plan = scene.plan("1.0", &PAIR);
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    // By signature one of them has an open slot.
    let (_, leaves) = read_plan(&scene.hospital, &plan).unwrap();
    let is_open = |name: &&str| {
        let id = scene.hospital.id_of(name).unwrap().parse().unwrap();
        let mut leaves = leaves.iter();
        let leaf = leaves.find(|leaf| leaf.machine == id).unwrap();
        leaf.slots.iter().any(|slot| slot.contains(now()))
    };
    let (open, closed): (Vec<&str>, Vec<&str>) = PAIR.iter().copied().partition(is_open);
    let ([open], [closed]) = (&open[..], &closed[..]) else {
        panic!("{open:?} have a slot now and {closed:?} have none");
    };
    scene.verified(&plan, open, "1.0");
    scene
        .hospital
        .wait_for_job(&plan, closed, "staged")
        .unwrap();
    scene.machine(closed).kill_agent();
    let key = go_key(&scene.hospital).unwrap();
    let job = scene.job(&plan, closed);
    let drawn = scene.nonce(closed, job);
    let go = scene.go(closed, &key, job, drawn, now());
    let answer = scene.ask(closed, &Request::Start(job, go));
    refused(&answer, Step::Time, "no slot of this machine is open now");
    assert_eq!(scene.machine(closed).tree_version(PRODUCT), None);
    // A collector that hides this plan gets another one past no signer of the first.
    set_back(&mut scene.hospital, &backup).unwrap();
    scene.publish("2.0", 2);
    let hiding = scene.plan("2.0", &PAIR);
    let said = scene.hospital.approve(&hiding, &["ada"]).unwrap_err();
    let said = said.to_string();
    assert!(said.contains("beside"), "{said}");
}
