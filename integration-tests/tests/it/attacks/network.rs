//! Nobody attacks, and the network is bad: what is signed arrives whole, and each event once.

use super::scene::{PRODUCT, Scene};
use patchward_common::trust::roster::Class;
use patchward_integration_tests::bad_network::{BadNetwork, Faults};
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::process::wait_until;
use patchward_integration_tests::vendor::tree_release;

const STATION: &str = "station-1";
const SEED: u64 = 27;
const FAULTS: Faults = Faults {
    lost: 4,
    doubled: 4,
    spoiled: 4,
    late_ms: 12,
};

/// Some hundreds of packets, no two alike.
fn program() -> Vec<u8> {
    (0..100_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_rollout_and_a_stop_go_through_a_network_that_loses_doubles_delays_and_spoils() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    let collector = scene.hospital.address().parse().unwrap();
    let network = BadNetwork::start(collector, SEED, FAULTS).unwrap();
    scene.connect_to(STATION, &network.address.to_string());
    scene.restart_agent(STATION);
    let (release, bytes) = tree_release(PRODUCT, "2.0", 2, &[(PRODUCT, &program())]).unwrap();
    let vendor = &mut scene.hospital.vendor;
    vendor.publish(&release, &[&bytes], now()).unwrap();
    scene.hospital.import().unwrap();
    let plan = scene.plan("2.0", &[STATION]);
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    // Cut for a moment, in the middle of all that.
    let before = network.happened().carried;
    wait_until("the download has begun", || {
        network.happened().carried > before + 40
    })
    .unwrap();
    network.cut(true);
    wait_until("it is missed", || network.happened().cut > 5).unwrap();
    network.cut(false);
    scene
        .hospital
        .wait_for_job(&plan, STATION, "verified")
        .unwrap();
    // Nothing is missing in the journal, nothing stands in it twice.
    let journal = scene.done_once(&plan, STATION);
    let numbers: Vec<_> = journal
        .iter()
        .map(|event| event["event"].as_u64().unwrap())
        .collect();
    let first = numbers[0];
    assert_eq!(
        numbers,
        (first..first + numbers.len() as u64).collect::<Vec<_>>()
    );
    scene.stop_all();
    let happened = network.happened();
    for (what, count) in [
        ("lost", happened.lost),
        ("doubled", happened.doubled),
        ("spoiled", happened.spoiled),
        ("overtaken", happened.overtaken),
        ("cut", happened.cut),
    ] {
        assert!(count > 0, "nothing was {what}: {happened:?}");
    }
}
