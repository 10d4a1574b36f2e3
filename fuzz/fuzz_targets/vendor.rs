//! A vendor's TUF repository with one file replaced.
//!
//! The first byte chooses the file, the second what the others are: the file itself; a
//! `signed` part in JSON, which that role's key then signs; or a change of the good one,
//! a JSON pointer and on the next line the value that stands there now, signed as well.
//! So signatures hold, and what is behind them is reached. The watermark never falls.
#![no_main]

use ed25519_dalek::SigningKey;
use libfuzzer_sys::fuzz_target;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use patchward_common::trust::tuf_author::{
    Edition, EditionKeys, Files, Holders, Pin, RootSpec, TargetSpec, envelope, snapshot, timestamp,
};
use patchward_common::trust::vendor::{Repository, RoleMark, Unavailable, VendorWatermark};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const NOW: UtcMs = UtcMs(1_795_400_040_000);
const FAR: UtcMs = UtcMs(4_102_444_800_000);
const PATH: &str = "viewer/4.2.1.tar";

static KEYS: LazyLock<[SigningKey; 4]> =
    LazyLock::new(|| [1, 2, 3, 4].map(|seed| SigningKey::from_bytes(&[seed; 32])));

/// The files of a repository in order, and the watermark after it was seen.
static GOOD: LazyLock<(Files, VendorWatermark)> = LazyLock::new(|| {
    let [root, timestamp, snapshot, targets] = &*KEYS;
    let spec = RootSpec {
        version: 1,
        expires: FAR,
        consistent_snapshot: true,
        root: Holders::one(root),
        timestamp: Holders::one(timestamp),
        snapshot: Holders::one(snapshot),
        targets: Holders::one(targets),
    };
    let mut edition = Edition::new(1, FAR);
    edition.targets = BTreeMap::from([(PATH.to_owned(), TargetSpec::of(b"viewer", None))]);
    let keys = EditionKeys {
        timestamp: &[timestamp],
        snapshot: &[snapshot],
        targets: &[targets],
    };
    let mut files = edition.sign(&keys).expect("signs");
    files.insert("1.root.json".into(), spec.sign(&[root]).expect("signs"));
    let (found, watermark) = look_up(&files, VendorWatermark::default());
    assert!(found, "the good repository is accepted");
    (files, watermark)
});

fn look_up(files: &Files, watermark: VendorWatermark) -> (bool, VendorWatermark) {
    let root = &files["1.root.json"];
    let mut source = |name: &str, _: usize| Ok::<_, Unavailable>(files.get(name).cloned());
    let before = watermark.clone();
    let Ok(mut repository) = Repository::open(root, Digest::of(root), watermark, NOW) else {
        return (false, before);
    };
    let fresh = repository.refresh(&mut source).is_ok();
    let found = repository.resolve(&mut source, [PATH, "other/a"]);
    assert!(fresh || found.is_err(), "nothing is found before a refresh");
    let _ = repository.listed(&mut source);
    (found.is_ok(), repository.watermark().clone())
}

fn is_at_least(before: Option<RoleMark>, after: Option<RoleMark>) -> bool {
    before.is_none_or(|before| after.is_some_and(|after| after.version >= before.version))
}

/// A `signed` part with the role's signature.
fn signed(part: &Value, role: usize) -> Option<Vec<u8>> {
    envelope(part, &[&KEYS[role]]).ok()
}

/// The good `signed` part of a role, one version on, with a change.
fn changed(role: usize, change: &[u8]) -> Option<Vec<u8>> {
    let names = [
        "1.root.json",
        "timestamp.json",
        "1.snapshot.json",
        "1.targets.json",
    ];
    let file: Value = serde_json::from_slice(&GOOD.0[names[role]]).ok()?;
    let mut part = file["signed"].clone();
    part["version"] = 2.into();
    let (pointer, value) = std::str::from_utf8(change).ok()?.split_once('\n')?;
    let value: Value = serde_json::from_str(value).ok()?;
    let (parent, key) = pointer.rsplit_once('/')?;
    match part.pointer_mut(parent)? {
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        Value::Array(list) => list.push(value),
        other => *other = value,
    }
    signed(&part, role)
}

/// Puts a file into the repository and pins it, so that it is looked at.
fn put(files: &mut Files, role: usize, bytes: Vec<u8>) {
    let [_, timestamp_key, snapshot_key, _] = &*KEYS;
    let pinned = |files: &mut Files, pin| {
        let bytes = timestamp(2, FAR, pin, &[timestamp_key]).expect("signs");
        files.insert("timestamp.json".into(), bytes);
    };
    match role {
        0 => drop(files.insert("2.root.json".into(), bytes)),
        1 => drop(files.insert("timestamp.json".into(), bytes)),
        2 => {
            pinned(files, Pin::of(2, &bytes));
            files.insert("2.snapshot.json".into(), bytes);
        }
        _ => {
            let roles = BTreeMap::from([("targets".to_owned(), Pin::of(2, &bytes))]);
            let snapshot = snapshot(2, FAR, &roles, &[snapshot_key]).expect("signs");
            pinned(files, Pin::of(2, &snapshot));
            files.insert("2.snapshot.json".into(), snapshot);
            files.insert("2.targets.json".into(), bytes);
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let [role, sign, bytes @ ..] = bytes else {
        return;
    };
    let role = usize::from(*role) % 4;
    let (mut files, before) = GOOD.clone();
    let file = match sign % 3 {
        0 => Some(bytes.to_vec()),
        1 => serde_json::from_slice(bytes)
            .ok()
            .and_then(|part| signed(&part, role)),
        _ => changed(role, bytes),
    };
    let Some(file) = file else {
        return;
    };
    put(&mut files, role, file);
    let (_, after) = look_up(&files, before.clone());
    assert!(is_at_least(before.root, after.root));
    if role != 0 {
        // A new root may rotate keys and with them take back what they signed (5.3.11).
        assert!(is_at_least(before.timestamp, after.timestamp));
        assert!(is_at_least(before.snapshot, after.snapshot));
        let targets = |watermark: &VendorWatermark| watermark.targets.get("targets").copied();
        assert!(is_at_least(targets(&before), targets(&after)));
    }
});
