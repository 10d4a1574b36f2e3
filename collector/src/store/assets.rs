//! The hospital's own list of equipment.

mod gaps;
mod life;
mod mappings;

pub use life::{AssetCounts, Baseline, BaselineComponent};
pub use mappings::MappedColumn;

use super::conditions::Conditions;
use super::sql::MAX_ROWS;
use super::value::{FromRow, Row, args, from_row, words};
use super::{Change, Store, StoreError, View};
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::time::UtcMs;
use serde_json::json;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;

words! {
    /// What an asset is where it is no machine.
    AssetKind {
        /// A medical device without an agent: nothing is ever installed on it.
        Device = "device",
        /// Nobody has said yet.
        NoneYet = "none_yet",
    }
}

words! {
    /// Where an asset stands in its life.
    LifeCycle {
        /// It is judged before it is bought.
        Procurement = "procurement",
        /// It is here, and has to show that it may be used.
        Acceptance = "acceptance",
        /// It is used.
        InUse = "in_use",
        /// It is with somebody else for a time.
        Loaned = "loaned",
        /// It is put away.
        InStorage = "in_storage",
        /// It is gone for good.
        Decommissioned = "decommissioned",
    }
}

/// Every state of an asset's life, in its order.
pub const LIFE_CYCLES: [LifeCycle; 6] = [
    LifeCycle::Procurement,
    LifeCycle::Acceptance,
    LifeCycle::InUse,
    LifeCycle::Loaned,
    LifeCycle::InStorage,
    LifeCycle::Decommissioned,
];

impl LifeCycle {
    /// Whether nobody expects to hear of it: it is elsewhere, put away or gone.
    pub fn is_away(self) -> bool {
        matches!(self, Self::Loaned | Self::InStorage | Self::Decommissioned)
    }
}

/// Rows that are read at once.
const ASSET_PAGE: u32 = 4_096;

/// One row of the hospital's list. What it leaves empty is empty here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The hospital's tag.
    pub tag: Label,
    /// The maker's serial number.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Its unique device identifier.
    pub udi: String,
    /// Where it is used.
    pub unit: Option<Name>,
    /// Where it stands.
    pub location: String,
    /// How critical the hospital calls it.
    pub criticality: String,
    /// Its coverage group.
    pub group: Option<Name>,
    /// The machine that it is; where it is none, `kind` says what it is.
    pub machine: Option<MachineId>,
    /// Version of its software, as the hospital's list has it.
    pub software_version: String,
    /// What it is where it is no machine.
    pub kind: AssetKind,
    /// Where it stands in its life.
    pub life_cycle: LifeCycle,
    /// Since when; `None` where that was never changed here.
    pub life_cycle_since: Option<UtcMs>,
    /// When it was accepted, or came into the list as used; nothing before that, and anew
    /// when it has to be accepted again.
    pub accepted_at: Option<UtcMs>,
}
from_row!(Asset {
    tag,
    serial,
    manufacturer,
    model,
    udi,
    unit,
    location,
    criticality,
    group,
    machine,
    software_version,
    kind,
    life_cycle,
    life_cycle_since,
    accepted_at
});

impl Asset {
    /// An asset of which nothing but its tag is known.
    pub fn new(tag: Label) -> Self {
        Self {
            tag,
            serial: String::new(),
            manufacturer: String::new(),
            model: String::new(),
            udi: String::new(),
            unit: None,
            location: String::new(),
            criticality: String::new(),
            group: None,
            machine: None,
            software_version: String::new(),
            kind: AssetKind::NoneYet,
            life_cycle: LifeCycle::InUse,
            life_cycle_since: None,
            accepted_at: None,
        }
    }

    /// What it is, in a word: `machine`, `device` or `none_yet`.
    pub fn kind_word(&self) -> &'static str {
        match self.machine {
            Some(_) => "machine",
            None => self.kind.word(),
        }
    }
}

/// A statement that reads assets, from its `FROM` on; they are called `a` there.
fn selected(rest: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "SELECT a.tag, a.serial, a.manufacturer, a.model, a.udi, a.unit, a.location, a.criticality,
                a.coverage_group, a.machine, a.software_version, a.kind, a.life_cycle,
                a.life_cycle_since, a.accepted_at {rest}"
    ))
}

/// What people know a machine by.
pub struct Named {
    /// What they call it.
    pub name: Name,
    /// Its care area.
    pub unit: Name,
}

impl FromRow for (Asset, Option<Named>) {
    fn from_row(row: &mut Row) -> Result<Self, StoreError> {
        let asset = Asset::from_row(row)?;
        let named: (Option<Name>, Option<Name>) = (row.next()?, row.next()?);
        let named = match named {
            (Some(name), Some(unit)) => Some(Named { name, unit }),
            _ => None,
        };
        Ok((asset, named))
    }
}

impl Store {
    /// One asset, and the machine that it is.
    pub async fn asset(&self, tag: &Label) -> Result<Option<(Asset, Option<Named>)>, StoreError> {
        let sql = selected(
            ", m.name, m.unit
             FROM assets a LEFT JOIN machines m ON m.id = a.machine WHERE a.tag = $1",
        );
        let found = self.engine.glance(sql, args![tag]).await?;
        Ok(found.into_iter().next())
    }
}

impl View {
    /// One asset.
    pub async fn asset(&mut self, tag: &Label) -> Result<Option<Asset>, StoreError> {
        self.tx
            .first(selected("FROM assets a WHERE a.tag = $1"), args![tag])
            .await
    }

    /// The asset that a machine is.
    pub async fn asset_of(&mut self, machine: &MachineId) -> Result<Option<Asset>, StoreError> {
        self.tx
            .first(
                selected("FROM assets a WHERE a.machine = $1"),
                args![machine],
            )
            .await
    }

    /// Up to `limit` assets after the tag `after`, of one unit or of all.
    pub async fn assets(
        &mut self,
        unit: Option<&Name>,
        after: Option<&Label>,
        limit: u32,
    ) -> Result<Vec<Asset>, StoreError> {
        let mut of = Conditions::default()
            .and("a.unit = ?", unit.map(|unit| args![unit]))
            .and("a.tag > ?", after.map(|after| args![after]));
        let limit = of.arg(&limit);
        let sql = selected(&format!("FROM assets a {of} ORDER BY a.tag LIMIT {limit}"));
        self.tx.all(sql, of.args()).await
    }

    /// How many assets are a machine, and how many are not.
    pub async fn asset_counts(&mut self) -> Result<(u64, u64), StoreError> {
        self.tx
            .one(
                "SELECT a.every - a.bare, a.bare
                 FROM (SELECT (SELECT COUNT(*) FROM assets) AS every,
                              (SELECT COUNT(*) FROM assets WHERE machine IS NULL) AS bare) a",
                args![],
            )
            .await
    }

    /// Every asset, by tag.
    pub async fn all_assets(&mut self) -> Result<Vec<Asset>, StoreError> {
        let mut found: Vec<Asset> = Vec::new();
        loop {
            let after = found.last().map(|asset| asset.tag.clone());
            let page = self.assets(None, after.as_ref(), ASSET_PAGE).await?;
            let is_last = page.len() < ASSET_PAGE as usize;
            found.extend(page);
            if is_last {
                return Ok(found);
            }
        }
    }
}

impl Change {
    /// Adds assets, or changes those whose tag is there already. A row of an import
    /// without a machine keeps the machine that was linked before; what a known asset is
    /// and where it stands in its life change by [`Change::set_asset_kind`] and
    /// [`Change::move_asset`] alone. What comes into the list as used counts as accepted.
    pub async fn put_assets(&mut self, assets: &[Asset]) -> Result<(), StoreError> {
        let (mut tags, mut units, mut groups) = Default::default();
        for asset in assets {
            if !BTreeSet::insert(&mut tags, &asset.tag) {
                return Err(StoreError::conflict(format!(
                    "asset {} stands in the list twice",
                    asset.tag
                )));
            }
            units_and_groups(asset, &mut units, &mut groups);
        }
        for unit in units {
            self.view().need_unit(unit).await?;
        }
        for group in groups {
            self.view().need_group(group).await?;
        }
        let first = assets.first().map_or(String::new(), |a| a.tag.to_string());
        let now = self.now();
        let tx = self.step("asset.put", first, json!({ "assets": assets.len() }));
        for some in assets.chunks(MAX_ROWS) {
            let rows = some.iter().map(|asset| columns(asset, now)).collect();
            tx.execute_many(UPSERT, rows).await?;
        }
        self.done();
        Ok(())
    }

    /// Says which machine an asset is, or that it is none.
    pub async fn link_asset(
        &mut self,
        tag: &Label,
        machine: Option<&MachineId>,
    ) -> Result<(), StoreError> {
        if let Some(machine) = machine {
            self.view().need_machine(machine).await?;
            let other = self.view().asset_of(machine).await?;
            if let Some(other) = other.filter(|other| other.tag != *tag) {
                return Err(StoreError::conflict(format!(
                    "that machine is asset {} already; end that link first with `asset link {}`",
                    other.tag, other.tag
                )));
            }
        }
        let known = self.view().asset(tag).await?;
        if machine.is_some() && known.is_some_and(|known| known.kind == AssetKind::Device) {
            return Err(StoreError::conflict(format!(
                "asset {tag} is a medical device, on which nothing is installed; where it is a \
                 machine after all, say so first with `asset kind {tag} none_yet`"
            )));
        }
        let detail = json!({ "machine": machine });
        let changed = self
            .step("asset.link", tag, detail)
            .execute(
                "UPDATE assets SET machine = $2 WHERE tag = $1",
                args![tag, machine],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("asset", tag))
    }

    /// Says which software an asset has, as a person read it. The next import of the
    /// hospital's list says it anew.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such asset.
    pub async fn set_software_version(
        &mut self,
        tag: &Label,
        version: &str,
    ) -> Result<(), StoreError> {
        let changed = self
            .step("asset.version", tag, json!({ "version": version }))
            .execute(
                "UPDATE assets SET software_version = $2 WHERE tag = $1",
                args![tag, version],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("asset", tag))
    }

    /// Removes an asset.
    pub async fn remove_asset(&mut self, tag: &Label) -> Result<(), StoreError> {
        let tx = self.step("asset.remove", tag, json!({}));
        tx.execute("DELETE FROM device_watches WHERE asset = $1", args![tag])
            .await?;
        tx.execute("DELETE FROM member_statements WHERE asset = $1", args![tag])
            .await?;
        tx.execute("DELETE FROM leaving_steps WHERE asset = $1", args![tag])
            .await?;
        let removed = tx
            .execute("DELETE FROM assets WHERE tag = $1", args![tag])
            .await?;
        self.done_if(removed, || StoreError::missing("asset", tag))
    }
}

const UPSERT: (&str, &str) = (
    "INSERT INTO assets (tag, serial, manufacturer, model, udi, unit, location, criticality,
                         coverage_group, machine, software_version, kind, life_cycle,
                         life_cycle_since, accepted_at) VALUES",
    "ON CONFLICT (tag) DO UPDATE SET serial = excluded.serial,
        manufacturer = excluded.manufacturer, model = excluded.model, udi = excluded.udi,
        unit = excluded.unit, location = excluded.location, criticality = excluded.criticality,
        coverage_group = excluded.coverage_group,
        machine = COALESCE(excluded.machine, assets.machine),
        software_version = excluded.software_version",
);

fn columns(asset: &Asset, now: UtcMs) -> Vec<super::value::Value> {
    let accepted_at = (asset.life_cycle == LifeCycle::InUse).then_some(now);
    args![
        asset.tag,
        asset.serial,
        asset.manufacturer,
        asset.model,
        asset.udi,
        asset.unit,
        asset.location,
        asset.criticality,
        asset.group,
        asset.machine,
        asset.software_version,
        asset.kind,
        asset.life_cycle,
        asset.life_cycle_since,
        accepted_at
    ]
}

fn units_and_groups<'a>(
    asset: &'a Asset,
    units: &mut BTreeSet<&'a Name>,
    groups: &mut BTreeSet<&'a Name>,
) {
    units.extend(&asset.unit);
    groups.extend(&asset.group);
}
