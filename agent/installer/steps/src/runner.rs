//! Running the steps of a job so that they outlive an installer that crashes.
//!
//! A step is run by a small supervisor, a subcommand of this program: as a transient
//! unit of systemd or as a plain child. The supervisor holds a lock while it runs,
//! writes that it began, and writes the result, each durably. So whoever asks later
//! gets a true answer, and no step is ever run twice: the supervisor itself refuses.

use crate::clock;
use crate::command::{self, tail};
use crate::disk::{Disk, DiskError};
use crate::own;
use patchward_common::codec;
use patchward_common::id::JobId;
use patchward_common::job::{StepEnd, StepOutcome};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Most bytes of a step's output that are kept: its last lines.
const MAX_OUTPUT_BYTES: usize = 4 * 1024;
/// Largest output on disk before it is cut: a step that prints without end must not
/// fill the disk.
const MAX_OUTPUT_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// How often the size of the output is looked at.
const LOOK_MS: i64 = 1_000;
/// Largest file of a step: the words of one command.
const MAX_STEP_BYTES: usize = 1024 * 1024;

/// What runs the steps of an install.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerKind {
    /// Transient units of systemd.
    Systemd,
    /// Plain child processes, where there is no systemd.
    Child,
}

/// What the supervisor is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Its environment beside the usual.
    pub env: Vec<(String, String)>,
    /// Longest run in milliseconds.
    pub limit_ms: i64,
}

/// Where a step stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It never began.
    Ready,
    /// Its supervisor lives.
    Runs,
    /// It ended.
    Ended(StepEnd),
    /// It began, and its supervisor is gone without a result.
    Lost,
}

/// What runs steps.
#[derive(Clone, Debug)]
pub struct Runner {
    kind: RunnerKind,
    program: PathBuf,
    disk: Disk,
}

impl Runner {
    /// Runs steps with `program` as supervisor.
    pub fn new(kind: RunnerKind, program: PathBuf, disk: Disk) -> Self {
        Self {
            kind,
            program,
            disk,
        }
    }

    /// Asks where a step stands.
    pub fn stands(&self, job: JobId, step: &str) -> Result<Stands, DiskError> {
        let base = folder(job, step);
        let lock = self.disk.path(&format!("{base}.lock"));
        // The lock before the result: a supervisor writes its result and then goes.
        if let Ok(file) = File::open(&lock)
            && flock(&file, FlockOperation::NonBlockingLockShared).is_err()
        {
            return Ok(Stands::Runs);
        }
        let result = self.disk.read(&format!("{base}.result"), MAX_STEP_BYTES)?;
        if let Some(end) = result.and_then(|bytes| codec::decode(&bytes, MAX_STEP_BYTES).ok()) {
            return Ok(Stands::Ended(end));
        }
        match self.disk.read(&format!("{base}.began"), MAX_STEP_BYTES)? {
            Some(_) => Ok(Stands::Lost),
            None => Ok(Stands::Ready),
        }
    }

    /// Starts a step that is ready, and waits for its end.
    pub fn run(&self, job: JobId, step: &str, order: &Order) -> Result<(), DiskError> {
        let base = folder(job, step);
        self.disk.make_folder(&format!("jobs/{job}/steps"))?;
        self.disk
            .write(&format!("{base}.order"), &codec::encode(order))?;
        let argv = self.supervisor(job, step, &base);
        let lock = self.disk.path(&format!("{base}.lock"));
        let Some(mut command) = command::program(&argv) else {
            return Ok(());
        };
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command
            .spawn()
            .map_err(DiskError::of("start the supervisor of", &lock))?;
        child
            .wait()
            .map_err(DiskError::of("wait for the supervisor of", &lock))?;
        Ok(())
    }

    /// Waits until the supervisor of a running step is gone.
    pub fn wait(&self, job: JobId, step: &str) -> Result<(), DiskError> {
        let path = self.disk.path(&format!("{}.lock", folder(job, step)));
        let file = File::open(&path).map_err(DiskError::of("open", &path))?;
        while let Err(error) = flock(&file, FlockOperation::LockShared) {
            if error != rustix::io::Errno::INTR {
                return Err(DiskError::of("wait for", &path)(error.into()));
            }
        }
        Ok(())
    }

    fn supervisor(&self, job: JobId, step: &str, base: &str) -> Vec<String> {
        let program = own::image(&self.program).to_string_lossy().into_owned();
        let state = self.disk.path("").to_string_lossy().into_owned();
        let own = [program, "step".to_owned(), state, base.to_owned()];
        let unit = [
            "systemd-run".to_owned(),
            format!("--unit=patchward-job-{job}-{step}"),
            "--quiet".to_owned(),
            "--collect".to_owned(),
            "--wait".to_owned(),
            // A daemon that a package starts lives on.
            "--property=KillMode=process".to_owned(),
            "--".to_owned(),
        ];
        match self.kind {
            RunnerKind::Child => own.to_vec(),
            RunnerKind::Systemd => [&unit[..], &own].concat(),
        }
    }
}

fn folder(job: JobId, step: &str) -> String {
    format!("jobs/{job}/steps/{step}")
}

/// The supervisor: runs the order that lies at `base` in the folder `state`, once.
pub fn supervise(disk: &Disk, base: &str) -> Result<(), DiskError> {
    let path = disk.path(&format!("{base}.lock"));
    let lock = open_for_writing(&path)?;
    let taken = flock(&lock, FlockOperation::NonBlockingLockExclusive);
    let began = disk.read(&format!("{base}.began"), 1)?;
    let order = disk.read(&format!("{base}.order"), MAX_STEP_BYTES)?;
    let order = order.and_then(|bytes| codec::decode::<Order>(&bytes, MAX_STEP_BYTES).ok());
    let (Ok(()), None, Some(order)) = (taken, began, order) else {
        return Ok(()); // Another supervisor has it, or it was begun before: never twice.
    };
    disk.write(&format!("{base}.began"), b"")?;
    let output = disk.path(&format!("{base}.output"));
    let outcome = execute(&order, &output)?;
    let written = std::fs::read(&output).map_err(DiskError::of("read", &output))?;
    let end = StepEnd {
        step: base.rsplit('/').next().unwrap_or(base).to_owned(),
        outcome,
        output: tail(&written, MAX_OUTPUT_BYTES),
    };
    disk.write(&format!("{base}.result"), &codec::encode(&end))
}

fn execute(order: &Order, output: &Path) -> Result<StepOutcome, DiskError> {
    let file = open_for_writing(output)?;
    let both = file.try_clone().map_err(DiskError::of("open", output))?;
    let Some(mut command) = command::program(&order.argv) else {
        return Ok(StepOutcome::Failed(-1));
    };
    // A file, not a pipe: a daemon that keeps it must not die of a reader that is gone.
    command.envs(order.env.iter().cloned()).stdout(both);
    command.stderr(file.try_clone().map_err(DiskError::of("open", output))?);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let text = format!("{}: {error}", order.argv.join(" "));
            std::fs::write(output, text).map_err(DiskError::of("write", output))?;
            return Ok(StepOutcome::Failed(-1));
        }
    };
    let deadline = clock::boot_ms().saturating_add(order.limit_ms);
    loop {
        let until = deadline.min(clock::boot_ms().saturating_add(LOOK_MS));
        let ended = command::wait(&mut child, until).map_err(DiskError::of("watch", output))?;
        if let Some(status) = ended {
            return Ok(match status.code() {
                Some(0) => StepOutcome::Succeeded,
                code => StepOutcome::Failed(code.unwrap_or(-1)),
            });
        }
        if clock::boot_ms() >= deadline {
            command::end_group(&mut child);
            return Ok(StepOutcome::TimedOut);
        }
        if file
            .metadata()
            .is_ok_and(|file| file.size() > MAX_OUTPUT_FILE_BYTES)
        {
            file.set_len(0).map_err(DiskError::of("cut", output))?;
        }
    }
}

fn open_for_writing(path: &Path) -> Result<File, DiskError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(DiskError::of("open", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: JobId = JobId([1; 16]);

    fn disk() -> (tempfile::TempDir, Disk, Runner) {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), |_| {}).unwrap();
        disk.make_folder(&format!("jobs/{JOB}/steps")).unwrap();
        let runner = Runner::new(RunnerKind::Child, "/bin/false".into(), disk.clone());
        (folder, disk, runner)
    }

    fn supervised(script: &str, limit_ms: i64) -> Stands {
        let (_folder, disk, runner) = disk();
        let order = Order {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec![("WORD".to_owned(), "said".to_owned())],
            limit_ms,
        };
        let base = folder(JOB, "a");
        disk.write(&format!("{base}.order"), &codec::encode(&order))
            .unwrap();
        supervise(&disk, &base).unwrap();
        let first = runner.stands(JOB, "a").unwrap();
        // A second supervisor runs nothing.
        disk.write(&format!("{base}.order"), b"").unwrap();
        supervise(&disk, &base).unwrap();
        assert_eq!(runner.stands(JOB, "a").unwrap(), first);
        first
    }

    #[test]
    fn a_step_ends_with_its_code_and_last_lines() {
        let end = |outcome, output: &str| {
            Stands::Ended(StepEnd {
                step: "a".to_owned(),
                outcome,
                output: output.to_owned(),
            })
        };
        assert_eq!(
            supervised("echo $WORD", 20_000),
            end(StepOutcome::Succeeded, "said")
        );
        assert_eq!(
            supervised("echo no >&2; exit 4", 20_000),
            end(StepOutcome::Failed(4), "no")
        );
        assert_eq!(
            supervised("echo so far; sleep 1000", 50),
            end(StepOutcome::TimedOut, "so far")
        );
        let Stands::Ended(long) = supervised("yes 123456789 | head -n 10000", 20_000) else {
            panic!("it did not end");
        };
        assert!(long.output.len() <= MAX_OUTPUT_BYTES);
    }

    #[test]
    fn a_step_is_ready_running_or_lost() {
        let (_folder, disk, runner) = disk();
        let base = folder(JOB, "a");
        assert_eq!(runner.stands(JOB, "a").unwrap(), Stands::Ready);
        let lock = open_for_writing(&disk.path(&format!("{base}.lock"))).unwrap();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        disk.write(&format!("{base}.began"), b"").unwrap();
        assert_eq!(runner.stands(JOB, "a").unwrap(), Stands::Runs);
        drop(lock);
        assert_eq!(runner.stands(JOB, "a").unwrap(), Stands::Lost);
        runner.wait(JOB, "a").unwrap();
    }

    #[test]
    fn a_supervisor_whose_lock_is_taken_runs_nothing() {
        let (_folder, disk, _runner) = disk();
        let base = folder(JOB, "a");
        let lock = open_for_writing(&disk.path(&format!("{base}.lock"))).unwrap();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        supervise(&disk, &base).unwrap();
        assert_eq!(disk.read(&format!("{base}.began"), 1).unwrap(), None);
    }
}
