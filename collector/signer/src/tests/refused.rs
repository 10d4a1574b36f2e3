//! What no machine would accept is not signed either.

use super::hospital::Hospital;
use patchward_common::plan::file::to_bytes;
use patchward_common::trust::charter::Charter;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, PublicKey, Signed};

fn text(hospital: &Hospital, file: &str) -> String {
    String::from_utf8(hospital.bytes(file)).unwrap()
}

/// What signing `text` says, as a `command` by `key`.
fn refused(hospital: &Hospital, command: &str, text: &str, key: &str, more: &[&str]) -> String {
    hospital.write("bad.toml", text);
    let fixed = [
        command, "--from", "bad.toml", "--key", key, "--out", "bad.cbor", "--yes",
    ];
    let (said, _) = hospital.fails(&[&fixed[..], more].concat());
    assert!(!hospital.path("bad.cbor").exists());
    said
}

/// A point of small order: anybody can sign for it.
fn weak() -> PublicKey {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    PublicKey(bytes)
}

#[test]
fn a_charter_that_no_machine_follows() {
    let hospital = Hospital::new();
    let good = text(&hospital, "charter.toml");
    let twice = &good[good.find("[[vendors]]").unwrap()..];
    let weak = weak().to_string();
    for (bad, why) in [
        (format!("{good}{twice}"), "one stands twice"),
        (
            good.replace("\"viewer/\"", "\"../\""),
            "not a plain relative path",
        ),
        (
            good.replace(&hospital.public("registrar"), &weak),
            "registrar's key is not usable",
        ),
        (
            good.replace(&hospital.public("root2"), &weak),
            "keys that are keys",
        ),
        (
            good.replace("publisher = \"vendor\"\n", ""),
            "missing field `publisher`",
        ),
    ] {
        let said = refused(&hospital, "charter", &bad, "root1.pem", &[]);
        assert!(said.contains(why), "{said}");
    }
    let root = [&hospital.public("root1")[..], &weak];
    let (said, _) = hospital.fails(&[
        "root",
        "new",
        "--public",
        root[0],
        "--public",
        root[1],
        "--threshold",
        "1",
        "--out",
        "root.cbor",
    ]);
    assert!(said.contains("are no root"), "{said}");
}

/// A go-key that says who signs would be the collector's.
#[test]
fn a_roster_whose_go_key_is_more() {
    let hospital = Hospital::new();
    let with_go = |key: &str| {
        let roster = text(&hospital, "roster.toml");
        let key = hospital.public(key);
        format!("{roster}\n[[go_keys]]\ncollector = \"main\"\nkey = \"{key}\"\n")
    };
    let charter = ["--charter", "charter.cbor"];
    let sign = |bad: &str, key: &str, more: &[&str]| refused(&hospital, "roster", bad, key, more);
    let said = sign(&with_go("registrar"), "registrar.pem", &[]);
    assert!(said.contains("which a collector holds"), "{said}");
    let said = sign(&with_go("root1"), "registrar.pem", &charter);
    assert!(said.contains("a registrar's or a root key"), "{said}");
    let said = sign(&with_go("anna"), "registrar.pem", &[]);
    assert!(said.contains("stands there twice"), "{said}");
    let said = sign(&with_go("stranger"), "anna.pem", &charter);
    assert!(said.contains("no registrar's key"), "{said}");
    let weak_person =
        text(&hospital, "roster.toml").replace(&hospital.public("ben"), &weak().to_string());
    let said = sign(&weak_person, "registrar.pem", &[]);
    assert!(said.contains("a key is not usable"), "{said}");
    hospital.write("good.toml", &with_go("stranger"));
    let fixed = [
        "roster",
        "--from",
        "good.toml",
        "--key",
        "registrar.pem",
        "--out",
        "good.cbor",
        "--yes",
    ];
    hospital.ok(&[&fixed[..], &charter].concat());
}

/// Somebody else's program wrote it; the second signer is asked all the same.
#[test]
fn cosigning_asks_what_signing_asks() {
    fn cosigned<T: Document>(hospital: &Hospital, document: &T) -> String {
        let payload = patchward_common::codec::encode_deterministic(document);
        let bytes = to_bytes(T::TYPE, &Signed::<T>::unsigned(payload));
        std::fs::write(hospital.path("bad.cbor"), bytes).unwrap();
        let (said, _) = hospital.fails(&[
            "cosign",
            "bad.cbor",
            "--key",
            "root1.pem",
            "--out",
            "more.cbor",
            "--yes",
        ]);
        assert!(!hospital.path("more.cbor").exists());
        said
    }
    let hospital = Hospital::new();
    let mut charter = hospital.signed::<Charter>("charter.cbor").peek().unwrap();
    charter.vendors.push(charter.vendors[0].clone());
    let said = cosigned(&hospital, &charter);
    assert!(said.contains("no machine accepts this charter"), "{said}");
    let mut roster = hospital.signed::<Roster>("roster.cbor").peek().unwrap();
    roster.people[1].keys = roster.people[0].keys.clone();
    let said = cosigned(&hospital, &roster);
    assert!(said.contains("a key stands twice"), "{said}");
    roster.people.truncate(1);
    roster.expires = roster.expires.plus_ms(1);
    let said = cosigned(&hospital, &roster);
    assert!(said.contains("longer than 90 days"), "{said}");
}
