//! The journal: job events, signed by the machine's key, chained by hash, one file each.
//!
//! An event is the commit point of whatever it reports: it is durable before anything
//! acts on it, and after a crash everything is rebuilt from what stands here.

use ed25519_dalek::SigningKey;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId};
use patchward_common::job::{Event, History, JobEvent, State};
use patchward_common::time::UtcMs;
use patchward_common::trust::sign::{Document as _, PublicKey, Signed};
use patchward_common::wire::local::MAX_JOURNAL_EVENTS;
use patchward_steps::disk::{Disk, DiskError};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

const FOLDER: &str = "journal";
/// Largest file: an event with one signature.
const MAX_FILE_BYTES: usize = JobEvent::MAX_BYTES + 1_024;
/// Most bytes of one answer; half of what an answer may have.
const MAX_BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Most events of one job that only say why it does not start. An agent that asks
/// again and again must not fill the disk.
const MAX_WAITING_EVENTS: usize = 1_000;

/// The journal, open for appending.
pub struct Journal {
    disk: Disk,
    key: SigningKey,
    machine: MachineId,
    last: u64,
    previous: Digest,
    jobs: BTreeMap<JobId, History>,
}

/// Why the journal cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum BadJournal {
    /// An event is missing, torn or not of this machine.
    #[error(
        "event {0} of the journal is missing or damaged, so what happened here cannot be told; \
         call IT, and enrol this machine anew once the evidence is saved"
    )]
    Damaged(u64),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Journal {
    /// Reads and checks all of it.
    pub fn load(disk: &Disk, key: SigningKey) -> Result<Self, BadJournal> {
        disk.make_folder(FOLDER)?;
        let public = PublicKey::of(&key);
        let mut journal = Self {
            disk: disk.clone(),
            machine: MachineId(public.id().0),
            key,
            last: 0,
            previous: Digest::default(),
            jobs: BTreeMap::new(),
        };
        for name in disk.names(FOLDER)? {
            let at = journal.last + 1;
            if name != file_name(at) {
                return Err(BadJournal::Damaged(at));
            }
            let bytes = journal.bytes(at)?.ok_or(BadJournal::Damaged(at))?;
            let signed: Signed<JobEvent> =
                codec::decode(&bytes, MAX_FILE_BYTES).map_err(|_| BadJournal::Damaged(at))?;
            let event = signed
                .verify([&public])
                .map_err(|_| BadJournal::Damaged(at))?;
            if event.sequence != at || event.previous != journal.previous {
                return Err(BadJournal::Damaged(at));
            }
            journal.take(event.digest(), event.into_document());
        }
        Ok(journal)
    }

    /// The newest event's sequence; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// What is known of a job.
    pub fn job(&self, job: JobId) -> Option<&History> {
        self.jobs.get(&job)
    }

    /// A job's events with their sequence and time.
    pub fn events(&self, job: JobId) -> &[(u64, UtcMs, Event)] {
        self.job(job).map_or(&[], |history| &history.events)
    }

    /// Signs an event and makes it durable.
    pub fn append(
        &mut self,
        job: JobId,
        approval: Digest,
        at: UtcMs,
        event: Event,
    ) -> Result<(), DiskError> {
        let event = JobEvent {
            machine: self.machine,
            sequence: self.last + 1,
            previous: self.previous,
            at,
            job,
            approval,
            event,
        };
        let signed = Signed::new(&event, &self.key);
        let name = format!("{FOLDER}/{}", file_name(event.sequence));
        self.disk.write_value(&name, &signed, MAX_FILE_BYTES)?;
        tracing::info!(%job, plan = %approval, event = event.event.word(), "job");
        self.take(signed.digest(), event);
        Ok(())
    }

    /// Appends what only says why a job waits, unless that was the last thing said or
    /// too much was said already.
    pub fn note(
        &mut self,
        job: JobId,
        approval: Digest,
        at: UtcMs,
        event: Event,
    ) -> Result<(), DiskError> {
        let said = self.events(job);
        let is_news = said.last().is_none_or(|(_, _, newest)| *newest != event);
        let state = self.job(job).map_or(&State::Assigned, |told| &told.state);
        if is_news && said.len() < MAX_WAITING_EVENTS && state.after(&event).is_ok() {
            self.append(job, approval, at, event)?;
        }
        Ok(())
    }

    /// Signed events after `sequence`, oldest first, as many as one answer holds.
    pub fn after(&self, sequence: u64) -> Result<Vec<ByteBuf>, BadJournal> {
        let mut events = Vec::new();
        let mut held = 0;
        let first = sequence.saturating_add(1);
        for at in (first..=self.last).take(MAX_JOURNAL_EVENTS) {
            let bytes = self.bytes(at)?.ok_or(BadJournal::Damaged(at))?;
            held += bytes.len();
            if held > MAX_BATCH_BYTES {
                break;
            }
            events.push(ByteBuf::from(bytes));
        }
        Ok(events)
    }

    fn bytes(&self, at: u64) -> Result<Option<Vec<u8>>, DiskError> {
        let name = format!("{FOLDER}/{}", file_name(at));
        self.disk.read(&name, MAX_FILE_BYTES)
    }

    fn take(&mut self, digest: Digest, event: JobEvent) {
        self.last = event.sequence;
        self.previous = digest;
        let history = self.jobs.entry(event.job).or_default();
        if let Err(error) = history.take(event.sequence, event.at, event.event) {
            tracing::error!(job = %event.job, %error, "unexpected event");
        }
    }
}

fn file_name(sequence: u64) -> String {
    format!("{sequence:020}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::job::Reason;

    const JOB: JobId = JobId([7; 16]);
    const APPROVAL: Digest = Digest([8; 32]);

    fn open(disk: &Disk) -> Result<Journal, BadJournal> {
        Journal::load(disk, SigningKey::from_bytes(&[1; 32]))
    }

    fn filled() -> (tempfile::TempDir, Disk) {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), |_| {}).unwrap();
        let mut journal = open(&disk).unwrap();
        for at in 1..=3 {
            let event = Event::Refused(Reason::new(format!("reason {at}")).into());
            journal.append(JOB, APPROVAL, UtcMs(at), event).unwrap();
        }
        (folder, disk)
    }

    #[test]
    fn events_are_chained_and_read_again() {
        let (_folder, disk) = filled();
        let journal = open(&disk).unwrap();
        assert_eq!(journal.last(), 3);
        assert_eq!(journal.job(JOB).unwrap().state.word(), "deferred");
        assert_eq!(journal.after(1).unwrap().len(), 2);
        assert!(journal.after(u64::MAX).unwrap().is_empty());
        let key = PublicKey::of(&SigningKey::from_bytes(&[1; 32]));
        let mut previous = Digest::default();
        for bytes in journal.after(0).unwrap() {
            let signed: Signed<JobEvent> = codec::decode(&bytes, MAX_FILE_BYTES).unwrap();
            assert_eq!(signed.verify([&key]).unwrap().previous, previous);
            previous = signed.digest();
        }
    }

    #[test]
    fn a_gap_a_torn_event_and_another_key_are_noticed() {
        let (_folder, disk) = filled();
        let path = disk.path("journal/00000000000000000002");
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(matches!(open(&disk), Err(BadJournal::Damaged(2))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(open(&disk), Err(BadJournal::Damaged(2))));
        std::fs::write(&path, whole).unwrap();
        assert!(open(&disk).is_ok());
        let other = Journal::load(&disk, SigningKey::from_bytes(&[2; 32]));
        assert!(matches!(other, Err(BadJournal::Damaged(1))));
    }

    #[test]
    fn a_leftover_of_a_cut_off_write_means_nothing() {
        let (_folder, disk) = filled();
        std::fs::write(disk.path("journal/00000000000000000004.new"), b"half").unwrap();
        assert_eq!(open(&disk).unwrap().last(), 3);
    }

    #[test]
    fn the_same_refusal_is_noted_once_and_not_without_end() {
        let (_folder, disk) = filled();
        let mut journal = open(&disk).unwrap();
        for text in ["again", "again"] {
            let event = Event::Refused(Reason::new(text).into());
            journal.note(JOB, APPROVAL, UtcMs(9), event).unwrap();
        }
        assert_eq!(journal.last(), 4);
        for at in 0..MAX_WAITING_EVENTS {
            let event = Event::Refused(Reason::new(at.to_string()).into());
            journal.note(JOB, APPROVAL, UtcMs(9), event).unwrap();
        }
        assert_eq!(journal.last(), MAX_WAITING_EVENTS as u64);
    }
}
