//! What `systemd-analyze` says of the units, and what docs/operations.md says of that.

use super::file::{PACKAGES, Unit, lines, tree, units};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// The highest exposure of each service, in tenths.
const HIGHEST: [(&str, u32); 7] = [
    ("patchward-agent.service", 12),
    ("patchward-installer.service", 45),
    ("patchward-installer-resume.service", 15),
    ("patchward-notice.service", 15),
    ("patchward-collector.service", 15),
    ("patchward-collector-backup.service", 15),
    ("patchward-relay.service", 15),
];
/// Where systemd has the units of this machine.
const SYSTEM: &str = "usr/lib/systemd/system";

fn analyze(arguments: &[&str]) -> Output {
    let ran = Command::new("systemd-analyze")
        .args(arguments)
        .arg("--no-pager")
        .output();
    ran.unwrap_or_else(|error| panic!("systemd-analyze: {error}; the tests need it"))
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// Whether a unit's exposure is at most so many tenths, and what was said of it.
fn is_within(path: &Path, tenths: u32) -> (bool, String) {
    let path = path.display().to_string();
    let threshold = format!("--threshold={tenths}");
    let ran = analyze(&["security", "--offline=yes", &threshold, &path]);
    (ran.status.success(), said(&ran))
}

#[test]
fn no_service_is_more_exposed_than_is_allowed() {
    let services: Vec<Unit> = units().into_iter().filter(Unit::is_service).collect();
    assert_eq!(services.len(), HIGHEST.len());
    for service in services {
        let highest = HIGHEST.iter().find(|(name, _)| *name == service.name);
        let (_, tenths) = highest.unwrap_or_else(|| panic!("{}: no limit", service.name));
        let (is_within, said) = is_within(&service.path, *tenths);
        assert!(is_within, "{said}");
    }
}

#[test]
fn an_open_service_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open.service");
    std::fs::write(&path, "[Service]\nExecStart=/bin/true\n").unwrap();
    let (is_within, said) = is_within(&path, 45);
    assert!(!is_within && said.contains("Overall exposure"), "{said}");
}

/// What stays open of a service, by the names that `systemd-analyze` prints.
fn exposures(service: &Unit) -> BTreeSet<String> {
    let path = service.path.display().to_string();
    let ran = analyze(&["security", "--offline=yes", "--json=short", &path]);
    assert!(ran.status.success(), "{}", said(&ran));
    let rows: Vec<Value> = serde_json::from_slice(&ran.stdout).unwrap();
    assert!(rows.len() > 50, "only {} rows", rows.len());
    let open = rows.iter().filter(|row| row["exposure"].is_string());
    open.map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The rows of the table of exposures: name, services, why.
fn explained(text: &str) -> Vec<(String, Vec<String>, String)> {
    let section = text.split("\n## What each unit may, and why\n").nth(1);
    let section = section.expect("docs/operations.md has the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut rows = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, services, why] = cells[..] else {
            panic!("not three cells: {line}");
        };
        let services = services.split(", ").map(str::to_owned).collect();
        let name = name.trim_matches('`').replace("\\|", "|");
        rows.push((name, services, why.trim_end_matches(" |").to_owned()));
    }
    rows
}

/// What the table calls a service.
fn short(service: &Unit) -> String {
    let name = service.name.trim_end_matches(".service");
    match name.trim_start_matches("patchward-") {
        "installer-resume" => "resume",
        "collector-backup" => "backup",
        name => name,
    }
    .to_owned()
}

#[test]
fn every_exposure_is_explained_and_no_other() {
    let docs = tree("../docs/operations.md");
    let rows = explained(&std::fs::read_to_string(docs).unwrap());
    let mut told = BTreeSet::new();
    for (name, services, why) in rows {
        assert!(why.len() > 20, "{name}: {why:?} explains nothing");
        for service in services {
            assert!(told.insert((service.clone(), name.clone())), "{name} twice");
        }
    }
    let services = units().into_iter().filter(Unit::is_service);
    let open: BTreeSet<(String, String)> = services
        .flat_map(|service| {
            let open = exposures(&service);
            open.into_iter().map(move |name| (short(&service), name))
        })
        .collect();
    let missing: Vec<_> = open.difference(&told).collect();
    assert!(missing.is_empty(), "open and not explained: {missing:?}");
    let stale: Vec<_> = told.difference(&open).collect();
    assert!(stale.is_empty(), "explained and not open: {stale:?}");
}

#[test]
fn the_table_of_exposures_is_read() {
    let text = "# A\n\n## What each unit may, and why\n| open | of | why |\n|---|---|---|\n\
                | `A=~(B\\|C)` | agent, installer | it must |\n\n## Next\n| `D=` | agent | x |\n";
    let services = ["agent", "installer"].map(str::to_owned).to_vec();
    let row = ("A=~(B|C)".to_owned(), services, "it must".to_owned());
    assert_eq!(explained(text), [row]);
}

/// A root with our files, this machine's targets, and stand-ins for the programs.
fn laid_out() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let system = root.path().join(SYSTEM);
    std::fs::create_dir_all(&system).unwrap();
    for entry in std::fs::read_dir(Path::new("/").join(SYSTEM)).unwrap() {
        let path = entry.unwrap().path();
        let is_base = path
            .extension()
            .is_some_and(|kind| kind == "target" || kind == "slice");
        if is_base {
            std::fs::copy(&path, system.join(path.file_name().unwrap())).unwrap();
        }
    }
    for unit in units() {
        std::fs::copy(&unit.path, system.join(&unit.name)).unwrap();
        if unit.is_service() {
            let program = root.path().join(&unit.command()[0][1..]);
            std::fs::create_dir_all(program.parent().unwrap()).unwrap();
            std::fs::write(&program, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        }
    }
    root
}

fn verify(root: &Path) -> Output {
    let root_option = format!("--root={}", root.display());
    let names: Vec<String> = units()
        .iter()
        .map(|unit| format!("/{SYSTEM}/{}", unit.name))
        .collect();
    // The manual pages lie in the packages, which have a test of their own.
    let fixed = ["verify", "--man=no", "--recursive-errors=one", &root_option];
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    analyze(&[&fixed[..], &names].concat())
}

#[test]
fn systemd_has_nothing_to_complain_of() {
    let root = laid_out();
    let ran = verify(root.path());
    let told = said(&ran);
    assert!(ran.status.success() && told.trim().is_empty(), "{told}");
    // And it would say so.
    let agent = root.path().join(SYSTEM).join("patchward-agent.service");
    let text = std::fs::read_to_string(&agent).unwrap();
    let wrong = text.replace("ProtectSystem=", "ProtectSystems=");
    std::fs::write(&agent, wrong).unwrap();
    let ran = verify(root.path());
    let told = said(&ran);
    assert!(
        !ran.status.success() && told.contains("ProtectSystems"),
        "{told}"
    );
}

#[test]
fn systemd_makes_our_users() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("usr/lib/sysusers.d");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir_all(root.path().join("etc")).unwrap();
    for package in PACKAGES {
        let name = format!("patchward-{package}.conf");
        let from = tree(package).join("usr/lib/sysusers.d").join(&name);
        std::fs::copy(from, folder.join(name)).unwrap();
    }
    let ran = Command::new("systemd-sysusers")
        .arg(format!("--root={}", root.path().display()))
        .arg("--dry-run")
        .output()
        .expect("systemd-sysusers runs; the tests need it");
    let told = said(&ran);
    assert!(ran.status.success(), "{told}");
    for line in PACKAGES
        .iter()
        .flat_map(|package| lines(package, "sysusers.d"))
    {
        let kind = if line[0] == "u" { "user" } else { "group" };
        let made = format!("Creating {kind} '{}'", line[1]);
        assert!(told.contains(&made), "{made}: {told}");
    }
}
