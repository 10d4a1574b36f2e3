//! An archive that somebody changed.

use super::{Scene, year};
use patchward_common::audit::AuditRow;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::evidence::{Archive, Pack};
use serde_bytes::ByteBuf;

const MAX: usize = 64 * 1024 * 1024;

/// The archive with a change, as a file of another name.
fn changed(scene: &Scene, name: &str, change: impl FnOnce(&mut Archive)) -> String {
    let bytes = std::fs::read(scene.path("all.archive")).unwrap();
    let mut archive = Archive::from_bytes(&bytes).unwrap();
    change(&mut archive);
    std::fs::write(scene.path(name), archive.to_bytes()).unwrap();
    scene.verified(name).unwrap_err()
}

/// A part of the log without one of its rows.
fn without_a_row(archive: &mut Archive) {
    let part = &mut archive.audit[0];
    let mut rows: Vec<AuditRow> = codec::decode(part, MAX).unwrap();
    rows.remove(3);
    *part = ByteBuf::from(codec::encode(&rows));
}

#[test]
fn an_archive_verifies_alone_and_every_damage_is_said() {
    let scene = Scene::new();
    let year = year();
    let early = ["archive", "--until", &year];
    let out = scene.path("early").to_string_lossy().into_owned();
    let command = [&["evidence"][..], &early, &["--out", &out]].concat();
    let refused = format!("{:#}", scene.hospital.ask(&command).unwrap_err());
    assert!(refused.contains("That time is not over"), "{refused}");
    // A time is written to the second: what moved within this one is in the next archive.
    let moved = patchward_integration_tests::hospital::now();
    let mut until = moved;
    while until.0 / 1_000 <= moved.0 / 1_000 {
        std::thread::yield_now();
        until = patchward_integration_tests::hospital::now();
    }
    let said = scene.written("all.archive", &["archive", "--until", &until.to_string()]);
    assert!(said.contains("2 jobs in 1 pack,"), "{said}");
    let shown = scene.verified("all.archive").unwrap();
    for what in [
        "1 packs of 2 jobs",
        "2 of 2 jobs are proved.",
        "unbroken",
        "No findings.",
    ] {
        assert!(shown.contains(what), "{what}: {shown}");
    }
    // Of a time in which nothing ended: no pack, and the log all the same.
    scene.written("none.archive", &["archive", "--during", "2001"]);
    let shown = scene.verified("none.archive").unwrap();
    assert!(shown.contains("0 packs of 0 jobs"), "{shown}");

    let bytes = std::fs::read(scene.path("all.archive")).unwrap();
    let middle = bytes.len() / 2;
    for at in [100, middle, bytes.len() - 2] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(scene.path("byte.archive"), damaged).unwrap();
        let said = scene.verified("byte.archive");
        assert!(said.is_err(), "byte {at}: {said:?}");
    }
    let said = changed(&scene, "row.archive", without_a_row);
    assert!(said.contains("audit row 4: missing"), "{said}");
    let said = changed(&scene, "head.archive", |archive| archive.head.seq += 1);
    assert!(said.contains("rows are missing at its end"), "{said}");
    let said = changed(&scene, "gone.archive", |archive| archive.packs.clear());
    assert!(said.contains("and no pack has it"), "{said}");
    // A pack of the same hospital that proves what it says, made at another time.
    scene.written("icu.pack", &["export", "--unit", super::UNIT]);
    let other = std::fs::read(scene.path("icu.pack")).unwrap();
    let said = changed(&scene, "swapped.archive", |archive| {
        let one = &mut archive.packs[0];
        one.bytes = ByteBuf::from(other.clone());
        one.jobs = Pack::from_bytes(&other).unwrap().jobs.len() as u64;
    });
    assert!(said.contains("not those that the archive names"), "{said}");
    let said = changed(&scene, "named.archive", |archive| {
        let one = &mut archive.packs[0];
        one.bytes = ByteBuf::from(other.clone());
        one.sha256 = Digest::of(&other);
        one.jobs = 1;
    });
    assert!(said.contains("it is another archive's"), "{said}");
    assert!(said.contains("and no pack has it"), "{said}");
}

#[test]
fn a_pack_with_a_changed_byte_proves_nothing() {
    let scene = Scene::new();
    scene.written("icu.pack", &["export", "--unit", super::UNIT]);
    let bytes = std::fs::read(scene.path("icu.pack")).unwrap();
    let pack = Pack::from_bytes(&bytes).unwrap();
    // One byte of what the machine measured.
    let event = pack.jobs[0].events.last().unwrap().payload().to_vec();
    let at = bytes
        .windows(event.len())
        .position(|window| window == event)
        .unwrap();
    let mut damaged = bytes.clone();
    damaged[at + event.len() - 1] ^= 1;
    std::fs::write(scene.path("damaged.pack"), damaged).unwrap();
    let said = scene.verified("damaged.pack").unwrap_err();
    assert!(
        said.contains("the machine's key did not sign an event"),
        "{said}"
    );
    assert!(
        said.contains("0 of 1 jobs are proved. NOT proved"),
        "{said}"
    );
    let arguments = ["verify-evidence", "icu.pack", "--root", &"ab".repeat(32)];
    let said = format!("{:#}", scene.hospital.sign(&arguments).unwrap_err());
    assert!(said.contains("stands under hospital root"), "{said}");
}
