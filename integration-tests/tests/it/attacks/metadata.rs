//! The vendor's metadata as a collector that stands in the way gives it out: older, mixed,
//! endless, and after somebody signed the highest version there is.

use super::scene::Scene;
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::Class;
use patchward_common::trust::tuf_author::Files;
use patchward_common::trust::vendor::MAX_TIMESTAMP_BYTES;
use patchward_common::wire::machine::{ALPN, Answer, MAX_ANSWER_BYTES, Request};
use patchward_integration_tests::bench::process_costs;
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::impostor::{Deed, Impostor};
use serde_bytes::ByteBuf;

const STATION: &str = "station-1";
const TIMESTAMP: &str = "timestamp.json";

/// The most that an agent may ever be resident with: what it is without an attack, and an
/// answer of the largest size as it came and as it grew.
const MAX_AGENT_BYTES: u64 = 32 * 1024 * 1024 + 3 * MAX_ANSWER_BYTES as u64;
/// What may be on its way when the agent lets a stream go: both windows, and two chunks.
const ON_THE_WAY_BYTES: u64 = 1024 * 1024;

/// Every request for metadata is answered out of these files.
fn give_out(impostor: &Impostor, files: Files) {
    impostor.does(move |request| match request {
        Request::Metadata(asked) => {
            let found = files.get(&asked.file).cloned().map(ByteBuf::from);
            Deed::Says(Box::new(Answer::Metadata(found)))
        }
        _ => Deed::Honest,
    });
}

/// A new agent that has none of the vendor's metadata asks for it and brings it to the
/// installer, which refuses.
fn is_refused(scene: &mut Scene, impostor: &Impostor, files: Files, why: &str) {
    let machine = scene.machine(STATION);
    machine.stop_agent().unwrap();
    // Gone already where an earlier refusal made the agent forget it.
    let _ = std::fs::remove_dir_all(machine.path("agent/metadata"));
    give_out(impostor, files);
    let since = machine.agent_log().len();
    machine.start_agent().unwrap();
    scene.refused_since(STATION, since, Step::Vendor, why);
    scene.has(STATION, "1.0");
}

/// Version 2.0 is published, approved, and waits because the machine is in use. What
/// stands in the way of its agent is honest so far.
fn waiting(scene: &mut Scene) -> (String, Impostor) {
    let machine = scene.machine(STATION);
    machine.set_in_use(true).unwrap();
    let plan = scene.plan("2.0", &[STATION]);
    scene.machine(STATION).stop_agent().unwrap();
    let machine = scene.hospital.machines.first().unwrap();
    let impostor = Impostor::start(&scene.hospital, machine, ALPN).unwrap();
    scene.connect_to(STATION, &impostor.address);
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene.machine(STATION).start_agent().unwrap();
    scene
        .hospital
        .wait_for_job(&plan, STATION, "deferred")
        .unwrap();
    scene.machine(STATION).set_in_use(false).unwrap();
    (plan, impostor)
}

/// The honest answers again: nothing of the attack stays.
fn recovers(scene: &mut Scene, impostor: &Impostor, plan: &str) {
    let machine = scene.machine(STATION);
    machine.stop_agent().unwrap();
    let _ = std::fs::remove_dir_all(machine.path("agent/metadata"));
    impostor.does(|_| Deed::Honest);
    machine.start_agent().unwrap();
    scene.verified(plan, STATION, "2.0");
}

#[test]
fn old_and_mixed_metadata_never_counts() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    scene.publish("2.0", 2);
    let edition = |scene: &mut Scene| {
        let vendor = &mut scene.hospital.vendor;
        vendor.publish_edition(now()).unwrap();
        (vendor.version(), vendor.metadata().unwrap())
    };
    let (before, old) = edition(&mut scene);
    let (seen, good) = edition(&mut scene);
    scene.hospital.import().unwrap();
    let (plan, impostor) = waiting(&mut scene);
    let (after, new) = edition(&mut scene);
    // Rollback: the timestamp of the edition before, and all that it names.
    is_refused(&mut scene, &impostor, old.clone(), "older");
    // Mix and match: a role of one edition under the name that another has for it.
    let role = |version: u64, role: &str| format!("{version}.{role}.json");
    for (of, place, from) in [
        (&good, role(seen, "snapshot"), role(before, "snapshot")),
        (&good, role(seen, "targets"), role(before, "targets")),
        (&new, role(after, "snapshot"), role(seen, "snapshot")),
        (&new, role(after, "targets"), role(seen, "targets")),
    ] {
        let mut mixed = of.clone();
        mixed.insert(place, of[&from].clone());
        is_refused(&mut scene, &impostor, mixed, "its pin names");
    }
    // Also after the installer's store was torn.
    let machine = scene.machine(STATION);
    machine.stop_agent().unwrap();
    machine.kill_installer();
    std::fs::write(machine.path("installer/watermark.a"), b"torn").unwrap();
    machine.start_installer().unwrap();
    is_refused(&mut scene, &impostor, old, "older");
    // The collector has to have what the machine has seen.
    scene.hospital.import().unwrap();
    recovers(&mut scene, &impostor, &plan);
}

#[test]
fn endless_metadata_is_cut_off() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    scene.publish("2.0", 2);
    let good = scene.hospital.vendor.metadata().unwrap();
    let (plan, impostor) = waiting(&mut scene);
    let mut long = good;
    // Still JSON, so that the agent finds its way.
    let timestamp = long.get_mut(TIMESTAMP).unwrap();
    timestamp.resize(MAX_TIMESTAMP_BYTES + 1, b' ');
    is_refused(&mut scene, &impostor, long, "is longer than");
    // Without end: the agent lets the stream go, and its memory stays what it was.
    impostor.does(|request| match request {
        Request::Metadata(asked) if asked.file == TIMESTAMP => Deed::Floods,
        _ => Deed::Honest,
    });
    let machine = scene.machine(STATION);
    machine.stop_agent().unwrap();
    let since = machine.agent_log().len();
    machine.start_agent().unwrap();
    let said = "no contact with the collector";
    patchward_integration_tests::process::wait_until("the stream is let go", || {
        machine.agent_log()[since..].contains(said)
    })
    .unwrap();
    let sent = impostor.sent();
    assert!(sent <= MAX_ANSWER_BYTES as u64 + ON_THE_WAY_BYTES, "{sent}");
    let peak = process_costs::peak(machine.agent_pid().unwrap()).unwrap();
    assert!(peak <= MAX_AGENT_BYTES, "{peak}");
    scene.has(STATION, "1.0");
    recovers(&mut scene, &impostor, &plan);
}

/// Fast-forward: a thief of the vendor's online keys signed the highest version there is.
/// New keys in a new root make it void, as TUF 1.0 §5.3.11 has it, and nothing else does.
#[test]
fn the_highest_version_is_recovered_from_by_new_keys_alone() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    scene.publish("2.0", 2);
    let honest = scene.hospital.vendor.version();
    let vendor = &mut scene.hospital.vendor;
    vendor.publish_as(i64::MAX as u64, now()).unwrap();
    scene.hospital.import().unwrap();
    let (plan, impostor) = waiting(&mut scene);
    let vendor = &mut scene.hospital.vendor;
    vendor.publish_as(honest + 1, now()).unwrap();
    let lower = vendor.metadata().unwrap();
    let said = scene.hospital.import().unwrap_err().to_string();
    assert!(said.contains("is refused"), "{said}");
    is_refused(&mut scene, &impostor, lower, "older");
    let vendor = &mut scene.hospital.vendor;
    vendor.rotate_online_keys(now()).unwrap();
    vendor.publish_as(honest + 1, now()).unwrap();
    scene.hospital.import().unwrap();
    recovers(&mut scene, &impostor, &plan);
}
