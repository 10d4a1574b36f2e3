use super::*;
use ed25519_dalek::SigningKey;
use patchward_common::id::Name;
use patchward_common::time::DAY_MS;
use patchward_common::trust::charter::Publisher;
use patchward_common::trust::release::Provenance;
use patchward_common::trust::tuf_author::{Edition, EditionKeys, Holders, RootSpec, TargetSpec};
use serde_json::{Value, json};

const NOW: UtcMs = UtcMs(1_795_400_040_000);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A repository in a folder: path, bytes, what is said of them.
pub(in crate::vendor) fn repository(
    targets: &[(&str, &[u8], Option<Value>)],
    publisher: Publisher,
) -> (tempfile::TempDir, VendorGrant) {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::from_bytes(&[1; 32]);
    let one = Holders::one(&key);
    let root = RootSpec {
        version: 1,
        expires: NOW.plus_ms(DAY_MS),
        consistent_snapshot: false,
        root: one.clone(),
        timestamp: one.clone(),
        snapshot: one.clone(),
        targets: one,
    };
    let root = root.sign(&[&key]).unwrap();
    let mut edition = Edition::new(1, NOW.plus_ms(DAY_MS));
    for (path, bytes, custom) in targets {
        let origin = match publisher {
            Publisher::Vendor => Value::Null,
            Publisher::Custodian => json!({
                "provenance": "attested", "way": "disc", "place": "disc 4.2.1", "obtained": 1,
                "obtained_by": "an engineer", "vouched_by": "maria", "note": "handed over",
            }),
        };
        let custom = custom.clone();
        let custom = custom.map(|text| json!({ "patchward": text, "patchward_origin": origin }));
        let target = TargetSpec::of(bytes, custom);
        edition.targets.insert((*path).to_owned(), target);
        let place = folder.path().join("targets").join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, bytes).unwrap();
    }
    let keys = EditionKeys {
        timestamp: &[&key],
        snapshot: &[&key],
        targets: &[&key],
    };
    let metadata = folder.path().join("metadata");
    std::fs::create_dir(&metadata).unwrap();
    for (file, bytes) in edition.sign(&keys).unwrap() {
        let plain = file.trim_start_matches("1.");
        std::fs::write(metadata.join(plain), bytes).unwrap();
    }
    std::fs::write(metadata.join("1.root.json"), &root).unwrap();
    let grant = VendorGrant {
        vendor: name("acme"),
        publisher,
        repository: name("acme"),
        root: Digest::of(&root),
        products: vec![name("viewer")],
        paths: vec![String::new()],
    };
    (folder, grant)
}

/// A description of the viewer with these artifacts.
fn described(artifacts: &[(&str, &[u8])]) -> Option<Value> {
    let artifacts: Vec<Value> = artifacts
        .iter()
        .map(|(path, bytes)| {
            json!({ "path": path, "sha256": Digest::of(bytes), "length": bytes.len() })
        })
        .collect();
    Some(json!({
        "product": "viewer",
        "version": "4.2.1",
        "counter": 7,
        "kind": { "tree": { "name": "viewer", "service": null } },
        "artifacts": artifacts,
        "applies_to": { "architectures": ["all"], "models": [] },
        "reboot": "none",
        "install_minutes": 5,
        "recovery_minutes": 5,
    }))
}

fn read_in(folder: &tempfile::TempDir, grant: &VendorGrant) -> Mirrored {
    {
        let mut place = Place::Folder(folder.path().to_owned());
        let none = VendorWatermark::default();
        read(&mut place, "the folder", grant, none, &[], NOW).unwrap()
    }
}

#[test]
fn a_target_without_a_description_is_named_and_an_artifact_of_a_release_is_not() {
    let (main, part): (&[u8], &[u8]) = (b"viewer 4.2.1", b"fonts");
    let targets = [
        (
            "viewer/4.2.1.tar",
            main,
            described(&[("viewer/4.2.1.tar", main), ("viewer/fonts.tar", part)]),
        ),
        ("viewer/fonts.tar", part, None),
        ("viewer/4.3.0.tar", b"nobody says what this is", None),
    ];
    let (folder, grant) = repository(&targets, Publisher::Vendor);
    let mirrored = read_in(&folder, &grant);
    let found: Vec<&str> = mirrored
        .releases
        .iter()
        .map(|found| found.release.path.as_str())
        .collect();
    assert_eq!(found, ["viewer/4.2.1.tar"]);
    assert_eq!(
        mirrored.passed_over,
        [
            "viewer/4.3.0.tar: it has no description, so nobody can tell what it is or how it is \
          installed; ask its vendor to describe it under custom.patchward, or publish it with a \
          description in your custodian repository"
        ]
    );
}

#[test]
fn a_description_that_cannot_be_read_is_named() {
    let targets: [(&str, &[u8], _); 1] =
        [("viewer/4.2.1.tar", b"a", Some(json!({ "product": 7 })))];
    let (folder, grant) = repository(&targets, Publisher::Vendor);
    let mirrored = read_in(&folder, &grant);
    assert!(mirrored.releases.is_empty());
    let said = &mirrored.passed_over[0];
    assert!(
        said.starts_with("viewer/4.2.1.tar: its description cannot be read: "),
        "{said}"
    );
}

/// What the hospital published is never shown as the vendor's own.
#[test]
fn a_release_is_called_what_its_publisher_may_give() {
    let bytes: &[u8] = b"viewer 4.2.1";
    let targets = [(
        "viewer/4.2.1.tar",
        bytes,
        described(&[("viewer/4.2.1.tar", bytes)]),
    )];
    let (folder, grant) = repository(&targets, Publisher::Vendor);
    let unvouched = VendorGrant {
        publisher: Publisher::Custodian,
        ..grant
    };
    let mirrored = read_in(&folder, &unvouched);
    assert!(mirrored.releases.is_empty(), "nobody vouches for it");
    for (publisher, provenance) in [
        (Publisher::Vendor, Provenance::Vendor),
        (Publisher::Custodian, Provenance::Attested),
    ] {
        let (folder, grant) = repository(&targets, publisher);
        let mirrored = read_in(&folder, &grant);
        let found = &mirrored.releases[0].release;
        assert_eq!(found.provenance, provenance, "{:?}", mirrored.passed_over);
        assert!(publisher.may_give(found.provenance));
    }
}
