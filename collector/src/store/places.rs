//! Sites, units and coverage groups.

mod members;
mod subnets;
mod uses;

use super::go::{lock_all_groups, lock_groups};
use super::value::{args, from_row, words};
use super::{Change, StoreError, View};
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::trust::roster::Class;
use serde_json::json;
use std::collections::BTreeMap;
use uses::{GROUP_USES, SITE_USES, UNIT_USES};

/// A site of the hospital.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its short name.
    pub name: Name,
    /// What people call it.
    pub title: Label,
}
from_row!(Site { name, title });

/// A care area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its short name.
    pub name: Name,
    /// Its site.
    pub site: Name,
    /// What people call it.
    pub title: Label,
    /// The class that its machines get, unless an assignment says otherwise.
    pub class: Class,
}
from_row!(Unit {
    name,
    site,
    title,
    class
});

words! {
    /// Whether a member that is switched off still counts as ready.
    SwitchedOff {
        /// It can be switched on and used.
        Counts = "counts",
        /// It is missing.
        DoesNotCount = "does_not_count",
    }
}

/// Machines that stand in for one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its short name.
    pub name: Name,
    /// The unit that answers for it.
    pub unit: Name,
    /// How many members must stay ready.
    pub minimum_ready: u32,
    /// What a switched-off member means.
    pub switched_off: SwitchedOff,
}
from_row!(Group {
    name,
    unit,
    minimum_ready,
    switched_off
});

impl View {
    /// Every site, by name.
    pub async fn sites(&mut self) -> Result<Vec<Site>, StoreError> {
        self.tx
            .all("SELECT name, title FROM sites ORDER BY name", args![])
            .await
    }

    /// Every unit, by name.
    pub async fn units(&mut self) -> Result<Vec<Unit>, StoreError> {
        self.tx
            .all(
                "SELECT name, site, title, class FROM units ORDER BY name",
                args![],
            )
            .await
    }

    /// The time zones that windows have, each once.
    pub async fn zones_of_windows(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT zone FROM windows ORDER BY zone";
        let zones: Vec<(String,)> = self.tx.all(sql, args![]).await?;
        Ok(zones.into_iter().map(|(zone,)| zone).collect())
    }

    /// How many windows of which time zone each unit with windows has.
    pub async fn window_zones(&mut self) -> Result<Vec<(Name, String, i64)>, StoreError> {
        self.tx
            .all(
                "SELECT unit, zone, COUNT(*) FROM windows GROUP BY unit, zone",
                args![],
            )
            .await
    }

    /// The site of each unit.
    pub async fn sites_of_units(&mut self) -> Result<Vec<(Name, Name)>, StoreError> {
        self.tx
            .all("SELECT name, site FROM units ORDER BY name", args![])
            .await
    }

    /// One unit.
    pub async fn unit(&mut self, name: &Name) -> Result<Option<Unit>, StoreError> {
        self.tx
            .first(
                "SELECT name, site, title, class FROM units WHERE name = $1",
                args![name],
            )
            .await
    }

    /// Every coverage group, by name.
    pub async fn groups(&mut self) -> Result<Vec<Group>, StoreError> {
        self.tx
            .all(
                "SELECT name, unit, minimum_ready, switched_off FROM coverage_groups ORDER BY name",
                args![],
            )
            .await
    }

    /// One coverage group.
    pub async fn group(&mut self, name: &Name) -> Result<Option<Group>, StoreError> {
        self.tx
            .first(
                "SELECT name, unit, minimum_ready, switched_off FROM coverage_groups
                 WHERE name = $1",
                args![name],
            )
            .await
    }

    /// The members of a group, by id.
    pub async fn members(&mut self, group: &Name) -> Result<Vec<MachineId>, StoreError> {
        let rows: Vec<(MachineId,)> = self
            .tx
            .all(
                "SELECT machine FROM group_members WHERE group_name = $1 ORDER BY machine",
                args![group],
            )
            .await?;
        Ok(rows.into_iter().map(|(machine,)| machine).collect())
    }

    /// Every group with every member, sorted.
    pub async fn all_members(&mut self) -> Result<Vec<(Name, MachineId)>, StoreError> {
        self.tx
            .all(
                "SELECT group_name, machine FROM group_members ORDER BY group_name, machine",
                args![],
            )
            .await
    }

    /// How many members each group has; of those that have any.
    pub async fn group_sizes(&mut self) -> Result<BTreeMap<Name, i64>, StoreError> {
        let sql = "SELECT group_name, COUNT(*) FROM group_members GROUP BY group_name";
        let sizes: Vec<(Name, i64)> = self.tx.all(sql, args![]).await?;
        Ok(sizes.into_iter().collect())
    }

    /// The groups of a machine, by name.
    pub async fn groups_of(&mut self, machine: &MachineId) -> Result<Vec<Name>, StoreError> {
        let rows: Vec<(Name,)> = self
            .tx
            .all(
                "SELECT group_name FROM group_members WHERE machine = $1 ORDER BY group_name",
                args![machine],
            )
            .await?;
        Ok(rows.into_iter().map(|(group,)| group).collect())
    }

    async fn need_site(&mut self, name: &Name) -> Result<(), StoreError> {
        let found: Option<(Name,)> = self
            .tx
            .first("SELECT name FROM sites WHERE name = $1", args![name])
            .await?;
        found
            .map(|_| ())
            .ok_or_else(|| StoreError::missing("site", name))
    }

    /// The unit, or the error that it is missing.
    pub(super) async fn need_unit(&mut self, name: &Name) -> Result<Unit, StoreError> {
        self.unit(name)
            .await?
            .ok_or_else(|| StoreError::missing("unit", name))
    }

    /// The group, or the error that it is missing.
    pub(super) async fn need_group(&mut self, name: &Name) -> Result<Group, StoreError> {
        self.group(name)
            .await?
            .ok_or_else(|| StoreError::missing("coverage group", name))
    }
}

impl Change {
    /// Adds a site.
    pub async fn add_site(&mut self, site: &Site) -> Result<(), StoreError> {
        let detail = json!({ "title": site.title });
        let added = self
            .step("site.add", &site.name, detail)
            .execute(
                "INSERT INTO sites (name, title) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                args![site.name, site.title],
            )
            .await?;
        self.done_if(added, || exists("site", &site.name))
    }

    /// Removes a site without units.
    pub async fn remove_site(&mut self, name: &Name) -> Result<(), StoreError> {
        self.unused("site", name, SITE_USES).await?;
        let removed = self
            .step("site.remove", name, json!({}))
            .execute("DELETE FROM sites WHERE name = $1", args![name])
            .await?;
        self.done_if(removed, || StoreError::missing("site", name))
    }

    /// Adds a unit to a site.
    pub async fn add_unit(&mut self, unit: &Unit) -> Result<(), StoreError> {
        self.view().need_site(&unit.site).await?;
        let detail = json!({ "site": unit.site, "title": unit.title, "class": unit.class.word() });
        let added = self
            .step("unit.add", &unit.name, detail)
            .execute(
                "INSERT INTO units (name, site, title, class) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
                args![unit.name, unit.site, unit.title, unit.class],
            )
            .await?;
        self.done_if(added, || exists("unit", &unit.name))
    }

    /// Changes a unit's site, title and class.
    pub async fn edit_unit(&mut self, unit: &Unit) -> Result<(), StoreError> {
        self.view().need_site(&unit.site).await?;
        let detail = json!({ "site": unit.site, "title": unit.title, "class": unit.class.word() });
        let tx = self.step("unit.edit", &unit.name, detail);
        // At another site other freezes hold.
        lock_all_groups(tx).await?;
        let changed = tx
            .execute(
                "UPDATE units SET site = $2, title = $3, class = $4 WHERE name = $1",
                args![unit.name, unit.site, unit.title, unit.class],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("unit", &unit.name))
    }

    /// Removes a unit to which nothing refers.
    pub async fn remove_unit(&mut self, name: &Name) -> Result<(), StoreError> {
        self.unused("unit", name, UNIT_USES).await?;
        let tx = self.step("unit.remove", name, json!({}));
        tx.execute("DELETE FROM unit_subnets WHERE unit = $1", args![name])
            .await?;
        let removed = tx
            .execute("DELETE FROM units WHERE name = $1", args![name])
            .await?;
        self.done_if(removed, || StoreError::missing("unit", name))
    }

    /// Adds a coverage group.
    pub async fn add_group(&mut self, group: &Group) -> Result<(), StoreError> {
        self.view().need_unit(&group.unit).await?;
        let tx = self.step("group.add", &group.name, group_detail(group));
        let added = tx
            .execute(
                "INSERT INTO coverage_groups (name, unit, minimum_ready, switched_off)
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                args![
                    group.name,
                    group.unit,
                    group.minimum_ready,
                    group.switched_off
                ],
            )
            .await?;
        // The lock stays when a group goes, and is found again when it comes back.
        tx.execute(
            "INSERT INTO group_locks (name, generation) VALUES ($1, 0) ON CONFLICT DO NOTHING",
            args![group.name],
        )
        .await?;
        self.done_if(added, || exists("coverage group", &group.name))
    }

    /// Changes a group's unit and rule.
    pub async fn edit_group(&mut self, group: &Group) -> Result<(), StoreError> {
        self.view().need_unit(&group.unit).await?;
        let tx = self.step("group.edit", &group.name, group_detail(group));
        lock_groups(tx, std::slice::from_ref(&group.name)).await?;
        let changed = tx
            .execute(
                "UPDATE coverage_groups SET unit = $2, minimum_ready = $3, switched_off = $4
                 WHERE name = $1",
                args![
                    group.name,
                    group.unit,
                    group.minimum_ready,
                    group.switched_off
                ],
            )
            .await?;
        self.done_if(changed, || {
            StoreError::missing("coverage group", &group.name)
        })
    }

    /// Removes a group without members.
    pub async fn remove_group(&mut self, name: &Name) -> Result<(), StoreError> {
        self.unused("coverage group", name, GROUP_USES).await?;
        let removed = self
            .step("group.remove", name, json!({}))
            .execute("DELETE FROM coverage_groups WHERE name = $1", args![name])
            .await?;
        self.done_if(removed, || StoreError::missing("coverage group", name))
    }
}

fn group_detail(group: &Group) -> serde_json::Value {
    json!({
        "unit": group.unit,
        "minimum_ready": group.minimum_ready,
        "switched_off": group.switched_off,
    })
}

fn exists(what: &str, name: &Name) -> StoreError {
    StoreError::conflict(format!("there is a {what} {name} already"))
}
