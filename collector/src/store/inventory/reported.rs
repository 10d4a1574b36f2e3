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
use std::collections::HashMap;

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
    type Stored = Option<RoaringBitmap>;
    type Error = StoreError;
    const MAX_GROUP: usize = MAX_GROUP;
    const MAX_ROWS: usize = MAX_ROWS;

    fn rows(&self) -> usize {
        self.set.as_ref().map_or(1, |set| set.len())
    }

    async fn store(engine: &Engine, entries: &[Self]) -> Result<Results<Self>, StoreError> {
        let mut tx = engine.begin().await?;
        let mut sets = HashMap::new();
        let mut results = Vec::with_capacity(entries.len());
        for entry in entries {
            results.push(Ok(entry.record(&mut tx, &mut sets).await?));
        }
        tx.commit().await?;
        Ok(results)
    }
}

impl Reported {
    async fn record(
        &self,
        tx: &mut Tx,
        sets: &mut HashMap<Digest, RoaringBitmap>,
    ) -> Result<Option<RoaringBitmap>, StoreError> {
        let members = match (sets.get(&self.digest), &self.set) {
            (Some(members), _) => members.clone(),
            (None, set) => match (members_of(tx, &self.digest).await?, set) {
                (Some(members), _) => members,
                (None, Some(set)) => self.add(tx, set).await?,
                (None, None) => return Ok(None),
            },
        };
        sets.insert(self.digest, members.clone());
        let changed = tx
            .execute(
                "INSERT INTO machine_sets (machine, digest, since) VALUES ($1, $2, $3)
                 ON CONFLICT (machine) DO UPDATE SET digest = excluded.digest,
                    since = excluded.since
                 WHERE machine_sets.digest <> excluded.digest",
                args![self.machine, self.digest, self.now],
            )
            .await?;
        if changed > 0 {
            history::note(tx, &self.machine, &self.digest, self.now).await?;
        }
        Ok(Some(members))
    }

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

/// The numbers of a set that is stored.
pub(super) async fn members_of(
    tx: &mut Tx,
    digest: &Digest,
) -> Result<Option<RoaringBitmap>, StoreError> {
    let known: Option<(Vec<u8>,)> = tx
        .first(
            "SELECT members FROM component_sets WHERE digest = $1",
            args![digest],
        )
        .await?;
    known.map(|(bytes,)| unpack(&bytes)).transpose()
}
