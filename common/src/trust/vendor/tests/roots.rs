//! The chain of roots.

use super::*;

/// A root role: keys by seed, threshold, signers by seed, and whether it is accepted.
type Rotation = (&'static [u8], usize, &'static [u8], bool);

fn chain(rotations: &[Rotation]) -> (Vendor, bool) {
    let mut vendor = Vendor::new();
    vendor.root.version = 0;
    let mut good = true;
    for (keys, threshold, signers, accepted) in rotations {
        vendor.next_root(|vendor| {
            let keys: Vec<SigningKey> = keys.iter().map(|seed| key(*seed)).collect();
            vendor.root.root = Holders::of(*threshold, &keys.iter().collect::<Vec<_>>());
            vendor.signers[ROOT] = signers.iter().map(|seed| key(*seed)).collect();
        });
        good = *accepted;
    }
    (vendor, good)
}

#[test]
fn roots_need_the_thresholds_of_the_old_and_of_the_new() {
    let cases: &[&[Rotation]] = &[
        &[
            (&[11], 1, &[11], true),
            (&[12], 1, &[12, 11], true),
            (&[12], 1, &[12], true),
        ],
        &[(&[11], 1, &[13, 11], true), (&[12], 1, &[13, 12, 11], true)],
        &[
            (&[10, 11, 12, 13, 14], 3, &[10, 12, 14], true),
            (&[10, 11, 13, 14, 15], 3, &[10, 14, 11], true),
        ],
        &[
            (&[10, 11, 12, 13, 14], 3, &[10, 12, 14], true),
            (&[15, 16, 17, 18, 19], 3, &[10, 12, 14, 15, 16, 17], true),
            (&[15, 16, 17, 18, 19], 3, &[15, 16, 17], true),
        ],
        &[
            (&[11, 12, 13], 1, &[11], true),
            (&[11, 12, 13], 2, &[11, 12], true),
        ],
        &[
            (&[11, 12, 13], 2, &[11, 12], true),
            (&[11, 12, 13], 1, &[11, 12], true),
        ],
        // Not by the old key, not by the new one.
        &[(&[11], 1, &[11], true), (&[12], 1, &[12, 13], false)],
        &[(&[11], 1, &[11], true), (&[12], 1, &[11, 13], false)],
        // Not by three of the new, not by three of the old.
        &[
            (&[10, 11, 12, 13, 14], 3, &[10, 12, 14], true),
            (&[10, 11, 13, 14, 15], 3, &[10, 12, 14], false),
        ],
        &[
            (&[10, 11, 12, 13, 14], 3, &[10, 12, 14], true),
            (&[10, 11, 13, 14, 15], 3, &[10, 14, 15], false),
        ],
        &[
            (&[11, 12, 13], 1, &[11], true),
            (&[11, 12, 13], 2, &[12], false),
        ],
        &[
            (&[11, 12, 13], 2, &[11, 12], true),
            (&[11, 12, 13], 1, &[11], false),
        ],
    ];
    for case in cases {
        let (vendor, good) = chain(case);
        let mut client = Client::of(&vendor);
        if good {
            client.accepts(&vendor.files);
            assert_eq!(client.watermark.root.unwrap().version, case.len() as u64);
        } else {
            client.refuses(&vendor.files, "root", "5.3.4", Attack::ArbitrarySoftware);
            assert_eq!(
                client.watermark.root.unwrap().version,
                case.len() as u64 - 1
            );
        }
    }
}

#[test]
fn every_role_can_rotate_its_keys() {
    for role in [TIMESTAMP, SNAPSHOT, TARGETS] {
        let mut vendor = Vendor::new();
        let mut client = Client::of(&vendor);
        client.accepts(&vendor.files);
        let stale = vendor.files.clone();
        vendor.next_root(|vendor| vendor.rotate(role, 30));
        // With the new root, the old key signs nothing any more.
        let mut files = stale;
        files.extend([(
            "2.root.json".to_owned(),
            vendor.files["2.root.json"].clone(),
        )]);
        let error = client.clone().refresh(&files).unwrap_err();
        assert_eq!(error.attack(), Attack::ArbitrarySoftware, "{error}");
        vendor.publish_next();
        client.accepts(&vendor.files);
    }
}

#[test]
fn roots_that_are_skipped_or_mislabelled_are_refused() {
    let mut vendor = Vendor::new();
    vendor.root.version = 2;
    vendor.next_root(|_| {});
    let third = vendor.files.remove("3.root.json").unwrap();
    vendor.files.insert("2.root.json".to_owned(), third);
    let mut client = Client::of(&vendor);
    let refused = client.refuses(&vendor.files, "root", "5.3.5", Attack::Rollback);
    assert!(matches!(
        refused,
        Problem::RootOrder {
            trusted: 1,
            found: 3
        }
    ));
}

#[test]
fn roots_that_were_seen_cannot_be_withheld_or_replaced() {
    let mut vendor = Vendor::new();
    vendor.next_root(|_| {});
    let mut client = Client::of(&vendor);
    client.accepts(&vendor.files);
    let mut withheld = vendor.files.clone();
    withheld.remove("2.root.json");
    let refused = client.refuses(&withheld, "root", "5.3.5", Attack::Rollback);
    assert!(matches!(refused, Problem::Older { seen: 2, found: 1 }));
    vendor.root.expires = FAR.plus_ms(-60_000);
    vendor.publish_root();
    let refused = client.refuses(&vendor.files, "root", "5.3.5", Attack::Rollback);
    assert!(matches!(refused, Problem::Changed { version: 2 }));
}

#[test]
fn endless_roots_end() {
    let mut vendor = Vendor::new();
    for _ in 0..MAX_ROOT_ROTATIONS + 5 {
        vendor.next_root(|_| {});
    }
    let mut client = Client::of(&vendor);
    client.accepts(&vendor.files);
    let newest = client.watermark.root.unwrap().version;
    assert_eq!(newest, u64::from(MAX_ROOT_ROTATIONS) + 1);
    // From the newest root that was kept, the rest is reached.
    client.first_root = vendor.files[&format!("{newest}.root.json")].clone();
    client.accepts(&vendor.files);
    assert_eq!(client.watermark.root.unwrap().version, newest + 5);
}

#[test]
fn a_root_that_no_key_signed_opens_nothing() {
    let vendor = Vendor::new();
    let root = vendor.root.sign(&[&key(99)]).unwrap();
    let watermark = VendorWatermark::default();
    let error = Repository::open(&root, Digest::of(&root), watermark, NOW).unwrap_err();
    assert!(matches!(error.problem, Problem::Signatures { .. }));
    let zero = resigned(&root, &[&key(1)], |signed| {
        signed["roles"]["root"]["threshold"] = 0.into();
    });
    let watermark = VendorWatermark::default();
    assert!(Repository::open(&zero, Digest::of(&zero), watermark, NOW).is_err());
}

#[test]
fn rsa_pss_ecdsa_and_ed25519_all_count() {
    // Written by python-tuf: three keys of three schemes, and all three must sign.
    let root = include_bytes!("three-schemes.root.json");
    let open =
        |root: &[u8]| Repository::open(root, Digest::of(root), VendorWatermark::default(), NOW);
    open(root).unwrap();
    for signature in 0..3 {
        let mut file: serde_json::Value = serde_json::from_slice(root).unwrap();
        let sig = file["signatures"][signature]["sig"].as_str().unwrap();
        let (start, last) = sig.split_at(sig.len() - 1);
        let flipped = format!("{start}{}", if last == "0" { "1" } else { "0" });
        file["signatures"][signature]["sig"] = flipped.into();
        let problem = open(file.to_string().as_bytes()).unwrap_err().problem;
        assert!(
            matches!(problem, Problem::Signatures { found: 2, need: 3 }),
            "{problem}"
        );
    }
}
