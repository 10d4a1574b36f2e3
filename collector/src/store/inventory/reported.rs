//! What machines report that they have, written in groups: one flush of the disk for all that
//! come at once.

use super::{number_all, pack, unpack};
use crate::store::queue::{Entry, Results};
use crate::store::sql::Tx;
use crate::store::value::args;
use crate::store::{Engine, StoreError, history};
use patchward_common::component::ComponentSet;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use roaring::RoaringBitmap;
use std::collections::{BTreeSet, HashMap};

/// Most inventories of one transaction.
const MAX_GROUP: usize = 512;
/// Most components of one transaction: a new inventory has some 2,000, and nobody waits
/// longer than for ten of them.
const MAX_ROWS: usize = 20_000;

/// What one machine has, on its way to the database.
pub(in crate::store) struct Reported {
    pub(super) machine: MachineId,
    pub(super) digest: Digest,
    /// Its components, where they are not known to be stored.
    pub(super) set: Option<ComponentSet>,
    pub(super) now: UtcMs,
}

impl Entry for Reported {
    /// The numbers of its components; `None` where the set was not brought and is gone.
    type Answer = Option<RoaringBitmap>;
    type Error = StoreError;
    const MAX_GROUP: usize = MAX_GROUP;
    const MAX_ROWS: usize = MAX_ROWS;

    fn rows(&self) -> usize {
        self.set.as_ref().map_or(1, |set| set.len())
    }

    async fn together(engine: &Engine, entries: &[Self]) -> Result<Results<Self>, StoreError> {
        let mut tx = engine.begin().await?;
        let mut known = known(&mut tx, entries).await?;
        let mut results = Vec::with_capacity(entries.len());
        for entry in entries {
            let members = match (known.get(&entry.digest), &entry.set) {
                (None, Some(set)) => {
                    let members = entry.add(&mut tx, set).await?;
                    known.insert(entry.digest, members.clone());
                    Some(members)
                }
                (members, _) => members.cloned(),
            };
            results.push(Ok(members));
        }
        let stored = entries.iter().filter(|one| known.contains_key(&one.digest));
        for turn in turns(stored) {
            note(&mut tx, &turn).await?;
        }
        tx.commit().await?;
        Ok(results)
    }
}

/// The sets of entries that are stored, each with its numbers.
async fn known(
    tx: &mut Tx,
    entries: &[Reported],
) -> Result<HashMap<Digest, RoaringBitmap>, StoreError> {
    let digests: BTreeSet<Digest> = entries.iter().map(|entry| entry.digest).collect();
    let found: Vec<(Digest, Vec<u8>)> = tx
        .all_many(
            (
                "WITH wanted (w) AS (VALUES",
                ") SELECT digest, members FROM wanted CROSS JOIN component_sets WHERE digest = w",
            ),
            digests.into_iter().map(|digest| args![digest]).collect(),
        )
        .await?;
    let unpacked = found
        .into_iter()
        .map(|(digest, bytes)| Ok((digest, unpack(&bytes)?)));
    unpacked.collect()
}

/// Entries in as many turns as one machine has: a statement writes no row twice.
fn turns<'e>(entries: impl Iterator<Item = &'e Reported>) -> Vec<Vec<&'e Reported>> {
    let mut counts: HashMap<MachineId, usize> = HashMap::new();
    let mut turns: Vec<Vec<&Reported>> = Vec::new();
    for entry in entries {
        let nth = counts.entry(entry.machine).or_default();
        match turns.get_mut(*nth) {
            Some(turn) => turn.push(entry),
            None => turns.push(vec![entry]),
        }
        *nth += 1;
    }
    turns
}

/// Notes what machines have now, and what of it is new to them.
async fn note(tx: &mut Tx, turn: &[&Reported]) -> Result<(), StoreError> {
    let rows = turn
        .iter()
        .map(|one| args![one.machine, one.digest, one.now]);
    let changed: Vec<(MachineId,)> = tx
        .all_many(
            (
                "INSERT INTO machine_sets (machine, digest, since) VALUES",
                "ON CONFLICT (machine) DO UPDATE SET digest = excluded.digest,
                    since = excluded.since
                 WHERE machine_sets.digest <> excluded.digest
                 RETURNING machine",
            ),
            rows.collect(),
        )
        .await?;
    let changed: BTreeSet<MachineId> = changed.into_iter().map(|(machine,)| machine).collect();
    let new = turn.iter().filter(|one| changed.contains(&one.machine));
    let new = new.map(|one| (one.machine, one.digest, one.now));
    history::note(tx, new).await
}

impl Reported {
    async fn add(&self, tx: &mut Tx, set: &ComponentSet) -> Result<RoaringBitmap, StoreError> {
        let members = number_all(tx, set).await?;
        tx.execute(
            "INSERT INTO component_sets (digest, members, added_at) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
            args![self.digest, pack(&members), self.now],
        )
        .await?;
        Ok(members)
    }
}
