//! The plans that a person has signed, kept until they expire.
//!
//! That at most so many members of a coverage group are worked on at once holds by
//! signature only over the plans that are checked together. Which ones stand beside a
//! plan is the collector's word; what its signer signed before is his own.

use crate::Failure;
use crate::file::{self, Access};
use crate::key::Key;
use patchward_common::plan::{MAX_FILE_BYTES, PLAN_FORMAT, PlanFile, Table, file as plan_file};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, MAX_APPROVAL_LIFE_MS};
use std::fs;
use std::path::{Path, PathBuf};

/// The format of a kept plan: the approval and its leaves, without what it was judged by.
const FORMAT: &str = "patchward/signed-plan.1";
/// How the names of kept plans end; whatever else lies in the folder is not touched.
const ENDING: &str = "plan";
/// Most files of one folder: several plans a day for the longest life of one.
const MAX_KEPT: usize = 1_024;
/// How long after its expiry a plan is still kept: a signer's clock that runs ahead must
/// not make it forget.
const KEPT_AFTER_MS: i64 = MAX_APPROVAL_LIFE_MS;

/// Where the plans are kept.
pub(crate) struct Memory {
    folders: Vec<PathBuf>,
}

impl Memory {
    /// The folder that was given, or one beside each key file.
    pub(crate) fn of(keys: &[Key], given: Option<&Path>) -> Self {
        let beside = |key: &Key| {
            let mut name = key.path.clone().into_os_string();
            name.push(".signed");
            PathBuf::from(name)
        };
        let folders = match given {
            Some(folder) => vec![folder.to_owned()],
            None => keys.iter().map(beside).collect(),
        };
        Self { folders }
    }

    /// Every kept plan that has not expired at `now`. One that cannot be read is an
    /// error: it may be the very plan that this one must not meet.
    pub(crate) fn unexpired(&self, now: UtcMs) -> Result<Vec<Table<Approval>>, Failure> {
        let mut plans: Vec<Table<Approval>> = Vec::new();
        for path in self.files()? {
            let (plan, expires) = read(&path)?;
            let digest = plan.signed.digest();
            let known = plans.iter().any(|one| one.signed.digest() == digest);
            if now < expires && !known {
                plans.push(plan);
            }
        }
        Ok(plans)
    }

    /// Keeps a plan, before its signature leaves this program. Plans that expired long
    /// ago make room.
    pub(crate) fn keep(&self, plan: &Table<Approval>, now: UtcMs) -> Result<(), Failure> {
        for path in self.files()? {
            let (_, expires) = read(&path)?;
            if expires.plus_ms(KEPT_AFTER_MS) < now {
                fs::remove_file(&path).map_err(|error| not_kept(&path, &error))?;
            }
        }
        let bytes = plan_file::to_bytes(FORMAT, plan);
        for folder in &self.folders {
            fs::create_dir_all(folder).map_err(|error| not_kept(folder, &error))?;
            let path = folder.join(format!("{}.{ENDING}", plan.signed.digest()));
            // Two people may share a folder: one approval has one content.
            if !path.exists() {
                file::write(&path, &bytes, Access::Owner, None)?;
            }
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for folder in self.folders.iter().filter(|folder| folder.exists()) {
            let unreadable = |error: std::io::Error| Failure::Read {
                path: folder.clone(),
                problem: format!("the plans that you signed are kept there: {error}"),
            };
            for entry in fs::read_dir(folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                if path.extension().is_some_and(|ending| ending == ENDING) {
                    files.push(path);
                }
            }
            if files.len() > MAX_KEPT {
                return Err(Failure::Read {
                    path: folder.clone(),
                    problem: format!("more than {MAX_KEPT} plans are kept; move away what expired"),
                });
            }
        }
        files.sort();
        Ok(files)
    }
}

/// A plan that was kept, or that a person names: either form.
pub(crate) fn beside(path: &Path) -> Result<Table<Approval>, Failure> {
    let bytes = file::read(path, MAX_FILE_BYTES)?;
    if plan_file::is(PLAN_FORMAT, &bytes) {
        let plan = PlanFile::from_bytes(&bytes).map_err(|error| damaged(path, &error))?;
        return Ok(plan.plan);
    }
    plan_file::from_bytes(FORMAT, MAX_FILE_BYTES, &bytes).map_err(|error| damaged(path, &error))
}

/// A kept plan and when it expires.
fn read(path: &Path) -> Result<(Table<Approval>, UtcMs), Failure> {
    let bytes = file::read(path, MAX_FILE_BYTES)?;
    let plan: Table<Approval> =
        plan_file::from_bytes(FORMAT, MAX_FILE_BYTES, &bytes).map_err(|e| damaged(path, &e))?;
    let (approval, _) = plan.read().map_err(|error| damaged(path, &error))?;
    Ok((plan, approval.expires))
}

fn damaged(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Content {
        path: path.to_owned(),
        problem: format!(
            "this plan stands beside and cannot be read, so whether two meet cannot be told: {error}"
        ),
    }
}

fn not_kept(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Write {
        path: path.to_owned(),
        problem: format!(
            "a plan is signed only where it is kept; name a folder with --memory: {error}"
        ),
    }
}
