//! The page, in a real browser: Debian's Chromium, driven as people use it.

use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_integration_tests::hospital::{Hospital, Row, now};
use patchward_integration_tests::programs::Program;
use patchward_integration_tests::python;
use patchward_integration_tests::vendor::tree_release;
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
        "1",
    ];
    hospital.ask(&group).unwrap();
    let rows = ["station-1", "station-2", "station-3"].map(station);
    hospital.add_machines(rows.into()).unwrap();
    hospital.assign().unwrap();
    let program = b"#!/bin/sh\necho viewer 4.2.0\n";
    let (release, bytes) = tree_release("viewer", "4.2.0", 1, &[("viewer", program)]).unwrap();
    hospital.vendor.publish(&release, &[&bytes], now()).unwrap();
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

    let page = hospital.page().unwrap().clone();
    let walk = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/walk.py");
    let output = Command::new(python::BROWSER.program().unwrap())
        .arg(walk)
        .args(std::env::var_os("PATCHWARD_PICTURES"))
        .env("PAGE", &page.address)
        .env("WELCOME", &page.welcome)
        .env("HOSPITAL", hospital.folder())
        .env("COLLECTOR", Program::Collector.path().unwrap())
        .env("SIGN", Program::Sign.path().unwrap())
        .env("PATCHWARD_ROOT", hospital.root_fingerprint().unwrap())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
