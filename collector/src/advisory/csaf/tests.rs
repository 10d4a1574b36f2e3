use super::super::document::{Remedy, Status, VersionText};
use super::*;
use serde_json::{Value, json};

/// A small advisory, whose product tree and vulnerabilities are given.
fn document(version: &str, tree: &Value, vulnerabilities: &Value) -> Vec<u8> {
    let document = json!({
        "document": {
            "category": "csaf_security_advisory",
            "csaf_version": version,
            "publisher": { "category": "vendor", "name": "Acme", "namespace": "https://acme.example" },
            "title": "Viewer",
            "tracking": {
                "id": "ACME-1", "version": "1", "status": "final",
                "current_release_date": "2026-01-02T03:04:05.123456Z",
                "initial_release_date": "soon",
            },
        },
        "product_tree": tree,
        "vulnerabilities": vulnerabilities,
    });
    document.to_string().into_bytes()
}

fn product(id: &str) -> Value {
    json!({ "name": id, "product_id": id })
}

fn branch(category: &str, name: &str, inner: Value) -> Value {
    json!({ "category": category, "name": name, "branches": [inner] })
}

fn read_tree(tree: &Value) -> Result<Advisory, BadCsaf> {
    read(&document("2.0", tree, &json!([])))
}

#[test]
fn branches_groups_and_helpers_are_laid_flat() {
    let leaf = json!({
        "category": "product_version_range", "name": "vers:intdot/<2.0",
        "product": { "name": "Acme Viewer < 2.0", "product_id": "P1",
            "product_identification_helper": { "cpe": "cpe:2.3:a:acme:viewer:*:*:*:*:*:*:*:*" } },
    });
    let named = branch("vendor", "Acme", branch("product_name", "Viewer", leaf));
    let tree = json!({
        "branches": [named],
        "product_groups": [{ "group_id": "G", "product_ids": ["P1"] }],
    });
    let vulnerability = json!([{
        "cve": "CVE-2026-0001",
        "product_status": { "known_affected": ["P1"] },
        "remediations": [{ "category": "vendor_fix", "details": "2.0", "group_ids": ["G"] }],
        "scores": [{ "products": ["P1"], "cvss_v3": { "baseScore": 9.8, "vectorString": "x" } },
            { "products": "all of them" }],
    }]);
    let advisory = read(&document("2.0", &tree, &vulnerability)).unwrap();
    let product = &advisory.products[0];
    assert_eq!(
        (product.vendor.as_str(), product.product.as_str()),
        ("Acme", "Viewer")
    );
    assert_eq!(
        product.version,
        VersionText::Range("vers:intdot/<2.0".into())
    );
    assert!(product.helpers.cpe.is_some());
    let found = &advisory.vulnerabilities[0];
    assert_eq!(found.statuses, [(Status::KnownAffected, 0)]);
    assert_eq!(
        (
            found.remediations[0].remedy,
            &found.remediations[0].products[..]
        ),
        (Remedy::VendorFix, &[0][..])
    );
    // A score of no shape is passed over.
    assert_eq!(found.scores[0].number, Some(9.8));
    assert_eq!(found.scores.len(), 1);
    assert!(advisory.current.is_some() && advisory.published.is_none());
    assert!(advisory.remarks[0].contains("soon"));
}

#[test]
fn what_is_new_in_2_1_is_read() {
    let tree = json!({ "full_product_names": [{ "name": "x", "product_id": "P1",
        "product_identification_helper": { "purls": ["pkg:deb/debian/x@1"] } }] });
    let vulnerability = json!([{
        "cve": "CVE-2026-0001",
        "product_status": { "unknown": ["P1"] },
        "remediations": [{ "category": "fix_planned", "details": "May", "product_ids": ["P1"] }],
        "metrics": [{ "products": ["P1"], "content": {
            "cvss_v4": { "baseScore": 7.0, "vectorString": "CVSS:4.0/x" },
            "epss": { "probability": "0.5", "percentile": "0.9", "timestamp": "x" },
            "ssvc_v2": { "selections": [{ "name": "Exploitation", "values": ["Active"] }] } } }],
    }]);
    let advisory = read(&document("2.1", &tree, &vulnerability)).unwrap();
    assert_eq!(advisory.form, Form::Csaf21);
    let found = &advisory.vulnerabilities[0];
    assert_eq!(found.statuses, [(Status::Unknown, 0)]);
    assert_eq!(found.remediations[0].remedy, Remedy::FixPlanned);
    let systems: Vec<_> = found.scores.iter().map(|score| score.system).collect();
    assert_eq!(systems, ["cvss_v4", "epss", "ssvc"]);
    assert_eq!(advisory.products[0].helpers.purls.len(), 1);
}

#[test]
fn what_is_no_advisory_is_refused_with_the_place() {
    assert!(matches!(read(b"{"), Err(BadCsaf::NotJson(_))));
    assert!(matches!(read(b"\xff"), Err(BadCsaf::NotText { at: 0 })));
    let shape = read(br#"{"document": {"title": 1}}"#).unwrap_err();
    assert!(shape.to_string().contains("document.title"), "{shape}");
    assert!(matches!(
        read(&document("3.0", &json!({}), &json!([]))),
        Err(BadCsaf::Version(_))
    ));
    let trailing = [document("2.0", &json!({}), &json!([])), b"{}".to_vec()].concat();
    assert!(matches!(read(&trailing), Err(BadCsaf::NotJson(_))));
}

#[test]
fn a_tree_that_is_too_deep_is_refused() {
    let nested = |depth: usize| {
        let mut inner =
            json!({ "category": "product_version", "name": "1", "product": product("P") });
        for _ in 1..depth {
            inner = branch("product_family", "f", inner);
        }
        json!({ "branches": [inner] })
    };
    assert!(read_tree(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(
        read_tree(&nested(MAX_DEPTH + 1)).unwrap_err(),
        BadCsaf::TooDeep
    );
    // Deeper than the JSON reader goes.
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    assert!(read(format!("{{\"document\":{open}{close}}}").as_bytes()).is_err());
}

#[test]
fn cycles_and_names_without_a_product_are_refused() {
    let relation = |id: &str, part: &str, whole: &str| {
        json!({ "category": "installed_on", "full_product_name": product(id),
            "product_reference": part, "relates_to_product_reference": whole })
    };
    let with = |relations: Vec<Value>| json!({ "full_product_names": [product("A"), product("B")], "relationships": relations });
    let fine = read_tree(&with(vec![
        relation("C", "A", "B"),
        relation("D", "C", "B"),
    ]))
    .unwrap();
    assert!(fine.products[3].relation.is_some());
    let itself = with(vec![relation("C", "C", "B")]);
    assert_eq!(read_tree(&itself).unwrap_err(), BadCsaf::Cycle("C".into()));
    let two = with(vec![relation("C", "A", "D"), relation("D", "C", "B")]);
    assert!(matches!(read_tree(&two), Err(BadCsaf::Cycle(_))));
    let chain = (0..=MAX_CHAIN).map(|n| {
        let part = if n == 0 {
            "A".to_owned()
        } else {
            format!("R{}", n - 1)
        };
        relation(&format!("R{n}"), &part, "B")
    });
    assert!(matches!(
        read_tree(&with(chain.collect())),
        Err(BadCsaf::ChainTooLong(_))
    ));
    // Few steps, and each doubles what it is put together of.
    let doubling = (0..5).map(|n| {
        let before = match n {
            0 => "A".to_owned(),
            n => format!("R{}", n - 1),
        };
        relation(&format!("R{n}"), &before, &before)
    });
    assert!(matches!(
        read_tree(&with(doubling.collect())),
        Err(BadCsaf::ChainTooLong(_))
    ));
    let missing = with(vec![relation("C", "A", "Z")]);
    assert!(matches!(
        read_tree(&missing),
        Err(BadCsaf::NoProduct { .. })
    ));
    let twice = json!({ "full_product_names": [product("A"), product("A")] });
    assert_eq!(
        read_tree(&twice).unwrap_err(),
        BadCsaf::TwiceTheId("A".into())
    );
    let status = json!([{ "product_status": { "fixed": ["Z"] } }]);
    let unknown = read(&document("2.0", &json!({}), &status));
    assert!(matches!(unknown, Err(BadCsaf::NoProduct { .. })));
}

#[test]
fn what_a_small_file_asks_for_is_bounded() {
    let long = "n".repeat(MAX_NAME_BYTES);
    let products = MAX_LAID_BYTES / (MAX_NAME_BYTES * (MAX_DEPTH - 1)) + 1;
    let leaves = |count: usize| -> Vec<Value> {
        let leaf = |number: usize| {
            json!({ "category": "product_version", "name": "1",
                "product": product(&number.to_string()) })
        };
        (0..count).map(leaf).collect()
    };
    let tree = |count: usize| {
        let mut inner =
            json!({ "category": "product_family", "name": long, "branches": leaves(count) });
        for _ in 2..MAX_DEPTH {
            inner = branch("product_family", &long, inner);
        }
        json!({ "branches": [inner] })
    };
    assert_eq!(read_tree(&tree(3)).unwrap().products.len(), 3);
    let error = read_tree(&tree(products)).unwrap_err();
    let what = "bytes of branch names above its products";
    assert!(
        matches!(error, BadCsaf::TooMany { what: found, .. } if found == what),
        "{error}"
    );
    let odd = (0..2 * MAX_REMARKS).map(|number| {
        json!({ "category": format!("odd {number}"), "name": "x",
            "product": product(&number.to_string()) })
    });
    let odd = read_tree(&json!({ "branches": odd.collect::<Vec<_>>() })).unwrap();
    let of_branches = odd.remarks.iter().filter(|one| one.contains("odd"));
    assert_eq!(of_branches.count(), MAX_REMARKS);
    let remedies: Vec<Value> = (0..2 * MAX_REMARKS)
        .map(|_| json!({ "category": "prayer", "details": "x" }))
        .collect();
    let prayed = document("2.0", &json!({}), &json!([{ "remediations": remedies }]));
    assert!(read(&prayed).unwrap().remarks.len() <= MAX_REMARKS + 2);
}

#[test]
fn what_is_a_key_of_the_store_is_short_enough_for_it() {
    let named = |length: usize| {
        let name = "9".repeat(length);
        read(&document("2.0", &json!({}), &json!([{ "cve": name }])))
    };
    assert!(named(MAX_ID_BYTES).is_ok());
    let too_long = |what| BadCsaf::TooLong {
        what,
        limit: MAX_ID_BYTES,
    };
    assert_eq!(
        named(MAX_ID_BYTES + 1).unwrap_err(),
        too_long("name of a vulnerability")
    );
    let bytes = document("2.0", &json!({}), &json!([]));
    let mut long: Value = serde_json::from_slice(&bytes).unwrap();
    long["document"]["tracking"]["id"] = json!("x".repeat(MAX_ID_BYTES + 1));
    assert_eq!(
        read(long.to_string().as_bytes()).unwrap_err(),
        too_long("tracking id")
    );
}
