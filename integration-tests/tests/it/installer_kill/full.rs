//! The disk is full from one write of a job on, whichever it is: the job waits, says so, and
//! goes on where it stood once there is room. Nobody has to come back to it.

use super::cases::{Case, TREE};
use super::{MAX_CHANGES, PROGRAM, Setting};
use patchward_common::job::State;
use patchward_integration_tests::machine::until;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As many at once: each mostly waits until the installer tries again.
const AT_ONCE: usize = 8;
/// What the installer says of its disk, in answers and in its log.
const SAYS: [&str; 3] = [
    "free some space",
    "the job waits for the disk",
    "an event could not be kept",
];

static FULL: Case = Case {
    program: installer,
    is_prepared: true,
    ..TREE
};

/// The killable installer, which finds in files of the machine when its disk is full, and
/// logs through a pipe: its own files do not grow then.
fn installer(folder: &Path) -> PathBuf {
    let path = folder.join("installer");
    let folder = folder.display();
    let script = format!(
        "#!/bin/bash\ntrap '' XFSZ\n\
         export PATCHWARD_FULL_FROM=$(cat {folder}/full-from 2>/dev/null)\n\
         export PATCHWARD_FULL_WHILE={folder}/full\n\
         exec {PROGRAM} \"$@\" 2> >(exec cat >> {folder}/log)\n"
    );
    let text = path.with_extension("sh");
    std::fs::write(&text, script).unwrap();
    // Another process writes the program: a child that a thread beside begins meanwhile has
    // open what this process has, and what is open for writing cannot be run.
    let mut install = Command::new("install");
    let status = install.args(["-m", "755"]).args([&text, &path]).status();
    assert!(status.unwrap().success());
    path
}

/// Runs a job whose n-th write is the first that fails. `false` where it makes fewer.
fn waits_at(write: usize) -> bool {
    let mut setting = Setting::new(&FULL);
    let full = setting.machine.path("full");
    std::fs::write(setting.machine.path("full-from"), write.to_string()).unwrap();
    std::fs::write(&full, "").unwrap();
    assert!(setting.machine.start(None).unwrap());
    let (log, record) = (
        setting.machine.path("log"),
        setting
            .machine
            .path(&format!("state/jobs/{}/start", setting.job)),
    );
    let is_told = |text: &str| SAYS.iter().any(|says| text.contains(says));
    let waits = until("it says that it waits, or is done", || {
        let came = setting.carry_on();
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        match came {
            _ if is_told(&log) => Some(true),
            Err(error) if is_told(&error.to_string()) => Some(true),
            Ok(state) if state.is_final() && !record.exists() => Some(false),
            _ => None,
        }
    })
    .unwrap();
    std::fs::remove_file(&full).unwrap();
    let state = setting.until_settled();
    assert_eq!(state, State::Verified, "full from write {write} on");
    assert!(!setting.died, "it ended at write {write}");
    setting.check(&state);
    waits
}

#[test]
fn a_job_waits_for_a_full_disk_at_every_write() {
    let mut writes = 0;
    loop {
        let next = writes + 1..=writes + AT_ONCE;
        let waited = std::thread::scope(|scope| {
            let runs: Vec<_> = next
                .map(|write| scope.spawn(move || waits_at(write)))
                .collect();
            let waits = runs.into_iter().map(|run| run.join().unwrap());
            waits.filter(|waits| *waits).count()
        });
        writes += waited;
        assert!(writes < MAX_CHANGES, "it never ends");
        if waited < AT_ONCE {
            break;
        }
    }
    // The start record, the order of each step, and five events.
    assert!(writes > 8, "only {writes} writes: who makes the others?");
}
