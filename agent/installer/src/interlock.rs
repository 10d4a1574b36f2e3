//! Step 11: may this machine be disturbed now? The strictest of its probes says so.

use crate::clock;
use patchward_common::probe::{self, Kind, Probe, Purpose, Ran, logind};
use patchward_common::trust::check::Interlock;
use patchward_steps::command::{self, Caller, Limits};
use patchward_steps::trusted;
use rustix::fs::{FlockOperation, fcntl_lock, flock};
use serde_json::Value;
use std::fs::File;
use std::path::Path;

/// Largest answer of logind: some hundred sessions.
const LOGIND: Limits = Limits {
    run_ms: 3_000,
    output_bytes: 256 * 1024,
};

/// How the machine is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The machine's probes.
    pub folder: &'a Path,
    /// Who programs run as, and where.
    pub caller: Caller,
    /// Whether a handover covers the job now.
    pub handed_over: bool,
    /// Whether the application was stopped by us: probes that need it are left out.
    pub after_our_stop: bool,
}

/// Asks every interlock probe. None configured, or one that cannot be read, is unknown.
pub fn measure(asking: Asking<'_>) -> Interlock {
    let probes = match trusted::probes(asking.folder) {
        Ok(probes) => probes,
        Err(error) => return Interlock::Unknown(error.to_string()),
    };
    let counts = |probe: &&Probe| probe.purpose == Purpose::Interlock;
    if !probes.iter().any(|probe| counts(&probe)) {
        return Interlock::Unknown("this machine has no interlock probe".to_owned());
    }
    let asked = probes
        .iter()
        .filter(counts)
        .filter(|probe| !(probe.needs_app && asking.after_our_stop));
    asked
        .map(|probe| ask(probe, asking))
        .max()
        .unwrap_or(Interlock::Idle)
}

fn ask(probe: &Probe, asking: Asking<'_>) -> Interlock {
    match &probe.kind {
        Kind::Command { .. } | Kind::File { .. } => {
            probe::interlock(&probe.name, &trusted::ask(probe, asking.caller))
        }
        Kind::FileLock { path } => probe::is_held(&probe.name, is_locked(Path::new(path))),
        Kind::Logind {
            idle_minutes,
            kiosk_users,
        } => logind::interlock(
            &probe.name,
            i64::from(*idle_minutes),
            kiosk_users,
            clock::now(),
            busctl,
        ),
        Kind::Handover if asking.handed_over => Interlock::Idle,
        Kind::Handover => Interlock::InUse(format!("{}: not handed over", probe.name)),
    }
}

/// Whether anybody holds a lock of either sort on the file.
fn is_locked(path: &Path) -> Result<bool, String> {
    // Only read: the file may lie where our sandbox does not let us write. A shared lock of
    // the second sort is all that such a file admits, and is refused while somebody writes.
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    for taken in [
        flock(&file, FlockOperation::NonBlockingLockExclusive),
        fcntl_lock(&file, FlockOperation::NonBlockingLockShared),
    ] {
        match taken {
            Ok(()) => {}
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => return Ok(true),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
    }
    Ok(false)
}

/// Asks logind one question, in the words of `busctl`.
fn busctl(words: &[&str]) -> Result<Value, String> {
    let argv = [&["busctl", "--system", "--json=short"], words].concat();
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    answer(command::run(&argv, Caller::SELF, LOGIND))
}

fn answer(ran: Ran) -> Result<Value, String> {
    match ran {
        Ran::Exited {
            status: Some(0),
            output,
            ..
        } => serde_json::from_slice(&output).map_err(|error| format!("logind said {error}")),
        _ => Err("logind does not answer".to_owned()),
    }
}

#[cfg(test)]
mod tests;
