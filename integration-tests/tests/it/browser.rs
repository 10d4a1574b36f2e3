//! The page, in a real browser: Debian's Chromium, driven as people use it.

use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_integration_tests::hospital::{Hospital, Row, now};
use patchward_integration_tests::programs::Program;
use patchward_integration_tests::python;
use patchward_integration_tests::vendor::tree_release;
use std::path::Path;
use std::process::Command;

const UNIT: &str = "reading-room-2";
const GROUP: &str = "stations";

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
    let mut hospital = Hospital::found_with_page(folder.path(), &[UNIT], &["viewer"]).unwrap();
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
    let rows = ["station-1", "station-2", "station-3"].map(station);
    hospital.add_machines(rows.into()).unwrap();
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
