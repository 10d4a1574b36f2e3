//! What stands on the disk beside key and watermark, read when an installer begins.

use super::{OpenError, Ward, papers};
use crate::drive::Record;
use crate::format;
use crate::journal::Journal;
use crate::pin;
use crate::watermark::Kept;
use ed25519_dalek::SigningKey;
use patchward_common::id::JobId;
use patchward_common::trust::papers::Papers;
use patchward_steps::disk::{Disk, DiskError};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;

/// What was read.
pub(super) struct Standing {
    pub(super) journal: Journal,
    pub(super) papers: Papers,
    pub(super) ward: Ward,
    /// The job that is under way.
    pub(super) open: Option<Record>,
    /// Jobs with a start record whose start never became durable.
    pub(super) never_begun: Vec<JobId>,
}

impl Standing {
    /// Reads all of it and changes nothing.
    pub(super) fn read(disk: &Disk, key: &SigningKey) -> Result<Self, OpenError> {
        let journal = Journal::load(disk, key.clone())?;
        let papers = papers::load(disk)?;
        let ward = Ward::load(disk)?;
        let (mut open, mut never_begun) = (None, Vec::new());
        for record in Record::load_all(disk)? {
            match record.phase(journal.events(record.job)) {
                Some(_) => open = Some(record),
                None => never_begun.push(record.job),
            }
        }
        Ok(Self {
            journal,
            papers,
            ward,
            open,
            never_begun,
        })
    }
}

/// Reads everything that an installer needs to go on here, changes nothing, and says what
/// job is under way. Another installer may be at work meanwhile.
///
/// # Errors
/// What this program would refuse everything for.
pub fn reads(disk: &Disk) -> Result<Option<JobId>, OpenError> {
    format::check(disk)?;
    let (key, _) = pin::load(disk)?;
    Kept::read(disk)?;
    let standing = Standing::read(disk, &key)?;
    Ok(standing.open.map(|record| record.job))
}

/// The one who works on a folder.
pub(super) fn lock(disk: &Disk) -> Result<File, OpenError> {
    let path = disk.path("lock");
    let file = File::create(&path).map_err(DiskError::of("open", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(OpenError::Busy(disk.path(""))),
    }
}
