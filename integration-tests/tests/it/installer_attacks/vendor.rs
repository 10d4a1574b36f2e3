//! Arbitrary software, rollback, freeze, fast-forward, endless data, mix and match.

use super::Scene;
use patchward_common::digest::Digest;
use patchward_common::time::{DAY_MS, SECOND_MS};
use patchward_common::trust::check::Step;
use patchward_common::trust::tuf_author::{Holders, RootSpec};
use patchward_common::trust::vendor::MAX_TIMESTAMP_BYTES;
use patchward_integration_tests::fixture::{Hospital, name};
use patchward_integration_tests::machine::{now, until};

#[test]
fn arbitrary_software_of_another_vendor_product_or_key() {
    let scene = Scene::new();
    for (version, what, why) in [
        (1, "product", "may not speak for"),
        (2, "path", "may not speak for"),
        (3, "repository", "knows no repository other"),
    ] {
        let mut work = scene.work();
        let release = &mut work.approval.releases[0];
        match what {
            "product" => release.release.product = name("pump"),
            "path" => {
                release.path = "pump/1.0.tar".into();
                release.release.artifacts[0].path = release.path.clone();
            }
            _ => release.repository = name("other"),
        }
        let job = scene.bring_edition(version, &work);
        scene.refuses(job, Step::Vendor, why);
    }
    let work = scene.work();
    let job = scene.bring_edition(4, &work);
    let release = &work.approval.releases[0];
    let thief = Scene {
        hospital: Hospital::new(2, scene.hospital.now),
        ..Scene::new()
    };
    let mut files = thief.edition(5, now().plus_ms(DAY_MS), release);
    files.insert("1.root.json".into(), scene.hospital.vendor_root());
    scene.put(&files);
    scene.refuses(job, Step::Vendor, "signed by 0 of its keys");
    // With his own root in its place as well.
    scene.put(&thief.edition(5, now().plus_ms(DAY_MS), release));
    scene.refuses(job, Step::Vendor, "root");
    scene.put(&scene.edition(5, now().plus_ms(DAY_MS), release));
    scene.is_prepared(job);
}

#[test]
fn rollback_to_older_metadata_also_after_the_agents_store_was_lost() {
    let mut scene = Scene::new();
    let work = scene.work();
    let job = scene.bring(&work);
    let release = &work.approval.releases[0];
    let expires = now().plus_ms(DAY_MS);
    let (old, new) = (
        scene.edition(3, expires, release),
        scene.edition(4, expires, release),
    );
    scene.put(&new);
    scene.is_prepared(job);
    scene.put(&old);
    scene.refuses(job, Step::Vendor, "older");
    scene.machine.start(None).unwrap();
    scene.refuses(job, Step::Vendor, "older");
    // One of the two copies of the watermark is torn as well.
    std::fs::write(scene.machine.path("state/watermark.a"), b"torn").unwrap();
    scene.machine.start(None).unwrap();
    scene.refuses(job, Step::Vendor, "older");
    scene.put(&new);
    scene.is_prepared(job);
}

#[test]
fn the_last_good_answers_replayed_past_their_expiry() {
    let scene = Scene::new();
    let work = scene.work();
    let job = scene.bring(&work);
    let end = now().plus_ms(2 * SECOND_MS);
    scene.put(&scene.edition(2, end, &work.approval.releases[0]));
    until("it has expired", || (now() > end).then_some(())).unwrap();
    scene.refuses(job, Step::Vendor, "expired");
    let later = now().plus_ms(DAY_MS);
    scene.put(&scene.edition(3, later, &work.approval.releases[0]));
    scene.is_prepared(job);
}

#[test]
fn fast_forward_is_recovered_from_by_new_keys_and_by_nothing_else() {
    let mut scene = Scene::new();
    let work = scene.work();
    let job = scene.bring(&work);
    let release = &work.approval.releases[0];
    let expires = now().plus_ms(DAY_MS);
    scene.put(&scene.edition((1 << 53) - 1, expires, release));
    scene.is_prepared(job);
    scene.put(&scene.edition(7, expires, release));
    scene.refuses(job, Step::Vendor, "older");
    // TUF 5.3.11: a root with other keys for timestamp and snapshot.
    let first = scene.hospital.vendor_root();
    let other = Hospital::new(9, now()).vendor[1].clone();
    let root = RootSpec {
        version: 2,
        expires: now().plus_ms(DAY_MS),
        consistent_snapshot: true,
        root: Holders::one(&scene.hospital.vendor[0]),
        timestamp: Holders::one(&other),
        snapshot: Holders::one(&other),
        targets: Holders::one(&other),
    };
    let root = root.sign(&[&scene.hospital.vendor[0]]).unwrap();
    scene.hospital.vendor[1] = other;
    let mut files = scene.edition(7, expires, release);
    files.insert("1.root.json".into(), first);
    files.insert("2.root.json".into(), root);
    scene.put(&files);
    scene.is_prepared(job);
}

#[test]
fn endless_metadata_is_cut_off() {
    let scene = Scene::new();
    let work = scene.work();
    let job = scene.bring(&work);
    let good = scene.edition(1, now().plus_ms(DAY_MS), &work.approval.releases[0]);
    for (file, length) in [
        ("timestamp.json", MAX_TIMESTAMP_BYTES + 1),
        ("1.snapshot.json", 64 * 1024 * 1024),
        ("2.root.json", 64 * 1024 * 1024),
    ] {
        let mut files = good.clone();
        files.insert(file.into(), vec![b' '; length]);
        scene.put(&files);
        scene.refuses(job, Step::Vendor, "");
    }
    scene.put(&good);
    scene.is_prepared(job);
}

#[test]
fn mixed_parts_of_two_valid_snapshots() {
    let scene = Scene::new();
    let work = scene.work();
    let job = scene.bring(&work);
    let mut other = work.approval.releases[0].clone();
    other.sha256 = Digest::of(b"other");
    let expires = now().plus_ms(DAY_MS);
    let one = scene.edition(1, expires, &work.approval.releases[0]);
    let two = scene.edition(1, expires, &other);
    for part in ["1.targets.json", "1.snapshot.json"] {
        let mut mixed = one.clone();
        mixed.insert(part.into(), two[part].clone());
        scene.put(&mixed);
        scene.refuses(job, Step::Vendor, "");
    }
    scene.put(&one);
    scene.is_prepared(job);
}
