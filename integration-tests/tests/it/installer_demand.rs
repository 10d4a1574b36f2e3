//! An installer that somebody else listens for: started by the first who knocks, pinned
//! while it runs, and gone when nobody asks.

use patchward_common::codec::encode;
use patchward_common::wire::local::{Answer, Request};
use patchward_installer::config::Settings;
use patchward_installer::installer::Installer;
use patchward_integration_tests::fixture::{Hospital, job_of};
use patchward_integration_tests::machine::{Machine, archive, now};
use patchward_integration_tests::process::{Daemon, run};
use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_killable-installer");

/// Another program writes the copy: a child that another test starts meanwhile could hold open
/// what this one writes, and it could not be started.
fn copy_program(to: &Path) {
    run(Command::new("cp").arg(PROGRAM).arg(to)).unwrap();
}

/// Listens as systemd does, and becomes the installer with the first connection.
fn on_demand(machine: &Machine, program: &Path, idle_seconds: &str) -> Daemon {
    let mut listens = Command::new("systemd-socket-activate");
    listens
        .arg("--listen")
        .arg(machine.path("socket"))
        .arg(program)
        .arg("--config")
        .arg(machine.path("installer.toml"))
        .args(["run", "--idle-seconds", idle_seconds]);
    Daemon::start("installer", &mut listens, &machine.path("installer.log")).unwrap()
}

#[test]
fn who_knocks_starts_it_pins_it_and_leaves_it_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::new(1, now());
    let mut machine = Machine::unpinned(folder.path(), Path::new(PROGRAM)).unwrap();
    let mut daemon = on_demand(&machine, Path::new(PROGRAM), "2");
    let mut why = String::new();
    daemon
        .wait_until("it answers", || match machine.ask(&Request::Identity) {
            Ok(Answer::Error(text)) => {
                why = text;
                true
            }
            _ => false,
        })
        .unwrap();
    assert!(why.contains("patchward-installer pin"), "{why}");
    // Whoever is connected and has not asked yet keeps it.
    let mut slow = UnixStream::connect(machine.path("socket")).unwrap();
    machine.pin(&hospital.token(), None).unwrap();
    // It was nobody's, and looks again when it is asked again.
    let Answer::Identity(identity) = machine.ask(&Request::Identity).unwrap() else {
        panic!("it was pinned meanwhile");
    };
    assert_eq!(identity.machine, machine.id);
    slow.write_all(&encode(&Request::Status)).unwrap();
    slow.shutdown(Shutdown::Write).unwrap();
    daemon.wait_for_end().unwrap();
}

#[test]
fn one_that_was_upgraded_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::new(1, now());
    let machine = Machine::new(folder.path(), Path::new(PROGRAM), &hospital.token()).unwrap();
    let program = folder.path().join("patchward-installer");
    copy_program(&program);
    let mut daemon = on_demand(&machine, &program, "600");
    daemon
        .wait_until("it answers", || machine.status().is_ok())
        .unwrap();
    // As dpkg does it: the new one is written beside it and takes its name.
    let new = program.with_extension("dpkg-new");
    copy_program(&new);
    std::fs::rename(&new, &program).unwrap();
    assert!(machine.status().is_ok());
    daemon.wait_for_end().unwrap();
}

#[test]
fn a_nonce_that_somebody_may_answer_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::new(1, now());
    let mut machine = Machine::new(folder.path(), Path::new(PROGRAM), &hospital.token()).unwrap();
    assert!(machine.start(None).unwrap());
    let row = hospital.row(machine.id);
    let archive = archive(&[("viewer", "1.0")]);
    let approval = hospital.approval(vec![hospital.release("1.0", 1, &archive)]);
    let placed = hospital.approve(&approval, &[hospital.leaf(&row)], &[&hospital.alice]);
    let job = job_of(&placed[0], machine.id);
    let documents = hospital.documents(&row, placed);
    assert_eq!(machine.give(&documents).unwrap(), [""; 0]);
    machine.kill().unwrap();
    let settings = Settings::load(Some(&machine.path("installer.toml"))).unwrap();
    let installer = Installer::open(settings, PROGRAM.into(), |_| {}).unwrap();
    assert!(installer.rests());
    installer.nonce(job).unwrap();
    assert!(!installer.rests());
    installer.take_nonce(job).unwrap();
    assert!(installer.rests());
}
