//! What Cargo's manifests say: who depends on whom, and why on what.

use super::source::{files, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

pub(super) fn cargo(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs: it runs this test");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "cargo {arguments:?}: {said}");
    String::from_utf8(run.stdout).expect("cargo writes UTF-8")
}

/// The packages of the workspace, each with its direct dependencies of every kind.
fn members() -> BTreeMap<String, BTreeSet<String>> {
    let text = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&text).expect("cargo writes JSON");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            (
                name(package),
                list(&package["dependencies"]).iter().map(name).collect(),
            )
        })
        .collect()
}

#[test]
fn programs_do_not_import_one_another() {
    let members = members();
    let ours = |package: &str| -> BTreeSet<&str> {
        let direct = members
            .get(package)
            .unwrap_or_else(|| panic!("{package} is gone"));
        let own = direct.iter().filter(|name| name.starts_with("patchward-"));
        own.map(String::as_str).collect()
    };
    let (common, log, steps) = ("patchward-common", "patchward-log", "patchward-steps");
    let carrier = "patchward-carrier";
    for (package, expected) in [
        (common, &[][..]),
        (log, &[]),
        (steps, &[common]),
        ("patchward-sign", &[common]),
        (carrier, &[common]),
        ("patchward-agent", &[carrier, common, log]),
        ("patchward-notice", &[common, log]),
        ("patchward-collector", &[carrier, common, log]),
        ("patchward-installer", &[common, log, steps]),
    ] {
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(ours(package), expected, "{package}");
    }
}

/// What `cargo test-needs` builds before `cargo test --workspace` is not built again by that: both
/// ask for every crate with the same features.
#[test]
fn programs_are_built_once_for_the_tests() {
    let crates = |which: &[&str]| -> BTreeSet<String> {
        let shape = ["--prefix", "none", "--no-dedupe", "--format", "{p} {f}"];
        let tree = cargo(&[&["tree"], which, &shape].concat());
        tree.lines().map(str::to_owned).collect()
    };
    let needs = crates(&[
        "--package",
        "patchward-integration-tests",
        "--edges",
        "normal,build",
    ]);
    let tests = crates(&["--workspace", "--edges", "normal,build,dev"]);
    let again: Vec<_> = needs.difference(&tests).collect();
    assert!(
        again.is_empty(),
        "other features than in the tests; see integration-tests/Cargo.toml: {again:#?}"
    );
}

/// The installer is small because its crate cannot see these at all.
#[test]
fn the_installer_is_built_without_a_network() {
    let tree = cargo(&[
        "tree",
        "--package",
        "patchward-installer",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ]);
    let packages: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(packages.contains("patchward-common") && packages.contains("rustix"));
    for network in [
        "tokio",
        "mio",
        "quinn",
        "quinn-proto",
        "hyper",
        "rustls",
        "reqwest",
        "ureq",
    ] {
        assert!(
            !packages.contains(network),
            "the installer depends on {network}"
        );
    }
}

/// Lines of a manifest that name a dependency and do not say what it is for.
fn unexplained(manifest: &str) -> Vec<&str> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }
        let is_other = line.is_empty() || line.starts_with(['#', '[']) || !line.contains('=');
        if is_other || !section.ends_with("dependencies]") {
            continue;
        }
        // One line each; the reason for a workspace dependency stands in the workspace.
        let is_shared = line.contains(".workspace = true") || line.contains("workspace = true,");
        let is_ours = line.starts_with("patchward-");
        if !(is_shared || is_ours || line.contains(" # ")) {
            found.push(line);
        }
    }
    found
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for path in files().iter().filter(|path| path.ends_with("Cargo.toml")) {
        let text = std::fs::read_to_string(root().join(path)).expect("manifests are UTF-8");
        seen += 1;
        let here = path.display().to_string();
        wrong.extend(
            unexplained(&text)
                .iter()
                .map(|line| format!("{here}: {line}")),
        );
    }
    assert!(seen >= 8, "only {seen} manifests were found");
    assert!(wrong.is_empty(), "no reason beside:\n{}", wrong.join("\n"));
}

#[test]
fn a_dependency_without_a_reason_is_found() {
    let text = "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\nc = \"1\" # why\nd.workspace = true\n\
                patchward-common = { path = \"x\" }\n[dev-dependencies]\ne = { version = \"1\" }\n";
    assert_eq!(unexplained(text), ["b = \"1\"", "e = { version = \"1\" }"]);
}
