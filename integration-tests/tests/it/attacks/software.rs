//! Arbitrary software, endless data and the freeze attack: bytes and metadata that the
//! collector hands out under signed names.

use super::scene::{PRODUCT, Scene};
use ed25519_dalek::SigningKey;
use patchward_collector::store::vendors::TufFile;
use patchward_common::digest::Digest;
use patchward_common::time::{DAY_MS, SECOND_MS};
use patchward_common::trust::roster::Class;
use patchward_common::trust::tuf_author::{Edition, EditionKeys, Files, TargetSpec};
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::hostile::swap_role_files;
use patchward_integration_tests::process::wait_until;

const STATION: &str = "station-1";

/// Editions of the test vendor live so long.
const EDITION_LIFE_MS: i64 = 30 * DAY_MS;

/// The vendor's role files of the newest edition, remade by somebody else with bytes of
/// his own under the path that HTM approves.
fn remade(version: u64) -> Files {
    let key = SigningKey::from_bytes(&[99; 32]);
    let keys = [&key];
    let mut edition = Edition::new(version, now().plus_ms(DAY_MS));
    let path = format!("{PRODUCT}/{PRODUCT}-2.0.tar");
    let target = TargetSpec::of(b"anything", None);
    edition.targets.insert(path, target);
    let keys = EditionKeys {
        timestamp: &keys,
        snapshot: &keys,
        targets: &keys,
    };
    edition.sign(&keys).unwrap()
}

#[test]
fn bytes_that_no_vendor_signed_or_signed_long_ago_never_run() {
    let mut scene = Scene::new(&[(STATION, Class::Standard)]);
    other_bytes(&mut scene);
    expired(&mut scene);
}

fn other_bytes(scene: &mut Scene) {
    let bytes = scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION]);
    let file = scene
        .hospital
        .collector_folder()
        .join("artifacts")
        .join(Digest::of(&bytes).to_string());
    assert!(file.exists());
    let mut flipped = bytes.clone();
    flipped[512] ^= 1;
    std::fs::write(&file, &flipped).unwrap();
    let swap = |file: &TufFile| remade(file.version).remove(&file.file);
    let honest = swap_role_files(&mut scene.hospital, "acme", swap).unwrap();
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    let name = Digest::of(&bytes).to_string();
    scene.logged(STATION, &name, "other bytes came than were signed");
    let longer = [&bytes[..], &[0; 4096]].concat();
    std::fs::write(&file, longer).unwrap();
    scene.restart_agent(STATION);
    scene.logged(STATION, &name, "another length than was signed");
    let (state, _) = scene.hospital.job(&plan, STATION).unwrap();
    assert_eq!(state, "assigned", "not one byte reached the installer");
    // The right bytes at last, but metadata by somebody else.
    std::fs::write(&file, &bytes).unwrap();
    scene.restart_agent(STATION);
    let why = scene.hospital.wait_for_job(&plan, STATION, "deferred");
    let why = why.unwrap();
    assert!(why.contains("the vendor's metadata is refused"), "{why}");
    scene.has(STATION, "1.0");
    swap_role_files(&mut scene.hospital, "acme", |file| {
        let found = honest.iter().find(|other| other.file == file.file);
        found.map(|found| found.bytes.clone())
    })
    .unwrap();
    // What the refusal made it fetch again may still be the other's; in five minutes the
    // agent would find that out.
    scene.machine(STATION).kill_agent();
    let cached = scene.machine(STATION).path("agent/metadata");
    let _ = std::fs::remove_dir_all(cached);
    scene.restart_agent(STATION);
    scene.verified(&plan, STATION, "2.0");
}

/// The last good answers, replayed after they have expired.
fn expired(scene: &mut Scene) {
    scene.publish("3.0", 3);
    let plan = scene.plan("3.0", &[STATION]);
    let end = now().plus_ms(3 * SECOND_MS);
    let written = end.plus_ms(-EDITION_LIFE_MS);
    scene.hospital.vendor.publish_edition(written).unwrap();
    scene.hospital.import().unwrap();
    wait_until("the edition has expired", || now() > end).unwrap();
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    let why = scene.hospital.wait_for_job(&plan, STATION, "deferred");
    let why = why.unwrap();
    assert!(why.contains("expired"), "{why}");
    scene.has(STATION, "2.0");
    scene.hospital.vendor.publish_edition(now()).unwrap();
    scene.hospital.import().unwrap();
    scene.restart_agent(STATION);
    scene.verified(&plan, STATION, "3.0");
}
