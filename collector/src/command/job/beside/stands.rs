//! Which stand-ins can be used for a patient now.

use super::{Covered, StandIn, call};
use crate::agenda;
use crate::app::App;
use crate::calls::Lists;
use crate::control::{Cell, Failure, Table};
use crate::item::against::Against;
use crate::rollout::usable::{NOT_NOW, Usable, usable};
use crate::store::View;
use crate::store::holds::Hold;
use crate::store::windows::Area;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use std::collections::BTreeMap;

/// Whether a machine can be used now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::command::job) enum Stands {
    /// It can.
    Ready,
    /// Nobody knows, and why.
    Unknown(&'static str),
    /// It cannot, and why.
    Not(String),
}

impl Stands {
    fn cell(&self) -> Cell {
        match self {
            Self::Ready => Cell::of("ready"),
            Self::Unknown(why) => Cell::worded("unknown", format!("not known: {why}")),
            Self::Not(why) => Cell::worded("not_ready", format!("not ready: {why}")),
        }
    }
}

/// Everybody who stands in, once, those first that can be used now.
pub(in crate::command::job) async fn judged(
    app: &App,
    view: &mut View,
    covered: &[Covered],
    now: UtcMs,
) -> Result<Vec<(StandIn, Stands)>, Failure> {
    let all = covered.iter().flat_map(|group| &group.stand_ins);
    let all: BTreeMap<&Name, &StandIn> = all.map(|one| (&one.name, one)).collect();
    let ids: Vec<MachineId> = all.values().map(|one| one.member.machine).collect();
    let against = agenda::against(&app.fleet, view, &ids, None, now).await?;
    let holds = view.holds(now).await?;
    let stands = all.into_values().map(|one| {
        let against = against.get(&one.member.machine).map(|(against, _)| against);
        (one.clone(), stands(one, against, is_held(one, &holds), now))
    });
    let mut found: Vec<_> = stands.collect();
    found.sort_by_key(|(_, stands)| stands.clone());
    Ok(found)
}

/// Whether its ward said "not now" of it, or of its whole unit.
fn is_held(one: &StandIn, holds: &[Hold]) -> bool {
    let machine = one.member.machine.to_string();
    holds.iter().any(|hold| match hold.area {
        Area::Machine => hold.subject == machine,
        Area::Unit => hold.subject == one.unit.as_str(),
        Area::Site | Area::All => false,
    })
}

fn stands(one: &StandIn, against: Option<&Against>, is_held: bool, now: UtcMs) -> Stands {
    if one.is_copied {
        return Stands::Unknown("two machines seem to have its identity");
    }
    if let Some(against) = against {
        return Stands::Not(against.words());
    }
    if is_held {
        return Stands::Not(NOT_NOW.to_owned());
    }
    match usable(&one.member, now) {
        Usable::Yes => Stands::Ready,
        Usable::Unknown(why) => Stands::Unknown(why),
        Usable::No(why) => Stands::Not(why.to_owned()),
    }
}

/// The stand-ins, with their units: who sees single units sees those of these.
pub(in crate::command::job) fn table(stand_ins: &[(StandIn, Stands)]) -> Table {
    let mut table = Table::new(&["machine", "unit", "state"]);
    for (one, stands) in stand_ins {
        table.row(vec![
            Cell::of(&one.name),
            Cell::of(&one.unit),
            stands.cell(),
        ]);
    }
    table
}

/// How many stand-ins other units have, and whom to call there. It names no machine and says of
/// none how it stands, so it is for who does not see these units, too.
pub(in crate::command::job) fn elsewhere(
    stand_ins: &[(StandIn, Stands)],
    unit: &Name,
    lists: &Lists,
) -> Table {
    let mut counts: BTreeMap<&Name, i64> = BTreeMap::new();
    for (one, _) in stand_ins.iter().filter(|(one, _)| one.unit != *unit) {
        *counts.entry(&one.unit).or_default() += 1;
    }
    let mut table = Table::new(&["in_unit", "stand_ins", "call"]);
    for (unit, count) in counts {
        let calls = lists.of_unit(unit).iter().map(call);
        table.row(vec![
            Cell::of(unit),
            Cell::Number(count),
            Cell::List(calls.collect()),
        ]);
    }
    table
}

#[cfg(test)]
mod tests;
