//! Revisions of what is written (RFC 5545, 3.8.7): an event that says something else than
//! before has a higher number and says when it changed; one that says the same keeps both, so
//! that a calendar that did not change is the same file.

use super::Entry;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use std::collections::BTreeMap;

/// What was last written of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its id.
    pub uid: String,
    /// What it said.
    pub digest: Digest,
    /// How often it was changed.
    pub sequence: u32,
    /// When it was changed last.
    pub changed_at: UtcMs,
    /// When it is over.
    pub ends_at: UtcMs,
}

/// What an event says, but for its revision.
fn digest(entry: &Entry) -> Digest {
    let said = format!(
        "{}\0{}\0{}\0{}\0{}\0{:?}",
        entry.start.0, entry.end.0, entry.summary, entry.description, entry.location, entry.status
    );
    Digest::of(said.as_bytes())
}

/// Gives every event its revision. Gives back those that are new or have changed, to be kept.
pub fn revise(entries: &mut [Entry], known: Vec<Revision>, now: UtcMs) -> Vec<Revision> {
    let known: BTreeMap<String, Revision> = known
        .into_iter()
        .map(|one| (one.uid.clone(), one))
        .collect();
    let mut fresh = Vec::new();
    for entry in entries {
        let digest = digest(entry);
        let last = known.get(&entry.uid);
        let (sequence, changed) = match last {
            None => (0, entry.changed.min(now)),
            Some(last) if last.digest == digest => (last.sequence, last.changed_at),
            Some(last) => (last.sequence.saturating_add(1), now),
        };
        (entry.sequence, entry.changed) = (sequence, changed);
        if last.is_none_or(|last| last.digest != digest) {
            fresh.push(Revision {
                uid: entry.uid.clone(),
                digest,
                sequence,
                changed_at: changed,
                ends_at: entry.end,
            });
        }
    }
    fresh
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn entry(status: Status) -> Entry {
        Entry {
            uid: "a@patchward".into(),
            sequence: 0,
            changed: UtcMs(5),
            start: UtcMs(100),
            end: UtcMs(200),
            summary: "Viewer".into(),
            description: String::new(),
            location: "icu".into(),
            status,
        }
    }

    #[test]
    fn a_revision_rises_with_what_an_event_says_and_with_nothing_else() {
        let mut entries = [entry(Status::Confirmed)];
        let first = revise(&mut entries, Vec::new(), UtcMs(10));
        assert_eq!((entries[0].sequence, entries[0].changed), (0, UtcMs(5)));
        assert_eq!(first.len(), 1);
        // Whoever made it noted another time: it says the same.
        entries[0].changed = UtcMs(11);
        assert_eq!(revise(&mut entries, first.clone(), UtcMs(12)), []);
        assert_eq!((entries[0].sequence, entries[0].changed), (0, UtcMs(5)));
        let mut entries = [entry(Status::Cancelled)];
        let second = revise(&mut entries, first, UtcMs(20));
        assert_eq!((entries[0].sequence, entries[0].changed), (1, UtcMs(20)));
        let mut entries = [entry(Status::Confirmed)];
        let third = revise(&mut entries, second, UtcMs(30));
        assert_eq!((third[0].sequence, third[0].changed_at), (2, UtcMs(30)));
    }
}
