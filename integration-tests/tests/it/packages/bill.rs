//! What the packages say that they are made of is what Cargo builds them of.

use super::{made, source};
use patchward_collector::component::bom;
use patchward_integration_tests::packages::{Package, sbom};
use serde_json::Value;
use std::collections::BTreeSet;

fn bill(package: Package) -> Vec<u8> {
    let tree = &made(package).tree;
    let doc = format!("usr/share/doc/{}/sbom.cdx.json", package.name());
    std::fs::read(tree.folder.join(doc)).unwrap()
}

/// Names and versions of what a program says that it is made of.
fn said(package: Package, program: &str) -> BTreeSet<(String, String)> {
    let mut programs = package.programs().iter();
    let (_, place) = programs.find(|(name, _)| *name == program).unwrap();
    let path = made(package).tree.folder.join(place).join(program);
    let told = sbom::embedded(&path).unwrap();
    let packages = told["packages"].as_array().unwrap();
    let roots: Vec<&Value> = packages.iter().filter(|one| one["root"] == true).collect();
    assert_eq!(roots.len(), 1, "{program}");
    assert_eq!(roots[0]["name"], program);
    for needs in packages
        .iter()
        .flat_map(|one| one["dependencies"].as_array())
    {
        let is_there = |at: &Value| packages.get(at.as_u64().unwrap() as usize).is_some();
        assert!(needs.iter().all(is_there), "{program}");
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pairs = packages
        .iter()
        .map(|one| (text(&one["name"]), text(&one["version"])));
    pairs.collect()
}

#[test]
fn a_program_says_what_it_is_linked_of() {
    let names = |package, program: &str| -> BTreeSet<String> {
        let said = said(package, program).into_iter();
        said.map(|(name, _)| name).collect()
    };
    let installer = names(Package::Agent, "patchward-installer");
    assert!(installer.contains("patchward-steps") && installer.contains("ed25519-dalek"));
    // No network, no runtime; and what only expands code is not in it either.
    for absent in ["tokio", "quinn", "rustls", "serde_derive", "syn"] {
        assert!(!installer.contains(absent), "{absent}");
    }
    let agent = names(Package::Agent, "patchward-agent");
    assert!(agent.contains("quinn") && agent.contains("ring"));
    // The agent is built alone, without what only the collector asks for (ADR 0036).
    assert!(!agent.contains("aws-lc-rs") && !agent.contains("ureq"));
    let collector = names(Package::Collector, "patchward-collector");
    assert!(collector.contains("aws-lc-rs") && collector.contains("libsqlite3-sys"));
}

/// What goes onto old machines as one file each finds no library of theirs.
#[test]
fn what_is_linked_for_musl_is_all_in_it() {
    let target = "x86_64-unknown-linux-musl";
    let bill = sbom::Bill::of(Package::Agent, Some(target)).unwrap();
    for (program, _) in Package::Agent.programs() {
        let parts = bill.parts(program).unwrap().keys();
        let systems = parts.filter(|part| part.name.ends_with("-sys"));
        // Numbers of the kernel's, and no library.
        let systems: Vec<&str> = systems
            .map(|part| part.name.as_str())
            .filter(|name| *name != "linux-raw-sys")
            .collect();
        assert_eq!(systems, [""; 0], "{program}");
    }
}

#[test]
fn the_bill_of_a_package_is_that_of_its_programs() {
    for package in Package::ALL {
        let bytes = bill(package);
        // The collector's own reader takes it in, as it takes those of vendors.
        let read = bom::read(&bytes).unwrap();
        assert_eq!(read.format, "CycloneDX 1.6");
        let billed: BTreeSet<(String, String)> = read
            .brings
            .into_iter()
            .map(|one| (one.name, one.version))
            .collect();
        let programs = package.programs().iter();
        let all: BTreeSet<_> = programs.flat_map(|(name, _)| said(package, name)).collect();
        assert_eq!(billed, all, "{}", package.name());
    }
}

/// Every crate that is not ours has the digest that Cargo holds it to, and a licence.
#[test]
fn a_bill_names_digests_and_licences() {
    let lock = std::fs::read_to_string(source("Cargo.lock")).unwrap();
    let bill: Value = serde_json::from_slice(&bill(Package::Agent)).unwrap();
    let components = bill["components"].as_array().unwrap();
    let mut held = 0;
    for one in components {
        let name = one["name"].as_str().unwrap();
        assert!(
            one["licenses"][0]["expression"].is_string(),
            "{name} has no licence"
        );
        if name.starts_with("patchward-") {
            continue;
        }
        let digest = one["hashes"][0]["content"].as_str();
        let digest = digest.unwrap_or_else(|| panic!("{name} has no digest"));
        let version = one["version"].as_str().unwrap();
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        let (_, after) = lock.split_once(&entry).unwrap();
        let own = after.split("[[package]]").next().unwrap();
        assert!(own.contains(&format!("checksum = \"{digest}\"")), "{name}");
        held += 1;
    }
    assert!(held > 100, "only {held}");
    // Whoever needs something names what the bill has.
    let known: BTreeSet<&str> = components
        .iter()
        .filter_map(|one| one["bom-ref"].as_str())
        .collect();
    for needs in bill["dependencies"].as_array().unwrap() {
        for one in needs["dependsOn"].as_array().unwrap() {
            assert!(known.contains(one.as_str().unwrap()), "{one}");
        }
    }
}
