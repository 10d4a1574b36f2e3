//! The installer's own package, installed by itself like any other.

use super::{PROGRAM, Setting, back_to};
use patchward_common::job::{Event, State};
use patchward_common::trust::release::PackageManager;
use patchward_common::wire::local::{Answer, Request};
use patchward_installer::format::FORMAT;
use patchward_installer::successor::CHECK;
use patchward_integration_tests::package::{INSTALLER, Package, put_installer};
use std::path::PathBuf;

const DEB: PackageManager = PackageManager::Deb;

fn setting() -> Setting {
    Setting::run_by(
        |folder| put_installer(PROGRAM.as_ref(), &folder.join("root")).unwrap(),
        &[],
    )
}

/// A package with a script in the installer's place.
fn instead(setting: &Setting, version: &str, script: &str) -> Package {
    let file = setting.path("instead");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    Package {
        installer: Some(file),
        ..Package::plain(version)
    }
}

/// The installer's check of its successor in every measurement so far.
fn asked(setting: &Setting) -> Vec<bool> {
    let events = setting.machine.events().unwrap();
    let measured = events.iter().filter_map(|event| match &event.event {
        Event::Measured(measured) => Some(measured),
        _ => None,
    });
    measured
        .flat_map(|measured| &measured.checks)
        .filter(|check| check.check == CHECK)
        .map(|check| check.passed)
        .collect()
}

#[test]
fn an_installer_leaves_only_to_a_successor_that_can_go_on() {
    let mut setting = setting();
    let installed = setting.path("root").join(INSTALLER);
    let successor = put_installer(PROGRAM.as_ref(), &setting.path("successor")).unwrap();
    let package = Package {
        installer: Some(successor.clone()),
        ..Package::plain("1.0")
    };
    let first = setting.release(DEB, "1.0", 1, &setting.deb(&package));
    assert_eq!(setting.install(first.clone()).unwrap(), State::Verified);
    assert_eq!(asked(&setting), [true]);
    // One that does not even start, and one that finds nothing of the job: both go back, by
    // steps that the installer supervises although its program on disk could not.
    for (version, script, why) in [
        ("2.0", "exit 7", "check installer fails"),
        ("3.0", "exit 0", "finds another job"),
    ] {
        let package = instead(&setting, version, script);
        let counter = if version == "2.0" { 2 } else { 3 };
        let mut broken = setting.release(DEB, version, counter, &setting.deb(&package));
        broken.rollback = back_to(&first);
        let state = setting.install(broken).unwrap();
        assert!(
            matches!(&state, State::RolledBack(told) if told.text.contains(why)),
            "{why:?} was expected, and came {state:?}"
        );
        assert_eq!(setting.root.installed(), "1.0");
        let same = std::fs::read(&installed).unwrap() == std::fs::read(&successor).unwrap();
        assert!(same, "another program stayed");
    }
    // It was asked once more after each way back.
    assert_eq!(asked(&setting), [true; 3]);
    // And the successor does go on, when its turn comes.
    let events = setting.machine.events().unwrap().len();
    assert!(setting.machine.start(None).unwrap());
    assert_eq!(setting.machine.events().unwrap().len(), events);
}

#[test]
fn a_successor_that_no_settings_fit_is_not_taken() {
    let mut setting = setting();
    let real: PathBuf = put_installer(PROGRAM.as_ref(), &setting.path("real")).unwrap();
    // As a later version would that has dropped a setting: its file is refused.
    let wrong = setting.path("wrong.toml");
    std::fs::write(&wrong, "no_such_setting = 1\n").unwrap();
    let script = format!("exec {} reads --config {}", real.display(), wrong.display());
    let package = instead(&setting, "1.0", &script);
    let release = setting.release(DEB, "1.0", 1, &setting.deb(&package));
    let state = setting.install(release).unwrap();
    // Before it nothing was installed: what goes back takes the program away with it, and an
    // installer that is gone is no state to be content with. Of the many settings that it names
    // instead, the end of the list is kept.
    assert!(
        matches!(&state, State::Failed(why) if why.text.contains("boot_id_file, os_release_file")),
        "{state:?}"
    );
}

#[test]
fn an_older_installer_says_that_a_newer_one_was_here() {
    let mut setting = setting();
    let file = setting.path("state/format");
    setting.machine.kill().unwrap();
    std::fs::write(&file, (FORMAT + 1).to_string()).unwrap();
    assert!(setting.machine.start(None).unwrap());
    match setting.machine.ask(&Request::Status).unwrap() {
        Answer::Error(why) => assert!(why.contains("a newer installer"), "{why}"),
        other => panic!("{other:?}"),
    }
    let error = setting.machine.command(&["reads"]).unwrap_err().to_string();
    assert!(error.contains("a newer installer"), "{error}");
    // Nothing was touched: the newer one goes on.
    setting.machine.kill().unwrap();
    std::fs::write(&file, FORMAT.to_string()).unwrap();
    assert!(setting.machine.start(None).unwrap());
    setting.machine.status().unwrap();
    assert_eq!(setting.machine.command(&["reads"]).unwrap(), "");
}
