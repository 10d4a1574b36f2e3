//! What is remembered of a machine.

use crate::fleet::requests::orders::placement::Tables;
use patchward_common::digest::Digest;
use patchward_common::id::{Name, OutboxId};
use patchward_common::job::JobEvent;
use patchward_common::time::UtcMs;
use patchward_common::trust::sign::ReadyKey;
use patchward_common::wire::machine::Hello;
use std::sync::Arc;

/// What the store knows of a machine.
#[derive(Clone, Debug)]
pub(in crate::fleet) struct Known {
    /// Its installer's key.
    pub(in crate::fleet) key: Arc<ReadyKey<JobEvent>>,
    /// Its care area.
    pub(in crate::fleet) unit: Name,
    /// Whether two machines seem to have its identity.
    pub(in crate::fleet) is_suspect: bool,
    /// The digest of its components; zeros for none.
    pub(in crate::fleet) set: Digest,
    /// What it said last; `None` before its first hello.
    pub(in crate::fleet) said: Option<Said>,
    /// How far its journal is stored.
    pub(in crate::fleet) journal: Stored,
    /// The orders that it was given last.
    pub(in crate::fleet) orders: Option<Given>,
    /// The tables that it stands in.
    pub(in crate::fleet) tables: Option<Arc<Tables>>,
}

/// The orders that a machine was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fleet) struct Given {
    /// What all machines had in common then, by its number.
    pub(in crate::fleet) common: u64,
    /// As of which generation of documents.
    pub(in crate::fleet) generation: u64,
    /// As of which generation of tables.
    pub(in crate::fleet) tables: u64,
    /// What names all of them.
    pub(in crate::fleet) digest: Digest,
    /// Of the part that only this machine has.
    pub(in crate::fleet) own: Digest,
}

/// The part of a hello that is stored when it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fleet) struct Said {
    pub(in crate::fleet) hello: Hello,
    /// When it was heard, by the collector's clock; 0 where that was before its start.
    pub(in crate::fleet) at: UtcMs,
    pub(in crate::fleet) installer: String,
}

/// How far a machine's journal is stored, as far as that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fleet) enum Stored {
    /// The store has to be asked.
    Unread,
    /// Nothing of any outbox is.
    Nothing,
    /// An outbox is up to here.
    UpTo(JournalEnd),
}

impl Stored {
    /// The end of an outbox, where it is remembered.
    pub(in crate::fleet) fn end_of(self, outbox: OutboxId) -> Option<JournalEnd> {
        match self {
            Self::Unread => None,
            Self::Nothing => Some(JournalEnd {
                outbox,
                sequence: 0,
                digest: Digest::default(),
            }),
            Self::UpTo(end) => (end.outbox == outbox).then_some(end),
        }
    }
}

/// The end of a machine's stored journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fleet) struct JournalEnd {
    /// The outbox that it came from.
    pub(in crate::fleet) outbox: OutboxId,
    /// The highest sequence without a gap before it.
    pub(in crate::fleet) sequence: u64,
    /// The digest of that event; zeros for none.
    pub(in crate::fleet) digest: Digest,
}
