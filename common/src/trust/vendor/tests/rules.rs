//! Arbitrary software, thresholds, rollback, mix and match, endless data.

use super::*;

#[test]
fn arbitrary_software_is_refused_in_every_role() {
    for (role, name, step) in [
        (TIMESTAMP, "timestamp", "5.4.2"),
        (SNAPSHOT, "snapshot", "5.5.3"),
        (TARGETS, "targets", "5.6.3"),
    ] {
        let mut vendor = Vendor::new();
        let mut client = Client::of(&vendor);
        client.accepts(&vendor.files);
        vendor.signers[role] = vec![key(66)]; // A key that the root does not know.
        vendor.publish_next();
        client.refuses(&vendor.files, name, step, Attack::ArbitrarySoftware);
    }
}

/// A parser that recurses would end the installer by its stack.
#[test]
fn deep_nesting_is_refused_as_any_other_damage() {
    for depth in [200, 8_000] {
        let nested = ["[".repeat(depth), "]".repeat(depth)].concat();
        for (kind, file, step) in [
            ("timestamp", "timestamp.json", "5.4.2"),
            ("root", "2.root.json", "5.3.4"),
        ] {
            let text = format!(r#"{{"signed":{{"_type":"{kind}","x":{nested}}},"signatures":[]}}"#);
            let mut vendor = Vendor::new();
            vendor.files.insert(file.to_owned(), text.into_bytes());
            let mut client = Client::of(&vendor);
            let refused = client.refuses(&vendor.files, kind, step, Attack::OwnedAgent);
            assert!(matches!(refused, Problem::Malformed(_)), "{refused}");
        }
    }
}

#[test]
fn another_first_root_is_refused() {
    let vendor = Vendor::new();
    let root = &vendor.files["1.root.json"];
    let watermark = VendorWatermark::default();
    let error = Repository::open(root, Digest::of(b"pin"), watermark, NOW).unwrap_err();
    assert!(matches!(error.problem, Problem::Pin));
    assert_eq!(error.attack(), Attack::ArbitrarySoftware);
}

#[test]
fn a_flipped_byte_is_refused() {
    let mut vendor = Vendor::new();
    let text = String::from_utf8(vendor.files["1.targets.json"].clone()).unwrap();
    let other = TargetSpec::of(b"other bytes", None).sha256.to_string();
    let text = text.replace(&Digest::of(BYTES).to_string(), &other);
    vendor
        .files
        .insert("1.targets.json".to_owned(), text.into_bytes());
    let mut client = Client::of(&vendor);
    client.refuses(&vendor.files, "targets", "5.6.3", Attack::ArbitrarySoftware);
}

#[test]
fn one_key_does_not_meet_a_threshold_of_two() {
    let mut vendor = Vendor::new();
    let mut client = Client::of(&vendor);
    vendor.next_root(|vendor| {
        vendor.root.targets = Holders::of(2, &[&key(4), &key(5)]);
    });
    vendor.publish_next();
    let refused = client.refuses(&vendor.files, "targets", "5.6.3", Attack::ArbitrarySoftware);
    assert!(matches!(refused, Problem::Signatures { found: 1, need: 2 }));
    // The same signature twice is no second key.
    vendor.signers[TARGETS] = vec![key(4), key(4)];
    vendor.publish_next();
    let refused = client.refuses(&vendor.files, "targets", "5.6.3", Attack::ArbitrarySoftware);
    assert!(matches!(refused, Problem::DuplicateSignature(_)));
    vendor.signers[TARGETS] = vec![key(4), key(5)];
    vendor.publish_next();
    client.accepts(&vendor.files);
}

#[test]
fn one_key_under_two_ids_counts_once() {
    let mut vendor = Vendor::new();
    // The root knows the snapshot's key under a second id and asks for two signatures.
    let root = vendor.files["1.root.json"].clone();
    let mut first = String::new();
    let root = resigned(&root, &vendor.signers(ROOT), |signed| {
        first = signed["roles"]["snapshot"]["keyids"][0]
            .as_str()
            .unwrap()
            .to_owned();
        signed["keys"]["other"] = signed["keys"][&first].clone();
        signed["roles"]["snapshot"] = serde_json::json!({
            "keyids": [first.clone(), "other"],
            "threshold": 2,
        });
    });
    vendor.files.insert("1.root.json".to_owned(), root);
    let mut file: serde_json::Value =
        serde_json::from_slice(&vendor.files["1.snapshot.json"]).unwrap();
    let mut again = file["signatures"][0].clone();
    again["keyid"] = "other".into();
    file["signatures"].as_array_mut().unwrap().push(again);
    // The library alone counts two signers here.
    let bytes = file.to_string().into_bytes();
    let pin = Pin::of(1, &bytes);
    vendor.files.insert("1.snapshot.json".to_owned(), bytes);
    let bytes = timestamp(1, FAR, pin, &vendor.signers(TIMESTAMP)).unwrap();
    vendor.files.insert("timestamp.json".to_owned(), bytes);
    let mut client = Client::of(&vendor);
    let refused = client.refuses(
        &vendor.files,
        "snapshot",
        "5.5.3",
        Attack::ArbitrarySoftware,
    );
    assert!(matches!(refused, Problem::Signatures { found: 1, need: 2 }));
}

#[test]
fn an_old_timestamp_is_refused_after_the_store_was_lost() {
    let mut vendor = Vendor::new();
    let old = vendor.files.clone();
    let mut client = Client::of(&vendor);
    vendor.publish_next();
    client.accepts(&vendor.files);
    // Everything of `old` is signed, in date and consistent in itself.
    let refused = client.refuses(&old, "timestamp", "5.4.3.1", Attack::Rollback);
    assert!(matches!(refused, Problem::Older { seen: 2, found: 1 }));
    // A client without watermark would take it: the library alone does.
    Client::of(&vendor).accepts(&old);
}

#[test]
fn an_old_snapshot_or_targets_under_a_new_timestamp_is_refused() {
    for (at, role, step) in [(1, "timestamp", "5.4.3.2"), (2, "snapshot", "5.5.5")] {
        let mut vendor = Vendor::new();
        vendor.publish_next();
        let mut client = Client::of(&vendor);
        client.accepts(&vendor.files);
        vendor.versions = [3; 3];
        vendor.versions[at] = 1;
        vendor.publish();
        let refused = client.refuses(&vendor.files, role, step, Attack::Rollback);
        assert!(matches!(refused, Problem::Older { seen: 2, found: 1 }));
    }
}

#[test]
fn the_same_version_with_other_content_is_refused_in_every_role() {
    for (at, role, step) in [
        (0, "timestamp", "5.4.3.1"),
        (1, "snapshot", "5.5.4"),
        (2, "targets", "5.6.4"),
    ] {
        let mut vendor = Vendor::new();
        let mut client = Client::of(&vendor);
        client.accepts(&vendor.files);
        vendor.versions = [2; 3];
        vendor.versions[at] = 1;
        vendor.expires[at] = FAR.plus_ms(-60_000);
        vendor.publish();
        let refused = client.refuses(&vendor.files, role, step, Attack::Rollback);
        assert!(matches!(refused, Problem::Changed { version: 1 }));
    }
}

#[test]
fn a_snapshot_that_a_timestamp_pinned_is_remembered_though_it_never_came() {
    let mut vendor = Vendor::new();
    let mut client = Client::of(&vendor);
    client.accepts(&vendor.files);
    vendor.versions = [2, 9, 1];
    vendor.publish();
    vendor.files.remove("9.snapshot.json");
    client.refuses(&vendor.files, "snapshot", "5.5.1", Attack::None);
    vendor.versions = [3, 8, 1];
    vendor.publish();
    client.refuses(&vendor.files, "timestamp", "5.4.3.2", Attack::Rollback);
}

#[test]
fn mix_and_match_is_refused() {
    let mut vendor = Vendor::new();
    let old = vendor.files.clone();
    vendor.publish_next();
    for (role, step) in [("snapshot", "5.5.4"), ("targets", "5.6.2")] {
        // The old file under the new one's name, signed and in date.
        let mut files = vendor.files.clone();
        files.insert(
            format!("2.{role}.json"),
            old[&format!("1.{role}.json")].clone(),
        );
        Client::of(&vendor).refuses(&files, role, step, Attack::MixAndMatch);
    }
}

#[test]
fn other_bytes_than_the_pinned_ones_are_refused_though_they_say_the_same() {
    for (role, step) in [("snapshot", "5.5.2"), ("targets", "5.6.2")] {
        let mut vendor = Vendor::new();
        let name = format!("1.{role}.json");
        let file: serde_json::Value = serde_json::from_slice(&vendor.files[&name]).unwrap();
        let turned = format!(
            "{{\"signed\":{},\"signatures\":{}}}",
            file["signed"], file["signatures"]
        );
        assert_eq!(turned.len(), vendor.files[&name].len());
        vendor.files.insert(name, turned.into_bytes());
        Client::of(&vendor).refuses(&vendor.files, role, step, Attack::MixAndMatch);
    }
}

#[test]
fn a_file_of_another_type_is_refused() {
    let mut vendor = Vendor::new();
    // One key for both roles, and a snapshot that would pass for a timestamp.
    vendor.rotate(TIMESTAMP, 3);
    vendor.publish_root();
    let pins = BTreeMap::from([("snapshot".to_owned(), Pin::of(1, b"x"))]);
    let bytes = snapshot(2, FAR, &pins, &[&key(3)]).unwrap();
    vendor
        .files
        .insert("timestamp.json".to_owned(), bytes.clone());
    let mut client = Client::of(&vendor);
    client.refuses(&vendor.files, "timestamp", "5.4.2", Attack::OwnedAgent);
    for role in ["mirrors", "", "Timestamp"] {
        let bytes = resigned(&bytes, &[&key(3)], |signed| signed["_type"] = role.into());
        vendor.files.insert("timestamp.json".to_owned(), bytes);
        client.refuses(&vendor.files, "timestamp", "5.4.2", Attack::OwnedAgent);
    }
}

#[test]
fn endless_data_is_refused_in_every_role() {
    for (name, limit, role, step) in [
        ("2.root.json", MAX_ROOT_BYTES, "root", "5.3.3"),
        ("timestamp.json", MAX_TIMESTAMP_BYTES, "timestamp", "5.4.1"),
        ("1.snapshot.json", MAX_SNAPSHOT_BYTES, "snapshot", "5.5.1"),
        ("1.targets.json", MAX_TARGETS_BYTES, "targets", "5.6.1"),
    ] {
        let mut vendor = Vendor::new();
        vendor.files.insert(name.to_owned(), vec![b' '; limit + 1]);
        let mut client = Client::of(&vendor);
        client.refuses(&vendor.files, role, step, Attack::EndlessData);
    }
}

#[test]
fn a_pinned_length_bounds_the_download() {
    let mut vendor = Vendor::new();
    let snapshot = vendor.files["1.snapshot.json"].len();
    let longer = [vendor.files["1.snapshot.json"].clone(), vec![b' ']].concat();
    vendor.files.insert("1.snapshot.json".to_owned(), longer);
    let mut client = Client::of(&vendor);
    let refused = client.refuses(&vendor.files, "snapshot", "5.5.1", Attack::EndlessData);
    assert!(matches!(refused, Problem::TooLarge { limit, .. } if limit == snapshot));
}

#[test]
fn bytes_that_are_no_metadata_are_refused() {
    for bad in [
        &b""[..],
        b"{",
        b"[]",
        b"{\"signed\":{},\"signatures\":[]}",
        b"\xff\xfe",
        b"\0",
    ] {
        let mut vendor = Vendor::new();
        vendor
            .files
            .insert("timestamp.json".to_owned(), bad.to_vec());
        let mut client = Client::of(&vendor);
        client.refuses(&vendor.files, "timestamp", "5.4.2", Attack::OwnedAgent);
    }
    let vendor = Vendor::new();
    for name in ["timestamp.json", "1.snapshot.json", "1.targets.json"] {
        let mut files = vendor.files.clone();
        files.remove(name);
        let error = Client::of(&vendor).refresh(&files).unwrap_err();
        assert!(matches!(error.problem, Problem::Missing(missing) if missing == name));
    }
}

#[test]
fn more_roles_than_a_watermark_remembers_are_refused() {
    let mut vendor = Vendor::new();
    let mut pins: BTreeMap<String, Pin> = (0..MAX_ROLES)
        .map(|n| (format!("bin-{n}"), Pin::of(1, b"x")))
        .collect();
    pins.insert(
        "targets".to_owned(),
        Pin::of(1, &vendor.files["1.targets.json"]),
    );
    let bytes = snapshot(2, FAR, &pins, &vendor.signers(SNAPSHOT)).unwrap();
    let pin = Pin::of(2, &bytes);
    vendor.files.insert("2.snapshot.json".to_owned(), bytes);
    let bytes = timestamp(2, FAR, pin, &vendor.signers(TIMESTAMP)).unwrap();
    vendor.files.insert("timestamp.json".to_owned(), bytes);
    let mut client = Client::of(&vendor);
    client.refuses(&vendor.files, "snapshot", "5.5.5", Attack::EndlessData);
}

#[test]
fn a_target_without_sha256_is_refused() {
    let mut vendor = Vendor::new();
    let bytes = resigned(
        &vendor.files["1.targets.json"],
        &vendor.signers(TARGETS),
        |signed| {
            signed["targets"][PATH]["hashes"] = serde_json::json!({ "sha512": "00" });
        },
    );
    let pins = BTreeMap::from([("targets".to_owned(), Pin::of(1, &bytes))]);
    vendor.files.insert("1.targets.json".to_owned(), bytes);
    let bytes = snapshot(1, FAR, &pins, &vendor.signers(SNAPSHOT)).unwrap();
    let pin = Pin::of(1, &bytes);
    vendor.files.insert("1.snapshot.json".to_owned(), bytes);
    let bytes = timestamp(1, FAR, pin, &vendor.signers(TIMESTAMP)).unwrap();
    vendor.files.insert("timestamp.json".to_owned(), bytes);
    let mut client = Client::of(&vendor);
    client.refuses(&vendor.files, "targets", "5.7.1", Attack::ArbitrarySoftware);
}

#[test]
fn a_second_hash_is_checked_where_there_is_one() {
    use sha2::Digest as _;
    let right = sha2::Sha512::digest(BYTES);
    let right: String = right.iter().map(|byte| format!("{byte:02X}")).collect();
    for (sha512, accepted) in [(right, true), ("00".repeat(64), false)] {
        let file = serde_json::json!({
            "length": BYTES.len(),
            "hashes": { "sha256": Digest::of(BYTES), "sha512": sha512, "other": "is ignored" },
        });
        let file: sigstore_tuf::TargetFile = serde_json::from_value(file).unwrap();
        let target = Target::new("targets", PATH, &file, true).unwrap();
        assert_eq!(target.is(BYTES), accepted);
    }
}
