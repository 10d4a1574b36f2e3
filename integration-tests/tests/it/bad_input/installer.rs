//! The installer: its settings, its flags, the place of its socket, a full disk.

use super::{bad_settings, everything, refused, with_little_room};
use patchward_integration_tests::fixture::Hospital;
use patchward_integration_tests::machine::{Machine, now};
use patchward_integration_tests::programs::Program;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

fn installer(settings: &Path) -> Command {
    let mut command = Command::new(Program::Installer.path().unwrap());
    command.arg("--config").arg(settings);
    command
}

#[test]
fn settings() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.toml");
    let refuses = |words: &str| {
        let mut command = installer(&bad);
        refused(
            command.arg("resume"),
            folder.path(),
            1,
            &["bad.toml", words],
        );
    };
    refuses("No such file");
    for (bytes, words) in bad_settings("state_dir") {
        std::fs::write(&bad, bytes).unwrap();
        refuses(words);
    }
    for (line, words) in [
        ("socket = \"../x\"", "socket: \"../x\" must be absolute"),
        ("reboot_argv = []", "must name a program"),
        ("runner = \"docker\"", "unknown variant"),
    ] {
        std::fs::write(&bad, line).unwrap();
        refuses(words);
    }
    std::fs::remove_file(&bad).unwrap();
    std::fs::create_dir(&bad).unwrap();
    refuses("--config FILE");
    std::fs::remove_dir(&bad).unwrap();
    std::os::unix::fs::symlink("bad.toml", &bad).unwrap();
    refuses("symbolic links");
    std::fs::remove_file(&bad).unwrap();
    std::os::unix::fs::symlink("nowhere", &bad).unwrap();
    refuses("No such file");
}

#[test]
fn flags() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("good.toml");
    let state = format!(
        "state_dir = {:?}\nsocket = {:?}\n",
        folder.path().join("state"),
        folder.path().join("socket")
    );
    std::fs::write(&settings, state).unwrap();
    for (arguments, code, words) in [
        (
            &["hold", "--for", "13h", "--reason", "other"][..],
            2,
            "at most 12h",
        ),
        (&["hold", "--reason", "Mr Smith"], 2, "procedure"),
        (&["explain", "../job"], 2, "JOB"),
        (&["handover", &"ab".repeat(16)], 2, "--stand-in"),
        (&["end-hold"], 1, "no installer listens on"),
    ] {
        let mut command = installer(&settings);
        refused(command.args(arguments), folder.path(), code, &[words]);
    }
    let mut command = installer(&settings);
    command.arg("pin").arg(OsStr::from_bytes(b"\xff"));
    refused(&mut command, folder.path(), 2, &["UTF-8"]);
    std::fs::create_dir(folder.path().join("state")).unwrap();
    let good = Hospital::new(1, now()).token().to_text();
    let cut = &good[..good.len() - 1];
    for (token, words) in [
        ("", "copy the whole"),
        (cut, "copy the whole"),
        ("a/b", "copy"),
    ] {
        let mut command = installer(&settings);
        refused(command.args(["pin", token]), folder.path(), 1, &[words]);
    }
}

/// What lies where the socket should be is not the installer's to remove.
#[test]
fn the_place_of_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::new(1, now());
    let program = Program::Installer.path().unwrap();
    let machine = Machine::new(folder.path(), &program, &hospital.token()).unwrap();
    let settings = machine.path("installer.toml");
    let run = |socket: &Path| {
        let mut command = installer(&settings);
        command.arg("run").arg("--socket").arg(socket);
        command
    };
    // What starting makes is made before the folder is compared.
    refused_once(&mut run(Path::new("/nowhere/socket")));
    std::fs::write(machine.path("precious"), "precious").unwrap();
    let words = ["cannot listen on", "precious", "move it away"];
    refused(
        &mut run(&machine.path("precious")),
        folder.path(),
        1,
        &words,
    );
    let _other = UnixListener::bind(machine.path("other")).unwrap();
    let words = [
        "cannot listen on",
        "other",
        "somebody listens there already",
    ];
    refused(&mut run(&machine.path("other")), folder.path(), 1, &words);
    let words = ["cannot listen on /nowhere/socket", "No such file"];
    refused(
        &mut run(Path::new("/nowhere/socket")),
        folder.path(),
        1,
        &words,
    );
}

fn refused_once(command: &mut Command) {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let settings = folder.path().join("good.toml");
    std::fs::write(&settings, format!("state_dir = {state:?}\n")).unwrap();
    std::fs::create_dir(&state).unwrap();
    let token = Hospital::new(1, now()).token().to_text();
    let mut command = with_little_room(Program::Installer, 0);
    command.args(["pin", &token, "--config"]).arg(&settings);
    let words = ["cannot write", "machine.key", "free some space"];
    refused(&mut command, folder.path(), 1, &words);
    assert!(everything(&state).is_empty());
    let mut command = installer(&settings);
    let output = command.args(["pin", &token]).output().unwrap();
    assert!(output.status.success(), "with room it goes: {output:?}");
    // Nowhere to say it: the exit code does.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec \"$@\" > /dev/full", "sh"]);
    command
        .arg(Program::Installer.path().unwrap())
        .arg("--config");
    std::fs::remove_dir_all(&state).unwrap();
    let output = command
        .arg(&settings)
        .args(["pin", &token])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("done, but it cannot be printed"), "{said}");
}
