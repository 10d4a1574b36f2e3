//! Backups: made while a collector serves, read back, and come back from.

use super::{ask_in, ends, refused};
use patchward_integration_tests::hospital::{Hospital, Row, now};
use patchward_integration_tests::postgres::Postgres;
use patchward_integration_tests::process::{Daemon, wait_until};
use patchward_integration_tests::programs::Program;
use patchward_integration_tests::vendor::tree_release;
use serde_json::Value;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

const STATION: &str = "station";

/// A hospital with one machine, a release and a window that is open.
fn hospital(folder: &Path) -> Hospital {
    let mut hospital = Hospital::found(folder, &["icu"], &["viewer"]).unwrap();
    let row = Row::plain(STATION, "icu");
    hospital.add_machine(row).unwrap();
    hospital.assign().unwrap();
    let window = [
        "window",
        "once",
        "tonight",
        "--unit",
        "icu",
        "--minutes",
        "180",
    ];
    hospital.ask(&window).unwrap();
    let files = [("viewer", &b"#!/bin/sh\necho 1.0\n"[..])];
    let (release, bytes) = tree_release("viewer", "1.0", 1, &files).unwrap();
    hospital.vendor.publish(&release, &[&bytes], now()).unwrap();
    hospital.import().unwrap();
    hospital
}

/// Makes a backup and gives back its folder and what was said.
fn made(hospital: &Hospital, to: &Path) -> (PathBuf, Value) {
    let to = to.to_string_lossy().into_owned();
    let said = hospital.ask_json(&["backup", "make", "--to", &to]).unwrap();
    let path = PathBuf::from(said["backup"].as_str().unwrap());
    (path, said)
}

/// A restored collector knows that it is one, machines tell what it does not know, and no go
/// leaves it before a person says so.
#[test]
fn nothing_starts_after_a_restore_before_a_person_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = hospital(folder.path());
    let (backup, said) = made(&hospital, &folder.path().join("backups"));
    assert!(
        said["rows"].as_str().unwrap().parse::<u64>().unwrap() > 20,
        "{said}"
    );
    // What is signed after it is not in it; the machine has seen it.
    hospital.assign().unwrap();
    wait_until("the machine has assignment 2", || {
        let machine = hospital
            .machines
            .iter()
            .find(|machine| machine.name == STATION);
        let said = machine
            .unwrap()
            .ask_agent(&["status", "--json"])
            .unwrap_or_default();
        let said: Value = serde_json::from_str(&said).unwrap_or_default();
        said["status"]["numbers"] == serde_json::json!([1, 1, 2])
    })
    .unwrap();
    hospital.stop_collector().unwrap();
    let there = hospital.collector_folder();
    std::fs::rename(&there, folder.path().join("lost")).unwrap();
    let from = backup.to_string_lossy().into_owned();
    hospital.ask(&["restore", "from", &from]).unwrap();
    hospital.start_collector().unwrap();

    let show = || hospital.ask_json(&["restore", "show"]).unwrap();
    assert_eq!(show()["waits"], true);
    wait_until("the machine says what it remembers", || {
        let known = show()["know_more_than_this_collector"].clone();
        known[0]["machine"] == STATION
            && known[0]["knows"]
                .as_str()
                .unwrap()
                .contains("assignment 2 (here 1)")
    })
    .unwrap();
    let items = hospital.ask_json(&["item", "list"]).unwrap();
    let item = items.as_array().unwrap().iter();
    let item = item
        .filter(|item| item["item"] == "restored:collector")
        .collect::<Vec<_>>();
    assert_eq!(item.len(), 1, "{items}");
    assert!(
        item[0]["why"].as_str().unwrap().contains("1 know more"),
        "{items}"
    );

    // As the operator is told: what was signed since is taken in again.
    let signed = hospital.people().join("assignment.cbor");
    hospital
        .ask(&["document", "add", &signed.to_string_lossy()])
        .unwrap();
    let release = ["Viewer", "--release", "viewer=1.0", "--machine", STATION];
    let rest = ["--days", "1", "--soak-seconds", "1"];
    let (plan, _) = hospital.plan(&[&release[..], &rest].concat()).unwrap();
    hospital.approve(&plan, &["ada"]).unwrap();
    wait_until("the job waits for the person", || {
        let jobs = hospital
            .ask_json(&["job", "list", "--plan", &plan])
            .unwrap();
        let job = jobs[0]["job"].as_str().unwrap_or_default().to_owned();
        let shown = hospital.ask(&["job", "show", &job]).unwrap_or_default();
        shown.contains("nobody has confirmed yet")
    })
    .unwrap();
    assert_ne!(hospital.job(&plan, STATION).unwrap().0, "verified");
    hospital
        .ask(&[
            "restore",
            "confirm",
            "--reason",
            "compared with the file of assignments",
        ])
        .unwrap();
    hospital.wait_for_job(&plan, STATION, "verified").unwrap();
    assert_eq!(show()["waits"], false);
    let reason = ["restore", "confirm", "--reason", "twice"];
    refused(&hospital, &reason, 4, "no restored database");
    let log = hospital.ask(&["audit", "list"]).unwrap();
    assert!(
        log.contains("collector.restore") && log.contains("collector.confirm"),
        "{log}"
    );
}

#[test]
fn a_backup_holds_everything_and_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = hospital(folder.path());
    let to = folder.path().join("backups");
    let (backup, _) = made(&hospital, &to);
    let there = hospital.collector_folder();
    for own in ["collector.toml", "go.key", "ca/ca.key", "ca/ca.crt"] {
        let (ours, theirs) = (there.join(own), backup.join("files").join(own));
        assert_eq!(
            std::fs::read(ours).unwrap(),
            std::fs::read(&theirs).unwrap(),
            "{own}"
        );
        let mode = theirs.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{own} is nobody else's");
    }
    assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o077, 0);
    let artifacts = |backup: &Path| {
        let found = std::fs::read_dir(backup.join("files/artifacts")).unwrap();
        let mut found: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
        found.sort();
        found
    };
    assert_eq!(artifacts(&backup).len(), 1);
    assert!(!backup.join("files/control.sock").exists());
    assert!(!backup.join("files/collector.sqlite").exists());
    let whole = backup.to_string_lossy().into_owned();
    let verified = hospital.ask_json(&["backup", "verify", &whole]).unwrap();
    assert_eq!(verified["intact"], true);

    // An artifact that the one before has takes no room twice; one more stays than is kept.
    let (next, said) = made(&hospital, &to);
    assert_eq!(said["shared"], "1", "{said}");
    let inode = |backup: &Path| artifacts(backup)[0].metadata().unwrap().ino();
    assert_eq!(inode(&backup), inode(&next));
    let kept = [
        "backup",
        "make",
        "--to",
        &to.to_string_lossy(),
        "--keep",
        "2",
    ];
    let said = hospital.ask_json(&kept).unwrap();
    assert_eq!(said["removed"], serde_json::json!([whole]));
    assert!(!backup.exists() && next.exists());
    // A damaged one is not handed on.
    std::fs::write(&artifacts(&next)[0], b"other").unwrap();
    let newest = PathBuf::from(said["backup"].as_str().unwrap());
    ends(
        &newest,
        &["backup", "verify", &newest.to_string_lossy()],
        4,
        "is not whole",
    );
    let (healed, said) = made(&hospital, &to);
    assert_eq!(said["shared"], "0", "{said}");
    hospital
        .ask(&["backup", "verify", &healed.to_string_lossy()])
        .unwrap();

    // Where it cannot be, and who is already there.
    let inside = there.join("backups").to_string_lossy().into_owned();
    refused(
        &hospital,
        &["backup", "make", "--to", &inside],
        2,
        "own folder",
    );
    refused(&hospital, &["backup", "make"], 2, "backup_folder");
    hospital.stop_collector().unwrap();
    // It needs no collector that runs.
    made(&hospital, &to);
}

#[test]
fn a_backup_that_is_not_whole_comes_back_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::found(folder.path(), &["icu"], &["viewer"]).unwrap();
    let (backup, _) = made(&hospital, &folder.path().join("backups"));
    let (whole, new) = (
        backup.to_string_lossy().into_owned(),
        folder.path().join("new"),
    );
    let from = ["restore", "from", &whole];
    for (file, says) in [
        ("files/go.key", "files/go.key has"),
        ("database.sqlite", "database.sqlite has"),
        ("manifest.json", "manifest.json"),
    ] {
        let path = backup.join(file);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 0xff;
        std::fs::write(&path, bad).unwrap();
        let output = ask_in(&new, &from);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(says),
            "{file}: {said}"
        );
        assert!(!new.exists(), "nothing of it stays");
        std::fs::write(&path, good).unwrap();
    }
    let aside = folder.path().join("aside");
    std::fs::rename(backup.join("files/ca/ca.key"), &aside).unwrap();
    ends(&new, &from, 4, "ca.key");
    std::fs::rename(&aside, backup.join("files/ca/ca.key")).unwrap();
    std::fs::write(backup.join("files/more"), b"x").unwrap();
    ends(&new, &from, 4, "is not in its manifest");
    std::fs::remove_file(backup.join("files/more")).unwrap();
    // A folder that has something in it is somebody's.
    ends(
        &hospital.collector_folder(),
        &from,
        4,
        "has something in it",
    );
    ends(&new, &["restore", "from", "/nowhere"], 3, "is no backup");
    let restored = ask_in(&new, &from);
    assert!(restored.status.success(), "{restored:?}");
    let mode = new.join("go.key").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}

/// A snapshot of the whole computer, put back: nobody can tell but who did it.
#[test]
fn a_folder_that_was_put_back_by_other_means_waits_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found(folder.path(), &["icu"], &["viewer"]).unwrap();
    refused(&hospital, &["restore", "put-back"], 4, "A collector runs");
    hospital.stop_collector().unwrap();
    hospital.ask(&["restore", "put-back"]).unwrap();
    hospital.start_collector().unwrap();
    let shown = hospital.ask_json(&["restore", "show"]).unwrap();
    assert_eq!(
        (&shown["waits"], &shown["as_of"]),
        (&Value::Bool(true), &Value::Null)
    );
}

fn serve(folder: &Path, log: &Path) -> Daemon {
    let mut command = Command::new(Program::Collector.path().unwrap());
    command.arg("--folder").arg(folder).arg("serve");
    let mut daemon = Daemon::start("collector", &mut command, log).unwrap();
    daemon
        .wait_until("it answers", || {
            ask_in(folder, &["site", "list"]).status.success()
        })
        .unwrap();
    daemon
}

/// A hospital grows from a file to a server and back, by way of backups.
#[test]
fn a_backup_comes_back_into_either_engine() {
    let server = Postgres::shared().unwrap_or_else(|error| panic!("{error}"));
    let (first, second) = (
        server.fresh_database().unwrap(),
        server.fresh_database().unwrap(),
    );
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut hospital = Hospital::found(folder.path(), &["icu"], &["viewer"]).unwrap();
    let (backup, _) = made(&hospital, &at("backups"));
    hospital.stop_collector().unwrap();
    let path = |backup: &Path| backup.to_string_lossy().into_owned();
    let on_server = at("on-server");
    let from = ["restore", "from", &path(&backup), "--database", &first];
    let restored = ask_in(&on_server, &from);
    assert!(restored.status.success(), "{restored:?}");
    assert!(!on_server.join("collector.sqlite").exists());
    assert!(!on_server.join("filling.sqlite").exists());
    let daemon = serve(&on_server, &at("log"));
    let units = ask_in(&on_server, &["unit", "list", "--json"]);
    assert!(String::from_utf8_lossy(&units.stdout).contains("icu"));
    let to = path(&at("backups"));
    let again = ask_in(&on_server, &["backup", "make", "--to", &to, "--json"]);
    assert!(again.status.success(), "{again:?}");
    daemon.terminate().unwrap();
    let said: Value = serde_json::from_slice(&again.stdout).unwrap();
    let again = said["backup"].as_str().unwrap();
    // Nobody's database is written over, and an empty one is taken.
    ends(
        &at("new"),
        &["restore", "from", again],
        4,
        "holds a collector already",
    );
    let restored = ask_in(
        &at("other"),
        &["restore", "from", again, "--database", &second],
    );
    assert!(restored.status.success(), "{restored:?}");
    let restored = ask_in(
        &at("file"),
        &["restore", "from", again, "--database", "sqlite"],
    );
    assert!(restored.status.success(), "{restored:?}");
    let daemon = serve(&at("file"), &at("log"));
    let verified = ask_in(&at("file"), &["audit", "verify"]);
    assert!(verified.status.success(), "{verified:?}");
    daemon.terminate().unwrap();
}
