//! The collector's commands: what they refuse, with which exit code, and that it changes
//! nothing.

mod adopt;
mod advisories;
mod assets;
mod backup;
mod bad_input;
mod bedside;
mod calendars;
mod certificate;
mod chain;
mod components;
mod decided;
mod desk;
mod devices;
mod evidence;
mod expiring;
mod exposure;
mod feeds;
mod files;
mod health;
mod history;
mod intake;
mod jobs;
mod manual;
mod mds2;
mod moves;
mod needed;
mod notices;
mod orders;
mod page;
mod people;
mod places;
mod plans;
mod postgres;
mod refused;
mod replan;
mod said;
mod setup;
mod several;
mod shift;
mod stated;
mod told;
mod unaccepted;
mod ward;
mod windows;
mod years;

use patchward_integration_tests::hospital::Hospital;
use patchward_integration_tests::process::Daemon;
use patchward_integration_tests::programs::Program;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn ask(hospital: &Hospital, arguments: &[&str]) -> Output {
    ask_in(&hospital.collector_folder(), arguments)
}

/// A collector that runs in a folder and answers.
fn serve(folder: &Path, log: &Path) -> Daemon {
    serve_in(folder, log, Vec::new())
}

/// The same in an environment of its own.
fn serve_in(folder: &Path, log: &Path, environment: Vec<(&str, PathBuf)>) -> Daemon {
    let mut command = Command::new(Program::Collector.path().unwrap());
    command.envs(environment).arg("--folder").arg(folder);
    let mut daemon = Daemon::start("collector", command.arg("serve"), log).unwrap();
    daemon
        .wait_until("it answers", || {
            ask_in(folder, &["site", "list"]).status.success()
        })
        .unwrap();
    daemon
}

fn ask_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(Program::Collector.path().unwrap())
        .arg("--folder")
        .arg(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// Asserts the exit code of a program that does not need a running collector, that its
/// message says `text`, in JSON too, and that the folder has what it had.
fn ends(folder: &Path, arguments: &[&str], code: i32, text: &str) {
    let entries = || {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        // SQLite's own, while a database is open.
        names.retain(|name| !name.to_string_lossy().contains(".sqlite-"));
        names.sort();
        (folder.exists(), names)
    };
    let before = entries();
    let output = ask_in(folder, &[arguments, &["--json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(text), "{arguments:?}: {said}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["error"].as_str().unwrap().contains(text), "{json}");
    assert_eq!(entries(), before, "{arguments:?} changed something");
}

/// Asserts the exit code, that the message says `text`, and that nothing was changed.
fn refused(hospital: &Hospital, arguments: &[&str], code: i32, text: &str) {
    let head = || hospital.ask(&["audit", "verify"]).unwrap();
    let before = head();
    let output = ask(hospital, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(text), "{arguments:?}: {said}");
    assert_eq!(head(), before, "{arguments:?} changed something");
}

#[test]
fn bad_input_is_refused_with_a_reason_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::found(folder.path(), &["icu"], &["viewer"]).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let charter = std::fs::read(hospital.people().join("charter.cbor")).unwrap();
    let cut = file("cut", &charter[..charter.len() / 2]);
    let other = file("other", b"PNG");
    let mut changed = charter.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let changed = file("changed", &changed);
    let roster = hospital
        .people()
        .join("roster.cbor")
        .to_string_lossy()
        .into_owned();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let empty = empty.to_string_lossy().into_owned();
    for (arguments, code, text) in [
        (&["site", "add", "../x"][..], 2, "must consist of"),
        (&["site", "add", "main"], 4, "main"),
        (
            &[
                "unit", "add", "ward", "--site", "nowhere", "--class", "standard",
            ],
            3,
            "nowhere",
        ),
        (
            &["unit", "add", "ward", "--site", "main", "--class", "urgent"],
            2,
            "standard, critical",
        ),
        (&["unit", "remove", "nothing"], 3, "nothing"),
        (
            &["token", "new", "t", "--unit", "icu", "--uses", "0"],
            2,
            "uses",
        ),
        (&["machine", "show", "nobody"], 3, "machine list"),
        (&["machine", "accept", "nobody"], 3, "machine waiting"),
        (&["document", "add", "/nowhere"], 2, "No such file"),
        (
            &["document", "add", &cut],
            2,
            "is no file of patchward-sign",
        ),
        (
            &["document", "add", &other],
            2,
            "is no file of patchward-sign",
        ),
        (&["document", "add", &changed], 4, "charter"),
        (&["document", "add", &roster], 4, "higher than 1"),
        (&["release", "import", "acme", &empty], 2, "1.root.json"),
        (&["release", "import", "other", &empty], 3, "vendor list"),
        (&["release", "show", "viewer", "9"], 3, "release list"),
        (
            &[
                "window",
                "add",
                "w",
                "--unit",
                "icu",
                "--cron",
                "0 2 31 2 *",
                "--zone",
                "UTC",
                "--minutes",
                "60",
            ],
            2,
            "never",
        ),
        (
            &[
                "window",
                "add",
                "w",
                "--unit",
                "icu",
                "--cron",
                "0 2 * * Tue",
                "--zone",
                "Europe/Berlim",
                "--minutes",
                "60",
            ],
            2,
            "Europe/Berlin",
        ),
        (
            &["window", "once", "w", "--unit", "icu", "--minutes", "1440"],
            2,
            "1439",
        ),
        (
            &[
                "freeze",
                "add",
                "f",
                "--until",
                "2020-01-01T00:00:00Z",
                "--reason",
                "r",
            ],
            2,
            "after it begins",
        ),
        (
            &["plan", "new", "P", "--release", "viewer", "--unit", "icu"],
            2,
            "PRODUCT=VERSION",
        ),
        (
            &["plan", "new", "P", "--release", "viewer=9", "--unit", "icu"],
            3,
            "no release 9",
        ),
        (&["plan", "show", "123"], 2, "at least 6 digits"),
        (&["plan", "sign", &cut], 2, "cut"),
        (&["stop", "now", "--reason", "r"], 2, "required"),
        (
            &["stop", "now", "--all", "--unit", "icu", "--reason", "r"],
            2,
            "cannot be used",
        ),
    ] {
        refused(&hospital, arguments, code, text);
    }
}

#[test]
fn init_and_serve_say_what_is_in_the_way_and_leave_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found(folder.path(), &["icu"], &["viewer"]).unwrap();
    let there = hospital.collector_folder();
    let init = ["init", "--address", "127.0.0.1:1"];
    ends(&there, &["serve"], 5, "another collector listens");
    ends(&there, &init, 4, "is not empty");
    hospital.stop_collector().unwrap();
    let settings = there.join("collector.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        std::fs::write(&settings, text.replace(from, to)).unwrap();
    };
    with("listen", "listn");
    ends(&there, &["serve"], 2, "did you mean \"listen\"");
    with("pace_seconds = 1", "pace_seconds = 0");
    ends(&there, &["serve"], 2, "pace_seconds is 0");
    with("name = \"collector\"", "name = \"other\"");
    ends(
        &there,
        &["serve"],
        4,
        "belongs to the collector \"collector\"",
    );
    std::fs::write(&settings, "listen = \"127.0.0.1:1\"").unwrap();
    ends(&there, &["serve"], 2, "addresses is empty");
    let blocker = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = blocker.local_addr().unwrap().port();
    let taken = format!("listen = \"127.0.0.1:{port}\"\naddresses = [\"127.0.0.1:{port}\"]\n");
    std::fs::write(&settings, taken).unwrap();
    let text_taken = format!("cannot listen on UDP 127.0.0.1:{port}");
    ends(&there, &["serve"], 5, &text_taken);
    // A database that is gone is not replaced by one that knows of no stop.
    std::fs::write(&settings, &text).unwrap();
    let away = folder.path().join("away");
    std::fs::rename(there.join("collector.sqlite"), &away).unwrap();
    ends(&there, &["serve"], 3, "restore a backup");
    std::fs::rename(&away, there.join("collector.sqlite")).unwrap();
    let why = "systemctl start patchward-collector";
    ends(&there, &["site", "list"], 5, why);
    let none = folder.path().join("none");
    ends(&none, &["site", "list"], 5, "patchward-collector init");
    hospital.start_collector().unwrap();
}

#[test]
fn an_init_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    let init = ["init", "--address", "c.example:9443"];
    let with = |more: &[&'static str]| [&init[..], more].concat();
    ends(&new, &with(&["--database", "mysql://x"]), 2, "postgres://");
    let nobody = "postgres:///x?host=/nowhere&user=x";
    ends(&new, &with(&["--database", nobody]), 5, "cannot be reached");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    ends(
        &empty,
        &with(&["--database", nobody]),
        5,
        "cannot be reached",
    );
    ends(&new, &["serve"], 3, "is no collector's folder");
    for bad in ["c.example", "c.example:0", ":9443"] {
        let output = ask_in(&new, &["init", "--address", bad]);
        assert_eq!(output.status.code(), Some(2), "{bad}");
    }
    let output = ask_in(&new, &with(&["--pace-seconds", "0"]));
    assert_eq!(output.status.code(), Some(2));
    let output = ask_in(&new, &with(&["--json"]));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["collector"], "collector");
    assert!(said["go_key"].as_str().unwrap().len() > 20, "{said}");
}
