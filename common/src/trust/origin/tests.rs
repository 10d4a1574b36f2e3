//! An origin carries what its proofs carry, and nothing more.

use super::*;
use serde_json::{Value, json};

fn release(artifacts: &[&[u8]]) -> ReleaseDescription {
    let artifact = |(at, bytes): (usize, &&[u8])| {
        json!({
            "path": format!("viewer/{at}"), "sha256": Digest::of(bytes), "length": bytes.len(),
        })
    };
    let artifacts: Vec<Value> = artifacts.iter().enumerate().map(artifact).collect();
    serde_json::from_value(json!({
        "product": "viewer", "version": "4.2", "counter": 42,
        "kind": { "tree": { "name": "viewer" } }, "artifacts": artifacts,
        "applies_to": { "architectures": ["all"] }, "reboot": "none",
        "install_minutes": 5, "recovery_minutes": 5,
    }))
    .unwrap()
}

fn origin(provenance: Provenance, proven: &[&[u8]]) -> Origin {
    let text = |text: &str| Label::new(text).unwrap();
    let proof = |bytes: &&[u8]| Proof {
        artifact: Digest::of(bytes),
        check: Check::Sha256 {
            hex: Digest::of(bytes).to_string(),
            given_in: text("letter of 3 March"),
        },
        kept: None,
    };
    Origin {
        provenance,
        way: Way::Disc,
        place: text("disc 4.2"),
        obtained: UtcMs(1),
        obtained_by: text("an engineer"),
        vouched_by: Name::new("maria").unwrap(),
        note: text("handed over"),
        proofs: proven.iter().map(proof).collect(),
    }
}

#[test]
fn what_is_called_checked_has_a_proof_for_every_artifact() {
    let release = release(&[b"a", b"b"]);
    let signature = Provenance::VendorSignature;
    assert_eq!(origin(signature, &[b"a", b"b"]).check(&release), Ok(()));
    origin(signature, &[b"a"]).check(&release).unwrap_err();
    origin(signature, &[b"a", b"b", b"c"])
        .check(&release)
        .unwrap_err();
    assert_eq!(origin(Provenance::Attested, &[]).check(&release), Ok(()));
    let vendor = origin(Provenance::Vendor, &[b"a", b"b"]);
    vendor.check(&release).unwrap_err();
}

#[test]
fn a_checksum_of_other_bytes_proves_nothing() {
    let release = release(&[b"a"]);
    for hex in [Digest::of(b"b").to_string(), "A0".into(), String::new()] {
        let mut origin = origin(Provenance::Attested, &[b"a"]);
        origin.proofs[0].check = Check::Sha256 {
            hex,
            given_in: Label::new("page").unwrap(),
        };
        origin.check(&release).unwrap_err();
    }
}

#[test]
fn without_an_origin_nobody_vouches() {
    let release = release(&[b"a"]);
    let custom = |value: Value| value.as_object().unwrap().clone();
    of_target(&custom(json!({})), &release).unwrap_err();
    of_target(&custom(json!({ ORIGIN: "attested" })), &release).unwrap_err();
    let good = origin(Provenance::Attested, &[]);
    let mut stated = serde_json::to_value(&good).unwrap();
    let found = of_target(&custom(json!({ ORIGIN: stated })), &release);
    assert_eq!(found, Ok(good));
    stated["more"] = json!(1);
    of_target(&custom(json!({ ORIGIN: stated })), &release).unwrap_err();
}
