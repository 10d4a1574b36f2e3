//! What is assigned, as it was signed. An assignment never changes, and that of a large hospital has
//! as many rows as machines: it is read and verified once, and kept.

use crate::authority;
use crate::control::Failure;
use crate::store::View;
use crate::store::documents::{Document as Stored, DocumentKind};
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::plan::{AssignmentFile, ReadAssignment};
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf};
use patchward_common::trust::sign::Signed;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The assignments as they were read last.
#[derive(Debug, Default)]
pub struct Assigned(Mutex<Arc<Rows>>);

/// Every row of the assignments that there are, each of them found whole.
#[derive(Debug, Default)]
pub struct Rows {
    tables: Vec<Arc<Kept>>,
    /// Where each machine's newest row is: the table, and the place in it.
    newest: BTreeMap<MachineId, (usize, usize)>,
}

#[derive(Debug)]
struct Kept {
    stored: Stored,
    leaves: Vec<ByteBuf>,
    read: ReadAssignment,
}

/// A machine's newest row.
#[derive(Clone, Copy, Debug)]
pub struct Newest<'a> {
    /// What it says.
    pub row: &'a AssignmentLeaf,
    /// The number of the assignment that it stands in.
    pub number: u64,
    /// Which that is.
    pub assignment: Digest,
}

impl Assigned {
    /// The rows of the assignments that `view` sees.
    pub async fn rows(&self, view: &mut View) -> Result<Arc<Rows>, Failure> {
        let stored = view.numbered_after(DocumentKind::Assignment, 0).await?;
        let is_same = |rows: &Rows| {
            let known = rows.tables.iter().map(|table| table.stored.digest);
            known.eq(stored.iter().map(|one| one.digest))
        };
        let known = self.known();
        if is_same(&known) {
            return Ok(known);
        }
        let read = Arc::new(Rows::read(view, &stored, &known).await?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&read);
        Ok(read)
    }

    fn known(&self) -> Arc<Rows> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Rows {
    /// Those of `known` are not read again.
    async fn read(view: &mut View, stored: &[Stored], known: &Self) -> Result<Self, Failure> {
        let mut tables = Vec::with_capacity(stored.len());
        for one in stored {
            let mut known = known.tables.iter();
            tables.push(
                match known.find(|table| table.stored.digest == one.digest) {
                    Some(table) => Arc::clone(table),
                    None => Arc::new(Kept::read(view, one).await?),
                },
            );
        }
        let newest = newest(tables.iter().map(|table| &table.read));
        Ok(Self { tables, newest })
    }

    /// A machine's newest row, and where it stands.
    pub fn newest(&self, machine: &MachineId) -> Option<Newest<'_>> {
        let (table, place) = self.newest.get(machine)?;
        let table = self.tables.get(*table)?;
        let (assignment, rows) = &table.read;
        Some(Newest {
            row: rows.get(*place)?,
            number: assignment.number,
            assignment: table.stored.digest,
        })
    }

    /// A machine's newest row.
    pub fn row(&self, machine: &MachineId) -> Option<&AssignmentLeaf> {
        self.newest(machine).map(|newest| newest.row)
    }

    /// Each machine's newest row, by machine.
    pub fn all(&self) -> impl Iterator<Item = &AssignmentLeaf> {
        self.newest.keys().filter_map(|machine| self.row(machine))
    }

    /// The assignments, oldest first, with their rows as they were read.
    pub fn tables(&self) -> Vec<&ReadAssignment> {
        self.tables.iter().map(|table| &table.read).collect()
    }

    /// The assignments with the signatures that they have now, in the same order.
    pub async fn signed(&self, view: &mut View) -> Result<Vec<Signed<Assignment>>, Failure> {
        let mut all = Vec::with_capacity(self.tables.len());
        for table in &self.tables {
            all.push(authority::signed(view, table.stored.clone()).await?);
        }
        Ok(all)
    }

    /// The bytes of each one's rows, in the same order.
    pub fn leaves(&self) -> impl Iterator<Item = Vec<ByteBuf>> {
        self.tables.iter().map(|table| table.leaves.clone())
    }
}

impl Kept {
    async fn read(view: &mut View, stored: &Stored) -> Result<Self, Failure> {
        let leaves = view.assignment_leaves(&stored.digest).await?;
        let leaves = leaves.into_iter().map(|(_, leaf)| ByteBuf::from(leaf));
        let file = AssignmentFile {
            signed: Signed::unsigned(stored.payload.clone()),
            leaves: leaves.collect(),
        };
        let read = file
            .read()
            .map_err(|error| Failure::conflict(format!("the assignments: {error}")))?;
        if file.signed.digest() != stored.digest {
            return Err(Failure::conflict(format!(
                "Assignment {} is damaged: its bytes are others. Compare the database with a backup.",
                stored.digest
            )));
        }
        Ok(Self {
            stored: stored.clone(),
            leaves: file.leaves,
            read,
        })
    }
}

/// Where each machine's row of the highest number is.
fn newest<'a>(
    tables: impl Iterator<Item = &'a ReadAssignment>,
) -> BTreeMap<MachineId, (usize, usize)> {
    let mut by_number: Vec<_> = tables.enumerate().collect();
    by_number.sort_by_key(|(_, (assignment, _))| assignment.number);
    let places = by_number.into_iter().flat_map(|(table, (_, rows))| {
        let rows = rows.iter().enumerate();
        rows.map(move |(place, row)| (row.machine, (table, place)))
    });
    places.collect()
}
