//! Plans with all their machines, as they were read: a plan never changes once it is made, and of
//! one of a thousand machines every look would read and verify as many rows.

use super::{StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::plan::{ReadPlan, Table, TableError};
use patchward_common::trust::approval::Approval;
use patchward_common::trust::sign::Signed;
use serde_bytes::ByteBuf;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Most machines of all plans that are kept, some 600 bytes each: of a plan for a whole large
/// hospital, or of all that such a one has for its next weeks.
const MOST_MACHINES: usize = 65_536;

/// A plan with its machines, in the bytes that are signed and as they read.
#[derive(Debug)]
pub struct PlanTable {
    id: Digest,
    unsigned: Table<Approval>,
    read: Result<ReadPlan, TableError>,
}

impl PlanTable {
    /// Reads a plan.
    pub fn of(unsigned: Table<Approval>) -> Self {
        Self {
            id: unsigned.signed.digest(),
            read: unsigned.read(),
            unsigned,
        }
    }

    /// The digest of its document.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// What it says, found whole.
    ///
    /// # Errors
    /// Where it is not whole: the database was changed by somebody else.
    pub fn read(&self) -> Result<&ReadPlan, &TableError> {
        self.read.as_ref()
    }

    /// Its bytes, without signatures.
    pub fn unsigned(&self) -> &Table<Approval> {
        &self.unsigned
    }
}

/// The plans that were read, the one that was asked for last at the end.
#[derive(Debug, Default)]
pub(super) struct PlanTables(Mutex<VecDeque<Arc<PlanTable>>>);

impl PlanTables {
    fn of(&self, id: &Digest) -> Option<Arc<PlanTable>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|table| table.id == *id)?;
        let table = kept.remove(at)?;
        kept.push_back(Arc::clone(&table));
        Some(table)
    }

    /// Those that nobody asked for for longest make room.
    fn keep(&self, table: &Arc<PlanTable>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.id != table.id);
        kept.push_back(Arc::clone(table));
        let machines = |table: &Arc<PlanTable>| table.unsigned.leaves.len();
        let mut all: usize = kept.iter().map(machines).sum();
        while all > MOST_MACHINES
            && let Some(oldest) = kept.pop_front()
        {
            all -= machines(&oldest);
        }
    }
}

impl View {
    /// A plan with its machines; `None` where there is no such plan.
    pub async fn plan_table(&mut self, id: &Digest) -> Result<Option<Arc<PlanTable>>, StoreError> {
        if let Some(known) = self.tables.of(id) {
            return Ok(Some(known));
        }
        let Some(payload) = self.plan_payload(id).await? else {
            return Ok(None);
        };
        let leaves = self.leaves(id).await?.into_iter();
        let unsigned = Table {
            signed: Signed::unsigned(payload),
            leaves: leaves.map(|leaf| ByteBuf::from(leaf.bytes)).collect(),
        };
        let table = Arc::new(PlanTable::of(unsigned));
        // One that is damaged is not kept: it may be mended.
        if table.read.is_ok() && table.id == *id {
            self.tables.keep(&table);
        }
        Ok(Some(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(number: u8, machines: usize) -> Arc<PlanTable> {
        Arc::new(PlanTable {
            id: Digest([number; 32]),
            unsigned: Table {
                signed: Signed::unsigned(Vec::new()),
                leaves: vec![ByteBuf::new(); machines],
            },
            read: Err(TableError::Root),
        })
    }

    #[test]
    fn those_that_nobody_asked_for_for_longest_make_room() {
        let kept = PlanTables::default();
        let is_kept = |number| kept.of(&Digest([number; 32])).is_some();
        for number in 1..=3 {
            kept.keep(&table(number, MOST_MACHINES / 3));
        }
        assert!(is_kept(1), "and is the last that was asked for");
        kept.keep(&table(4, 2));
        assert!(!is_kept(2) && is_kept(3) && is_kept(1) && is_kept(4));
        kept.keep(&table(5, MOST_MACHINES));
        assert!(is_kept(5) && !is_kept(4));
        kept.keep(&table(6, MOST_MACHINES + 1));
        assert!(!is_kept(6) && !is_kept(5), "too large for any room");
    }
}
