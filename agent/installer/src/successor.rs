//! An installer that was replaced by a job of its own: the one that runs judges the one that
//! comes after it, and leaves only once that has shown that it can go on from here.

use crate::config::Settings;
use crate::installer::{self, Installer};
use patchward_common::id::JobId;
use patchward_common::job::CheckResult;
use patchward_steps::command::{self, Limits};
use patchward_steps::disk::Disk;
use patchward_steps::own;
use std::path::PathBuf;

/// What the check is called among a release's own.
pub const CHECK: &str = "installer";
/// What a successor is asked with.
pub const QUESTION: &str = "reads";
/// Longest answer: it reads the whole journal once.
const LIMITS: Limits = Limits {
    run_ms: 60_000,
    output_bytes: 16 * 1024,
};

/// Whether the program that lies where this one was started from can go on with `job`;
/// `None` where it is this very program.
pub fn check(at: &Installer, job: JobId) -> Option<CheckResult> {
    if !own::is_replaced(at.program()) {
        return None;
    }
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    let mut argv = vec![path(at.program().to_owned()), QUESTION.to_owned()];
    if let Some(file) = at.settings.file.clone() {
        argv.extend(["--config".to_owned(), path(file)]);
    }
    let ran = command::run(&argv, at.outside(None), LIMITS);
    let mut result = crate::measure::result(CHECK, &ran);
    if result.passed && result.output != job.to_string() {
        result.passed = false;
        let found = std::mem::take(&mut result.output);
        result.output = format!("it finds another job under way than {job}: {found:?}");
    }
    Some(result)
}

/// What a successor answers: the job that is under way.
///
/// # Errors
/// Where it could not go on from here.
pub fn answer(settings: &Settings) -> anyhow::Result<String> {
    let disk = Disk::open(&settings.state_dir, |_| {})?;
    let open = installer::reads(&disk)?;
    Ok(open.map_or(String::new(), |job| format!("{job}\n")))
}
