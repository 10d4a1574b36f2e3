//! Documents and watermark: what the agent brought, and what it raised.

use super::{Core, Installer};
use crate::clock;
use patchward_common::id::JobId;
use patchward_common::trust::papers::{MAX_PAPERS_BYTES, Papers};
use patchward_common::trust::watermark::Watermark;
use patchward_common::wire::local::{Documents, DocumentsTaken};
use patchward_steps::disk::{Disk, DiskError};

const FILE: &str = "documents";

/// Reads what is kept.
pub(super) fn load(disk: &Disk) -> Result<Papers, DiskError> {
    let kept = disk.read_value(FILE, MAX_PAPERS_BYTES)?;
    Ok(kept.unwrap_or_default())
}

impl Installer {
    /// Watermark and papers as they are now.
    pub fn snapshot(&self) -> (Watermark, Papers) {
        let core = self.core();
        (core.watermark.value().clone(), core.papers.clone())
    }

    /// Changes the watermark, durably.
    pub fn raise(&self, change: impl FnOnce(&mut Watermark)) -> Result<(), DiskError> {
        self.core().watermark.change(change)
    }

    /// Takes documents: they first, then what they raise, so that a crash between the
    /// two leaves documents that are newer than the watermark and verify again.
    pub fn take(&self, documents: Documents) -> Result<DocumentsTaken, DiskError> {
        let mut core = self.core();
        let taken = core
            .papers
            .take(core.watermark.value(), documents, clock::now());
        if taken.papers != core.papers {
            self.disk
                .write_value(FILE, &taken.papers, MAX_PAPERS_BYTES)?;
            core.papers = taken.papers;
            self.sweep(&core)?;
        }
        core.watermark
            .change(|watermark| *watermark = taken.watermark)?;
        Ok(DocumentsTaken {
            watermark: core.watermark.value().digest(),
            refused: taken.refused,
        })
    }

    /// Changes the unsigned stops.
    pub fn stops(&self, change: impl FnOnce(&mut Papers)) -> Result<(), DiskError> {
        let mut core = self.core();
        let mut papers = core.papers.clone();
        change(&mut papers);
        if papers != core.papers {
            self.disk.write_value(FILE, &papers, MAX_PAPERS_BYTES)?;
            core.papers = papers;
        }
        Ok(())
    }

    /// Removes the folders of jobs whose approval is over: what was staged and never
    /// started must not stay for ever.
    fn sweep(&self, core: &Core) -> Result<(), DiskError> {
        for name in self.disk.names("jobs")? {
            let Ok(job) = name.parse::<JobId>() else {
                continue;
            };
            let is_open = core.open.as_ref().is_some_and(|open| open.job == job);
            if !is_open && core.papers.approval(job, self.pin.machine).is_none() {
                self.disk.remove(&format!("jobs/{name}"))?;
            }
        }
        Ok(())
    }
}
