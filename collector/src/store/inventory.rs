//! What is installed where. Most machines of a hospital are images of one another, so a
//! component is stored once and has a number, a set of numbers is stored once under the
//! digest of the components, and a machine's row is one digest.

mod known;
mod reported;

pub(super) use known::Known;
pub(super) use reported::Reported;

use super::conditions::Conditions;
use super::sql::Tx;
use super::value::{args, from_row};
use super::{Store, StoreError, View};
use futures_util::future::try_join_all;
use patchward_common::component::{Component, ComponentSet};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use roaring::RoaringBitmap;
use sqlx::AssertSqlSafe;
use std::collections::HashMap;
use std::sync::Arc;

/// Sets that are read at once while all of them are walked through.
const PAGE: u32 = 256;

/// A component with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its number, from 1, without gaps.
    pub number: u32,
    /// The component.
    pub component: Component,
}

impl super::value::FromRow for Numbered {
    fn from_row(row: &mut super::value::Row) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.next()?,
            component: Component {
                source: row.next()?,
                name: row.next()?,
                version: row.next()?,
                arch: row.next()?,
            },
        })
    }
}

/// Which set a machine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineSet {
    /// The machine.
    pub machine: MachineId,
    /// The digest of its components.
    pub digest: Digest,
    /// Since when.
    pub since: UtcMs,
}
from_row!(MachineSet {
    machine,
    digest,
    since
});

impl Store {
    /// Stores what a machine reported. Gives back the numbers of its components, for the
    /// index in memory.
    pub async fn record_inventory(
        &self,
        machine: &MachineId,
        set: &ComponentSet,
        now: UtcMs,
    ) -> Result<RoaringBitmap, StoreError> {
        let digest = set.digest();
        let reported = |set| Reported {
            machine: *machine,
            digest,
            set,
            now,
        };
        // Most are known, as those of the same image.
        if let Some(members) = self.inventories.put(reported(None)).await? {
            return Ok(members);
        }
        let stored = self.inventories.put(reported(Some(set.clone()))).await?;
        stored.ok_or_else(|| StoreError::missing("inventory", digest))
    }

    /// Stores that many machines have the same components: images of one another.
    pub async fn record_images(
        &self,
        machines: &[MachineId],
        set: &ComponentSet,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let Some((first, rest)) = machines.split_first() else {
            return Ok(());
        };
        // The others find it known.
        self.record_inventory(first, set, now).await?;
        let others = rest
            .iter()
            .map(|machine| self.record_inventory(machine, set, now));
        try_join_all(others).await?;
        Ok(())
    }

    /// Drops sets that no machine has or had; those that came since `before` are kept as
    /// bases of changes. Gives back how many.
    pub async fn drop_unused_sets(&self, before: UtcMs) -> Result<u64, StoreError> {
        let mut tx = self.engine.begin().await?;
        let dropped = tx
            .execute(
                "DELETE FROM component_sets WHERE added_at < $1 AND NOT EXISTS
                    (SELECT 1 FROM machine_set_history m WHERE m.digest = component_sets.digest)",
                args![before],
            )
            .await?;
        tx.commit().await?;
        Ok(dropped)
    }
}

impl View {
    /// The set of a machine.
    pub async fn set_of(&mut self, machine: &MachineId) -> Result<Option<MachineSet>, StoreError> {
        self.tx
            .first(
                "SELECT machine, digest, since FROM machine_sets WHERE machine = $1",
                args![machine],
            )
            .await
    }

    /// The components of a set; `None` where the digest is not known.
    pub async fn components_of(
        &mut self,
        digest: &Digest,
    ) -> Result<Option<ComponentSet>, StoreError> {
        let Some(components) = self.shared_components_of(digest).await? else {
            return Ok(None);
        };
        let components = components.iter().map(|one| Component::clone(one));
        ComponentSet::new(components.collect())
            .map(Some)
            .map_err(|error| StoreError::Corrupt(format!("set {digest}: {error}")))
    }

    /// The same as they are kept in memory, in no order: for who only shows them.
    pub async fn shared_components_of(
        &mut self,
        digest: &Digest,
    ) -> Result<Option<Vec<Arc<Component>>>, StoreError> {
        let Some(members) = self.members_of(digest).await? else {
            return Ok(None);
        };
        match self.components_numbered(&members).await? {
            Some(components) => Ok(Some(components)),
            None => Err(StoreError::Corrupt(format!(
                "set {digest} names components that are missing"
            ))),
        }
    }

    /// The numbers of the components of a set.
    pub async fn members_of(
        &mut self,
        digest: &Digest,
    ) -> Result<Option<RoaringBitmap>, StoreError> {
        let row: Option<(Vec<u8>,)> = self
            .tx
            .first(
                "SELECT members FROM component_sets WHERE digest = $1",
                args![digest],
            )
            .await?;
        row.map(|(bytes,)| unpack(&bytes)).transpose()
    }

    /// Up to 256 sets after the digest `after`, by digest: with [`Self::machine_sets`] this fills
    /// the index in memory at the start.
    pub async fn sets_after(
        &mut self,
        after: Option<&Digest>,
    ) -> Result<Vec<(Digest, RoaringBitmap)>, StoreError> {
        let mut of = Conditions::default().and("digest > ?", after.map(|after| args![after]));
        let limit = of.arg(&PAGE);
        let sql = format!(
            "SELECT digest, members FROM component_sets {of} ORDER BY digest LIMIT {limit}"
        );
        let rows: Vec<(Digest, Vec<u8>)> = self.tx.all(AssertSqlSafe(sql), of.args()).await?;
        rows.into_iter()
            .map(|(digest, bytes)| Ok((digest, unpack(&bytes)?)))
            .collect()
    }

    /// Which set each machine has, by machine.
    pub async fn machine_sets(&mut self) -> Result<Vec<MachineSet>, StoreError> {
        self.tx
            .all(
                "SELECT machine, digest, since FROM machine_sets ORDER BY machine",
                args![],
            )
            .await
    }

    /// Up to `limit` components after number `after`, by number.
    pub async fn components_after(
        &mut self,
        after: u32,
        limit: u32,
    ) -> Result<Vec<Numbered>, StoreError> {
        self.tx
            .all(
                "SELECT number, source, name, version, arch FROM components
                 WHERE number > $1 ORDER BY number LIMIT $2",
                args![after, limit],
            )
            .await
    }

    /// Every version, architecture and source of a component.
    pub async fn components_named(&mut self, name: &str) -> Result<Vec<Numbered>, StoreError> {
        self.tx
            .all(
                "SELECT number, source, name, version, arch FROM components
                 WHERE name = $1 ORDER BY version, arch, source",
                args![name],
            )
            .await
    }

    /// The machines, of one unit or of all, that have a component of this name in one of
    /// these versions. The index in memory answers the same faster.
    pub async fn machines_with(
        &mut self,
        name: &str,
        versions: &[&str],
        unit: Option<&Name>,
    ) -> Result<Vec<MachineId>, StoreError> {
        let wanted: RoaringBitmap = self
            .components_named(name)
            .await?
            .into_iter()
            .filter(|row| versions.contains(&row.component.version.as_str()))
            .map(|row| row.number)
            .collect();
        let of = Conditions::default().and("m.unit = ?", unit.map(|unit| args![unit]));
        let sql = format!(
            "SELECT m.id, s.digest FROM machines m JOIN machine_sets s ON s.machine = m.id
             {of} ORDER BY m.id"
        );
        let rows: Vec<(MachineId, Digest)> = self.tx.all(AssertSqlSafe(sql), of.args()).await?;
        let mut has = HashMap::new();
        let mut found = Vec::new();
        for (machine, digest) in rows {
            let hit = match has.get(&digest) {
                Some(hit) => *hit,
                None => {
                    let members = self.members_of(&digest).await?.unwrap_or_default();
                    let hit = !members.is_disjoint(&wanted);
                    has.insert(digest, hit);
                    hit
                }
            };
            if hit {
                found.push(machine);
            }
        }
        Ok(found)
    }
}

/// The numbers of components, new ones for those not seen before.
async fn number_all(tx: &mut Tx, components: &[Component]) -> Result<RoaringBitmap, StoreError> {
    let mut numbers = find_numbers(tx, components.iter()).await?;
    if numbers.len() < components.len() {
        let missing = |numbers: &HashMap<Component, u32>| -> Vec<Component> {
            let unknown = components.iter().filter(|c| !numbers.contains_key(c));
            unknown.cloned().collect()
        };
        // The counter's row is the lock: whoever has it gives out numbers, and looks once
        // more for what the one before has given.
        let (last,): (u32,) = tx
            .one(
                "UPDATE counters SET value = value WHERE name = 'component' RETURNING value",
                args![],
            )
            .await?;
        numbers.extend(find_numbers(tx, missing(&numbers).iter()).await?);
        let new = missing(&numbers);
        let rows = (last + 1..).zip(&new);
        let rows = rows.map(|(n, c)| args![n, c.source, c.name, c.version, c.arch]);
        tx.execute_many(
            (
                "INSERT INTO components (number, source, name, version, arch) VALUES",
                "",
            ),
            rows.collect(),
        )
        .await?;
        tx.execute(
            "UPDATE counters SET value = value + $1 WHERE name = 'component'",
            args![new.len() as u64],
        )
        .await?;
        numbers.extend(new.into_iter().zip(last + 1..));
    }
    Ok(numbers.into_values().collect())
}

async fn find_numbers(
    tx: &mut Tx,
    components: impl Iterator<Item = &Component>,
) -> Result<HashMap<Component, u32>, StoreError> {
    let keys = components.map(|c| args![c.name, c.version, c.arch, c.source]);
    let rows: Vec<Numbered> = tx
        .all_many(
            (
                "WITH wanted (n, v, a, s) AS (VALUES",
                ") SELECT number, source, name, version, arch
                 FROM wanted CROSS JOIN components
                 WHERE name = n AND version = v AND arch = a AND source = s",
            ),
            keys.collect(),
        )
        .await?;
    let pairs = rows.into_iter().map(|row| (row.component, row.number));
    Ok(pairs.collect())
}

/// The portable serialisation of Roaring bitmaps, with runs: images give long ones.
fn pack(members: &RoaringBitmap) -> Vec<u8> {
    let mut members = members.clone();
    members.optimize();
    let mut bytes = Vec::with_capacity(members.serialized_size());
    #[expect(clippy::expect_used, reason = "writing to memory has no error")]
    members
        .serialize_into(&mut bytes)
        .expect("writing to memory has no error");
    bytes
}

pub(super) fn unpack(bytes: &[u8]) -> Result<RoaringBitmap, StoreError> {
    RoaringBitmap::deserialize_from(bytes)
        .map_err(|error| StoreError::Corrupt(format!("a set of components: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_packs_small_and_damage_is_seen() {
        let image: RoaringBitmap = (1..=2_000).chain([70_000, 90_001]).collect();
        let bytes = pack(&image);
        assert!(bytes.len() < 64, "{} bytes", bytes.len());
        assert_eq!(unpack(&bytes).unwrap(), image);
        assert!(matches!(
            unpack(&bytes[..bytes.len() - 1]),
            Err(StoreError::Corrupt(_))
        ));
    }
}
