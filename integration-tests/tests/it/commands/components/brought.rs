//! Advisories against what releases would bring: seen before the release is planned.

use super::*;

/// An advisory on versions of a package.
fn advisory(id: &str, version: &str, purl: &str, range: &str) -> Vec<u8> {
    let leaf = json!({ "category": "product_version_range", "name": range,
        "product": { "name": "a package", "product_id": "P1",
            "product_identification_helper": { "purl": purl } } });
    let named = json!({ "category": "product_name", "name": "a package", "branches": [leaf] });
    let vendor = json!({ "category": "vendor", "name": "Packager", "branches": [named] });
    json!({
        "document": {
            "category": "csaf_security_advisory", "csaf_version": "2.0", "title": "A hole",
            "publisher": { "category": "vendor", "name": "P", "namespace": "https://p.example" },
            "tracking": { "id": id, "version": version, "status": "final",
                "current_release_date": "2026-01-02T00:00:00Z",
                "initial_release_date": "2026-01-02T00:00:00Z" },
        },
        "product_tree": { "branches": [vendor] },
        "vulnerabilities": [{ "cve": "CVE-2026-0001",
            "product_status": { "known_affected": ["P1"] },
            "scores": [{ "products": ["P1"],
                "cvss_v3": { "baseScore": 9.8, "vectorString": "CVSS:3.1/AV:N/AC:L" } }] }],
    })
    .to_string()
    .into_bytes()
}

const OPENSSL: &str = "pkg:deb/debian/openssl?distro=debian-12";

async fn import(desk: &Desk, bytes: &[u8]) {
    let path = desk.write(bytes);
    desk.ask(&format!("advisory import {path}")).await;
}

/// Advisory, component and value of each match of the release.
async fn met(desk: &Desk, version: &str) -> Vec<String> {
    let shown = desk.json(&format!("release show viewer {version}")).await;
    let listed = desk.json(&format!("release sbom viewer {version}")).await;
    assert_eq!(shown["advisories"], listed["advisories"]);
    let rows = shown["advisories"].as_array().unwrap().iter();
    rows.map(|row| {
        let text = |name: &str| row[name].as_str().unwrap();
        format!(
            "{} {} {}",
            text("advisory"),
            text("component"),
            text("value")
        )
    })
    .collect()
}

/// The viewer 2, whose bill is taken in.
async fn released() -> Desk {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    import(&desk, &advisory("A", "1", OPENSSL, "vers:deb/<3.0.11-1")).await;
    let bill = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
        {"name":"openssl","version":"3.0.7-1",
         "purl":"pkg:deb/debian/openssl@3.0.7-1?arch=amd64&distro=debian-12"},
        {"name":"openssl","version":"3.0.7-1",
         "purl":"pkg:deb/debian/openssl@3.0.7-1?arch=arm64&distro=debian-12"},
        {"group":"@acme","name":"codec","version":"4.17.20","purl":"pkg:npm/%40acme/codec@4.17.20"}]}"#;
    let file = desk.write(bill);
    let said = desk.ask(&format!("release sbom viewer 2 {file}")).await;
    let said = said.text();
    assert!(said.contains("vulnerable: openssl 3.0.7-1 (A)."), "{said}");
    desk
}

#[tokio::test]
async fn what_a_release_brings_is_held_against_advisories_whenever_they_change() {
    let desk = released().await;
    let openssl = "A openssl 3.0.7-1 affected";
    assert_eq!(met(&desk, "2").await, [openssl]);
    let shown = desk.json("release show viewer 1").await;
    assert_eq!(shown["advisories"], json!([]), "it has no bill");
    // Nothing of ours has it: no machine, and no release but this one.
    let none = desk.json("exposure list --advisory A").await;
    assert_eq!(none["open"], 0);
    import(
        &desk,
        &advisory("B", "1", "pkg:npm/%40acme/codec", "vers:npm/<4.17.21"),
    )
    .await;
    let codec = "B @acme/codec 4.17.20 affected";
    assert_eq!(met(&desk, "2").await, [openssl, codec]);
    // Of another release of the distribution nothing follows for this one.
    let other = "pkg:deb/debian/openssl?distro=debian-11";
    import(&desk, &advisory("C", "1", other, "vers:deb/<3.1")).await;
    let person = "C openssl 3.0.7-1 needs_person";
    assert_eq!(met(&desk, "2").await, [openssl, codec, person]);
    // A namesake of somebody else is another package.
    import(
        &desk,
        &advisory("D", "1", "pkg:npm/%40other/codec", "vers:npm/<9.0.0"),
    )
    .await;
    // Corrected, and taken out.
    import(&desk, &advisory("A", "2", OPENSSL, "vers:deb/<3.0.5-1")).await;
    desk.ask("advisory remove B").await;
    assert_eq!(met(&desk, "2").await, [person]);
}

#[tokio::test]
async fn a_plan_with_a_vulnerable_component_warns() {
    let desk = released().await;
    desk.ask("window once tonight --unit icu-3 --minutes 600")
        .await;
    let made = "plan new Update --release viewer=2 --machine pc-1";
    let made = desk.json(made).await;
    let of_rule = |table: &Value| -> Vec<Value> {
        let rows = table.as_array().unwrap().iter();
        let rows = rows.filter(|row| row["rule"] == "vulnerable component");
        rows.cloned().collect()
    };
    let found = of_rule(&made["findings"]);
    assert_eq!((found.len(), &found[0]["finding"]), (1, &json!("warns")));
    assert_eq!(found[0]["about"], "release viewer 2");
    let checked = format!("plan check {}", made["plan"].as_str().unwrap());
    assert_eq!(of_rule(&desk.json(&checked).await), found);
    import(&desk, &advisory("A", "2", OPENSSL, "vers:deb/<3.0.5-1")).await;
    assert_eq!(of_rule(&desk.json(&checked).await), Vec::<Value>::new());
}
