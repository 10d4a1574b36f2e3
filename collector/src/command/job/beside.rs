//! Who stands in for a machine, and who is called about it: for paper and for pages.

mod stands;

pub(super) use stands::{Stands, elsewhere, judged, table};

use crate::calls::Lists;
use crate::item::oncall::Level;
use crate::store::go::Member;
use crate::store::machines::MachineState;
use crate::store::{StoreError, View};
use patchward_common::id::{MachineId, Name};

/// A coverage group of a machine as it is now.
pub(super) struct Covered {
    /// Its name.
    pub(super) group: Name,
    /// How many of it must stay ready.
    pub(super) minimum_ready: u32,
    /// Its other members, by name.
    pub(super) stand_ins: Vec<StandIn>,
}

/// A machine that stands in for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StandIn {
    name: Name,
    unit: Name,
    /// Whether two machines seem to have its identity.
    is_copied: bool,
    member: Member,
}

impl StandIn {
    /// Which it is, and where.
    pub(super) fn place(&self) -> String {
        format!("{} ({})", self.name, self.unit)
    }
}

/// The groups of these names that there are, with who stands in there for a machine.
pub(super) async fn groups(
    view: &mut View,
    machine: &MachineId,
    names: &[Name],
) -> Result<Vec<Covered>, StoreError> {
    let mut found = Vec::new();
    for name in names {
        if view.group(name).await?.is_none() {
            continue;
        }
        let mut snapshot = view.group_snapshot(name).await?;
        snapshot
            .members
            .retain(|one| one.machine != *machine && one.state == MachineState::Enrolled);
        let ids = snapshot.members.iter().map(|one| one.machine);
        let known = view.these_machines(ids.collect::<Vec<_>>()).await?;
        let mut stand_ins = Vec::new();
        for member in snapshot.members {
            if let Some(other) = known.get(&member.machine) {
                stand_ins.push(StandIn {
                    name: other.name.clone(),
                    unit: other.unit.clone(),
                    is_copied: other.clone_suspected_at.is_some(),
                    member,
                });
            }
        }
        stand_ins.sort_by(|one, other| one.name.cmp(&other.name));
        found.push(Covered {
            group: snapshot.group.name,
            minimum_ready: snapshot.group.minimum_ready,
            stand_ins,
        });
    }
    Ok(found)
}

/// Who is called about a unit's machines, by level.
pub(super) async fn calls(view: &mut View, unit: &Name) -> Result<Vec<Level>, StoreError> {
    Ok(Lists::read(view).await?.of_unit(unit).to_vec())
}

/// A level as people call it.
pub(super) fn call(level: &Level) -> String {
    format!("{} ({})", level.who, level.contact)
}
