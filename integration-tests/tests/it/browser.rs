//! The page, in a real browser: Debian's Chromium, driven as people use it.

use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_integration_tests::hospital::{Hospital, Row, now};
use patchward_integration_tests::programs::Program;
use patchward_integration_tests::python;
use patchward_integration_tests::vendor::tree_release;
use patchward_integration_tests::visitor::Visitor;
use std::path::Path;
use std::process::Command;

const UNIT: &str = "reading-room-2";
const GROUP: &str = "stations";
/// Where a machine is critical: who signs for it needs a file key.
const BEDSIDE: &str = "icu";

fn station(name: &str) -> Row {
    Row {
        name: name.into(),
        unit: UNIT.into(),
        class: Class::Standard,
        groups: vec![GROUP.into()],
        mode: Mode::Active,
        probes: Vec::new(),
    }
}

#[test]
fn a_first_day_and_a_rollout_in_the_browser() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital =
        Hospital::found_with_page(folder.path(), &[UNIT, BEDSIDE], &["viewer"]).unwrap();
    let group = [
        "group",
        "add",
        GROUP,
        "--unit",
        UNIT,
        "--minimum-ready",
        "0",
    ];
    hospital.ask(&group).unwrap();
    let bedside = Row {
        class: Class::Critical,
        ..Row::plain("bedside-1", BEDSIDE)
    };
    let mut rows = ["station-1", "station-2", "station-3"]
        .map(station)
        .to_vec();
    rows.push(bedside);
    hospital.add_machines(rows).unwrap();
    hospital.assign().unwrap();
    for (version, counter) in [("4.2.0", 1), ("4.2.1", 2), ("4.2.2", 3)] {
        let program = format!("#!/bin/sh\necho viewer {version}\n");
        let files = [("viewer", program.as_bytes())];
        let (release, bytes) = tree_release("viewer", version, counter, &files).unwrap();
        hospital.vendor.publish(&release, &[&bytes], now()).unwrap();
    }
    hospital.import().unwrap();
    let window = [
        "window",
        "once",
        "tonight",
        "--unit",
        UNIT,
        "--minutes",
        "180",
    ];
    hospital.ask(&window).unwrap();

    let root = hospital.root_fingerprint().unwrap();
    play(&hospital, "walk.py", &[("PATCHWARD_ROOT", &root)]);
}

#[test]
fn what_no_page_would_send_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::found_with_page(folder.path(), &["icu", "theatre"], &[]).unwrap();
    play(&hospital, "hostile.py", &[]);
}

#[test]
fn passkeys_let_in_whom_they_should_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found_with_page(folder.path(), &["icu"], &[]).unwrap();
    let offered = (
        "second_factor = \"offered\"",
        "second_factor = \"required\"",
    );
    set(&mut hospital, offered);
    play(&hospital, "passkeys.py", &[]);
}

#[test]
fn where_the_page_has_no_name_there_are_no_passkeys() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found_with_page(folder.path(), &["icu"], &[]).unwrap();
    set(&mut hospital, ("https://localhost:", "https://127.0.0.1:"));
    let page = hospital.page().unwrap();
    let port = page.address.rsplit(':').next().unwrap().parse().unwrap();
    let add = [
        "--json", "user", "add", "vera", "--title", "Vera", "--role", "viewer",
    ];
    let added: serde_json::Value = serde_json::from_str(&hospital.ask(&add).unwrap()).unwrap();
    let link = added["link"]
        .as_str()
        .unwrap()
        .replace("127.0.0.1", "localhost");
    let mut vera = Visitor::new(&hospital.collector_folder(), port).unwrap();
    let door = vera.get("/login").unwrap();
    assert_eq!(door.status, 200);
    assert!(!door.text().contains("passkey"), "{}", door.text());
    vera.welcome(&link, "four words nobody joins").unwrap();
    let own = vera.get("/me").unwrap().text();
    assert!(
        own.contains("browsers keep passkeys for host names alone"),
        "{own}"
    );
    assert!(!own.contains("passkey-form"), "{own}");
    assert_eq!(vera.post("/login/passkey/begin", "").unwrap().status, 409);
}

/// Starts the collector with other words in its settings.
fn set(hospital: &mut Hospital, (old, new): (&str, &str)) {
    hospital.stop_collector().unwrap();
    let path = hospital.collector_folder().join("collector.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(old), "{text}");
    std::fs::write(&path, text.replace(old, new)).unwrap();
    hospital.start_collector().unwrap();
}

/// Plays people at the hospital's page.
fn play(hospital: &Hospital, script: &str, more: &[(&str, &str)]) {
    let page = hospital.page().unwrap();
    let page = [("PAGE", &*page.address), ("WELCOME", &*page.welcome)];
    perform(script, hospital.folder(), &[&page[..], more].concat());
}

/// Plays people of the hospital in a folder, with what the script asks of its environment.
pub(super) fn perform(script: &str, folder: &Path, more: &[(&str, &str)]) {
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/browser");
    let output = Command::new(python::BROWSER.program().unwrap())
        .arg(format!("{scripts}/{script}"))
        .args(std::env::var_os("PATCHWARD_PICTURES"))
        // No folder of compiled scripts in the source.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOSPITAL", folder)
        .env("COLLECTOR", Program::Collector.path().unwrap())
        .env("SIGN", Program::Sign.path().unwrap())
        .envs(more.iter().copied())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
