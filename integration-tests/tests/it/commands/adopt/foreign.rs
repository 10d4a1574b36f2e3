//! One repository's keys are worth nothing for another's products.

use super::office::{Office, PRODUCT, sheet};
use crate::commands::desk::write_below;
use ed25519_dalek::SigningKey;
use patchward_collector::control::FailureKind::Input;
use patchward_common::time::DAY_MS;
use patchward_common::trust::tuf_author::{Edition, EditionKeys, TargetSpec};
use patchward_integration_tests::fixture::name;
use serde_json::json;

#[tokio::test]
async fn a_custodians_key_cannot_speak_for_a_vendor_nor_a_vendors_for_the_custodian() {
    let office = Office::open().await;
    let desk = &office.desk;
    // The vendor publishes the custodian's product: it is passed over.
    let mut foreign = desk.papers.release("1", 1, b"1");
    foreign.release.product = name(PRODUCT);
    let folder = desk.publish(1, &[(foreign.clone(), b"1")]);
    let said = desk
        .ask(&format!("release import acme {folder}"))
        .await
        .text();
    assert!(said.contains("does not let acme speak for pump"), "{said}");
    // The custodian signs the vendor's product by hand, past every check of ours.
    office
        .adopt(&sheet("1", 1, ""), &[("pump.bin", b"pump 1")])
        .await;
    let draft = office.draft("").await;
    let text = std::fs::read_to_string(&draft).unwrap();
    let forged = text.replace("\"product\": \"pump\"", "\"product\": \"viewer\"");
    assert_ne!(forged, text);
    let draft = office.write("forged.json", forged.as_bytes());
    let targets = office.signed(&draft, &[]).unwrap();
    let said = office.publish(&[&targets]).await;
    assert!(
        said.contains("does not let custodian speak for viewer"),
        "{said}"
    );
    assert_eq!(desk.json("release list").await, json!([]));
    // The vendor's keys sign a repository for the custodian's name.
    let [_, key] = &desk.papers.vendor;
    let stolen = edition(key, desk.papers.now.plus_ms(DAY_MS));
    let file = office.write("stolen.json", &stolen);
    let refused = office.hand_in(&[&file]).await.unwrap_err();
    assert_eq!(refused.kind, Input);
    assert!(
        refused.text.contains("signed by 0 of its keys"),
        "{}",
        refused.text
    );
    // And the custodian's root is not the vendor's.
    write_below(folder.as_ref(), "metadata/1.root.json", &office.root);
    let import = format!("release import acme {folder}");
    desk.refuses(&import, Input, "the root is not the one that is pinned")
        .await;
}

/// Targets of a high version that another key signed.
fn edition(key: &SigningKey, expires: patchward_common::time::UtcMs) -> Vec<u8> {
    let mut edition = Edition::new(9, expires);
    let target = TargetSpec::of(b"own bytes", None);
    edition.targets.insert("pump/own".into(), target);
    let keys = EditionKeys {
        timestamp: &[key],
        snapshot: &[key],
        targets: &[key],
    };
    edition
        .sign(&keys)
        .unwrap()
        .remove("9.targets.json")
        .unwrap()
}
