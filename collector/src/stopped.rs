//! How far a stop has come: which connected machines of its scope have acknowledged it, with this
//! collector and with others on the same database.

use crate::fleet::{Elsewhere, FleetHandle, Holding};
use crate::store::documents::{Document, DocumentKind};
use crate::store::{StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

/// How many machines are named that have not acknowledged a stop.
const MOST_NAMED: usize = 5;

/// The connected machines of a stop's scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// How many of them there are.
    pub connected: usize,
    /// How many of them said that they have it.
    pub acknowledged: usize,
    /// The names of the first that have not, of those that are connected here.
    pub missing: Vec<String>,
}

impl Reach {
    /// Adds what other collectors said of their machines. One that has not spoken of this stop yet
    /// may have all of its machines in its scope, and none that acknowledged it.
    fn and(&mut self, elsewhere: &[Elsewhere], stop: &Digest) {
        for other in elsewhere {
            let said = other.reach.get(&stop.to_string());
            let (connected, acknowledged) = said.copied().unwrap_or((other.connected, 0));
            self.connected = self.connected.saturating_add(connected);
            self.acknowledged = self.acknowledged.saturating_add(acknowledged);
        }
    }
}

/// How far a stop has come. What is not connected learns it before it may start: a go
/// asks for the stop as well.
pub async fn reach(
    (holding, elsewhere): (&[Holding], &[Elsewhere]),
    view: &mut View,
    stop: &Document,
) -> Result<Reach, StoreError> {
    let (mut reach, missing) = counted(holding, view, stop).await?;
    for machine in missing.iter().take(MOST_NAMED) {
        let found = view.machine(machine).await?;
        let name = found.map_or_else(|| machine.to_string(), |found| found.name.to_string());
        reach.missing.push(name);
    }
    reach.and(elsewhere, &stop.digest);
    Ok(reach)
}

/// How far it has come with the machines of this collector, and which of them are missing.
async fn counted(
    holding: &[Holding],
    view: &mut View,
    stop: &Document,
) -> Result<(Reach, Vec<MachineId>), StoreError> {
    let subject = stop.subject.as_deref().unwrap_or_default();
    let named = match (stop.scope.as_deref(), subject.parse::<Digest>()) {
        (Some("plan"), Ok(plan)) => {
            let leaves = view.leaves(&plan).await?.into_iter();
            Some(leaves.map(|leaf| leaf.machine).collect())
        }
        _ => None,
    };
    let unit = stop.subject.as_deref();
    let unit = unit.filter(|_| stop.scope.as_deref() == Some("unit"));
    Ok(judge(holding, stop, named.as_ref(), unit))
}

/// How far each stop in force has come with the machines of this collector, as the others read it.
pub async fn told(fleet: &FleetHandle, view: &mut View, now: UtcMs) -> Result<String, StoreError> {
    let holding = fleet.holding();
    let mut told = BTreeMap::new();
    for stop in view.in_force(DocumentKind::Stop, now).await? {
        let (reach, _) = counted(&holding, view, &stop).await?;
        let counts = (reach.connected, reach.acknowledged);
        told.insert(stop.digest.to_string(), counts);
    }
    Ok(serde_json::to_string(&told).unwrap_or_default())
}

/// How many connected machines have not acknowledged a stop in force, over all of these.
pub async fn unacknowledged(
    fleet: &FleetHandle,
    view: &mut View,
    now: UtcMs,
) -> Result<usize, StoreError> {
    let (holding, elsewhere) = (fleet.holding(), fleet.elsewhere());
    let mut missing = 0;
    for stop in view.in_force(DocumentKind::Stop, now).await? {
        let (mut reach, _) = counted(&holding, view, &stop).await?;
        reach.and(&elsewhere, &stop.digest);
        missing += reach.connected.saturating_sub(reach.acknowledged);
    }
    Ok(missing)
}

/// Counts; gives back who is missing.
fn judge(
    holding: &[Holding],
    stop: &Document,
    named: Option<&BTreeSet<MachineId>>,
    unit: Option<&str>,
) -> (Reach, Vec<MachineId>) {
    let mut reach = Reach {
        connected: 0,
        acknowledged: 0,
        missing: Vec::new(),
    };
    let mut missing = Vec::new();
    for one in holding {
        let is_named = named.is_none_or(|named| named.contains(&one.machine));
        // One whose unit is not known may be in any.
        let is_other = |unit: &str| one.unit.as_ref().is_some_and(|own| own.as_str() != unit);
        if !is_named || unit.is_some_and(is_other) {
            continue;
        }
        reach.connected += 1;
        match one.since.is_some_and(|at| stop.added_at < at) {
            true => reach.acknowledged += 1,
            false => missing.push(one.machine),
        }
    }
    missing.sort();
    (reach, missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::id::Name;

    fn holding(machine: u8, unit: &str, since: Option<i64>) -> Holding {
        Holding {
            machine: MachineId([machine; 32]),
            unit: Name::new(unit).ok(),
            since: since.map(UtcMs),
        }
    }

    #[test]
    fn a_machine_has_acknowledged_a_stop_once_it_holds_what_came_with_it() {
        let stop = Document {
            digest: Digest::default(),
            kind: DocumentKind::Stop,
            number: None,
            scope: Some("all".into()),
            subject: None,
            payload: Vec::new(),
            added_at: UtcMs(100),
            expires_at: None,
            ended_at: None,
            ended_by: None,
        };
        let fleet = [
            holding(1, "icu", Some(101)),
            holding(2, "icu", Some(100)),
            holding(3, "icu", None),
            holding(4, "ward", Some(900)),
            holding(5, "", None),
        ];
        let found = |named: Option<&BTreeSet<MachineId>>, unit| {
            let (reach, missing) = judge(&fleet, &stop, named, unit);
            let missing: Vec<u8> = missing.iter().map(|machine| machine.0[0]).collect();
            (reach.acknowledged, reach.connected, missing)
        };
        // Of the fifth nobody knows where it stands.
        assert_eq!(found(None, None), (2, 5, vec![2, 3, 5]));
        assert_eq!(found(None, Some("icu")), (1, 4, vec![2, 3, 5]));
        let mut all = Reach {
            connected: 4,
            acknowledged: 2,
            missing: Vec::new(),
        };
        let other = |reach: &[(String, (usize, usize))]| Elsewhere {
            is_moving: true,
            connected: 5,
            reach: reach.iter().cloned().collect(),
        };
        // One has said how far it is; the other has not.
        let said = (stop.digest.to_string(), (3, 3));
        all.and(&[other(&[said]), other(&[])], &stop.digest);
        assert_eq!((all.connected, all.acknowledged), (12, 5));
        let named = BTreeSet::from([MachineId([3; 32]), MachineId([4; 32])]);
        assert_eq!(found(Some(&named), None), (1, 2, vec![3]));
    }
}
