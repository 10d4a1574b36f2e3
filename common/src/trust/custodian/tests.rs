//! A draft shows all that it changes, and hides nothing.

use super::*;
use crate::id::Label;
use crate::trust::origin::{Check, Proof, Way};
use crate::trust::release::Provenance;
use serde_json::json;

const NOW: UtcMs = UtcMs(1_800_000_000_000);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn release(version: &str, bytes: &[u8]) -> ReleaseDescription {
    serde_json::from_value(json!({
        "product": "viewer", "version": version, "counter": 1,
        "kind": { "tree": { "name": "viewer" } },
        "artifacts": [{
            "path": format!("viewer/{version}.tar"), "sha256": Digest::of(bytes),
            "length": bytes.len(),
        }],
        "applies_to": { "architectures": ["all"] }, "reboot": "none",
        "install_minutes": 5, "recovery_minutes": 5,
    }))
    .unwrap()
}

fn origin(release: &ReleaseDescription, kept: Digest) -> Origin {
    let label = |text: &str| Label::new(text).unwrap();
    Origin {
        provenance: Provenance::VendorSignature,
        way: Way::Portal,
        place: label("portal"),
        obtained: NOW,
        obtained_by: label("an engineer"),
        vouched_by: Name::new("maria").unwrap(),
        note: label("note"),
        proofs: vec![Proof {
            artifact: release.artifacts[0].sha256,
            check: Check::Minisign { key: "RWQ".into() },
            kept: Some(kept),
        }],
    }
}

fn targets(versions: &[&str]) -> BTreeMap<String, TargetSpec> {
    let proof = Digest::of(b"signature");
    let each = versions.iter().flat_map(|version| {
        let release = release(version, version.as_bytes());
        targets_of(&release, &origin(&release, proof), &[(proof, 9)])
    });
    each.collect()
}

fn draft(before: Option<(&[&str], u8)>, after: &[&str]) -> Draft {
    let name = Name::new("custodian").unwrap();
    let before = before.map(|(versions, by)| {
        let draft = Draft::new(name.clone(), None, targets(versions));
        let file = draft.sign(&[&key(by)], NOW.plus_ms(DAY_MS)).unwrap();
        (1, String::from_utf8(file).unwrap())
    });
    Draft::new(name, before, targets(after))
}

fn changes(draft: &Draft, by: u8) -> Result<Changes, DraftError> {
    draft.changes(&[PublicKey::of(&key(by))], false)
}

#[test]
fn a_draft_comes_back_as_it_was_and_shows_what_is_new() {
    let first = draft(None, &["1"]);
    assert_eq!(Draft::read(&first.to_bytes()).unwrap(), first);
    let proof = proof_path();
    assert_eq!(changes(&first, 7).unwrap().added, [&*proof, "viewer/1.tar"]);
    let next = draft(Some((&["1"], 7)), &["1", "2"]);
    let found = changes(&next, 7).unwrap();
    assert_eq!(found.added, ["viewer/2.tar"]);
    assert_eq!(found.releases[0].0.version, "2");
    assert_eq!(found.removed, [""; 0]);
    let gone = changes(&draft(Some((&["1", "2"], 7)), &["2"]), 7).unwrap();
    assert_eq!(gone.removed, ["viewer/1.tar"]);
}

fn proof_path() -> String {
    origin::proof_path(&Digest::of(b"signature"))
}

#[test]
fn what_was_before_was_signed_by_the_same_key() {
    let next = draft(Some((&["1"], 8)), &["1", "2"]);
    assert!(matches!(changes(&next, 7), Err(DraftError::NotYours)));
    changes(&next, 8).unwrap();
    next.changes(&[PublicKey::of(&key(7))], true).unwrap();
    // A collector that changes one letter of what was signed.
    let mut forged = draft(Some((&["1"], 7)), &["1", "2"]);
    let before = forged.before.take().unwrap();
    forged.before = Some(before.replace("an engineer", "an Engineer"));
    assert!(matches!(changes(&forged, 7), Err(DraftError::NotYours)));
    forged.before = Some("{}".into());
    changes(&forged, 7).unwrap_err();
    forged.before = None;
    assert!(matches!(changes(&forged, 7), Err(DraftError::Order { .. })));
}

#[test]
fn nothing_comes_along_unseen() {
    let mut changed = draft(Some((&["1"], 7)), &["1", "2"]);
    changed.targets.get_mut("viewer/1.tar").unwrap().length += 1;
    assert!(matches!(changes(&changed, 7), Err(DraftError::Changed(_))));
    let spec = TargetSpec::of(b"own bytes", None);
    for path in ["viewer/own.tar", "proofs/own", "../x"] {
        let mut more = draft(Some((&["1"], 7)), &["1", "2"]);
        more.targets.insert(path.into(), spec.clone());
        let refused = changes(&more, 7);
        assert!(matches!(refused, Err(DraftError::Target { .. })), "{path}");
    }
    let mut unvouched = draft(None, &["1"]);
    let custom = &mut unvouched.targets.get_mut("viewer/1.tar").unwrap().custom;
    custom
        .as_mut()
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(origin::ORIGIN);
    assert!(matches!(
        changes(&unvouched, 7),
        Err(DraftError::Target { .. })
    ));
}

#[test]
fn other_files_are_no_drafts() {
    for bad in [&b""[..], b"{}", b"[]", b"\xff"] {
        assert!(matches!(Draft::read(bad), Err(DraftError::Unreadable(_))));
    }
    let mut later = draft(None, &["1"]);
    later.format = "patchward/custodian-draft.2".into();
    let refused = Draft::read(&later.to_bytes());
    assert!(matches!(refused, Err(DraftError::Unreadable(_))));
    assert!(targets_expire(NOW, 0).is_err() && targets_expire(NOW, 185).is_err());
}
