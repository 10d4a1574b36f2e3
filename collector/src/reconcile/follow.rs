//! Follows what other collectors on the same database write: what this one remembers of it is
//! read anew, and its machines are told. Only where others may be.

use crate::fleet::FleetHandle;
use crate::store::followed::Written;
use crate::store::inventory::MachineSet;
use crate::store::machines::MachineState;
use crate::store::{Store, StoreError};
use patchward_common::id::MachineId;
use patchward_common::time::{MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::wire::collector::Nudge;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// How often the audit log is looked at: a stop that was given to another collector is on its way
/// to the machines of this one within it.
pub const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// Rows that are followed at once.
const ROWS: u32 = 1_000;
/// How often it is looked at what machines said to others.
const REPORTS_EVERY_MS: i64 = 5 * SECOND_MS;
/// How far clocks of collectors may be apart, and a report may be on its way into the store.
const APART_MS: i64 = 2 * MINUTE_MS;

/// Up to where this collector has followed the others.
#[derive(Debug)]
pub struct Follow {
    /// The last row of the audit log.
    seen: u64,
    /// When it was looked last at what machines said.
    looked: UtcMs,
    /// What machines were found to have since a while ago.
    sets: HashMap<MachineId, MachineSet>,
    /// Machines that others revoked, and that handshakes are not refused to yet.
    revoked: BTreeSet<MachineId>,
}

/// What follows from some rows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Due {
    stop: bool,
    orders: bool,
    tables: bool,
    waiting: bool,
    confirmed: bool,
    machines: Vec<MachineId>,
    moved: Vec<MachineId>,
}

impl Follow {
    /// From here on. Asked before anything is read that is remembered.
    pub async fn begin(store: &Store, now: UtcMs) -> Result<Self, StoreError> {
        Ok(Self {
            seen: store.hear().await?,
            looked: now,
            sets: HashMap::new(),
            revoked: BTreeSet::new(),
        })
    }

    /// Follows what was written since.
    ///
    /// # Errors
    /// Those of the store; the next look follows then.
    pub async fn run(
        &mut self,
        store: &Store,
        fleet: &FleetHandle,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        self.rows(store, fleet).await?;
        self.revoke(fleet).await?;
        if !(0..REPORTS_EVERY_MS).contains(&now.since_ms(self.looked)) {
            self.reports(store, fleet, now).await?;
        }
        Ok(())
    }

    async fn rows(&mut self, store: &Store, fleet: &FleetHandle) -> Result<(), StoreError> {
        let head = store.hear().await?;
        if head <= self.seen {
            return Ok(());
        }
        let mut view = store.view().await?;
        let rows = view.written_after(self.seen, ROWS).await?;
        let is_all = rows.len() < ROWS as usize;
        let last = rows.last().map_or(head, |row| row.seq);
        let due = Due::of(rows.iter().filter(|row| !store.wrote(row.seq)));
        let mut revoked = BTreeSet::new();
        for machine in &due.moved {
            let machine = view.machine(machine).await?;
            revoked.extend(machine.filter(|one| !is_kept(one.state)).map(|one| one.id));
        }
        drop(view);
        act(fleet, due, &revoked);
        // What takes longer is remembered: what was acted on is not followed again for it.
        self.revoked.extend(revoked);
        self.seen = if is_all { head } else { last };
        Ok(())
    }

    /// Makes revocations felt, however many there are: handshakes are refused by one list.
    async fn revoke(&mut self, fleet: &FleetHandle) -> Result<(), StoreError> {
        if self.revoked.is_empty() {
            return Ok(());
        }
        let revoked: Vec<_> = self.revoked.iter().copied().collect();
        fleet.revoked(&revoked).await.map_err(|error| match error {
            crate::fleet::FleetError::Store(error) => error,
            other => StoreError::Invalid(other.to_string()),
        })?;
        self.revoked.clear();
        Ok(())
    }

    /// What machines said to others: inventories for the index, and who went where.
    async fn reports(
        &mut self,
        store: &Store,
        fleet: &FleetHandle,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let since = now.min(self.looked).plus_ms(-APART_MS);
        let mut view = store.view().await?;
        let mut members = HashMap::new();
        let sets = view.machine_sets_since(since).await?;
        for set in &sets {
            if self.sets.get(&set.machine) == Some(set) {
                continue;
            }
            let members = match members.entry(set.digest) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(view.members_of(&set.digest).await?),
            };
            if let Some(members) = members {
                fleet.reported_elsewhere(&set.machine, set.digest, members);
            }
        }
        let heard = view.heard_after(since).await?;
        fleet.heard_elsewhere(&heard);
        self.sets = sets.into_iter().map(|set| (set.machine, set)).collect();
        self.looked = now;
        Ok(())
    }
}

/// Whether machines of a state keep their certificates.
fn is_kept(state: MachineState) -> bool {
    matches!(state, MachineState::Enrolled | MachineState::Stored)
}

fn act(fleet: &FleetHandle, due: Due, revoked: &BTreeSet<MachineId>) {
    due.machines
        .iter()
        .for_each(|machine| fleet.machine_changed(machine));
    for machine in &due.moved {
        if !revoked.contains(machine) {
            fleet.disconnect(machine);
        }
    }
    if due.confirmed {
        fleet.confirmed();
    }
    if due.tables {
        fleet.orders_moved();
    }
    if due.orders {
        fleet.nudge_all(Nudge::OrdersChanged);
    }
    if due.stop {
        fleet.nudge_all(Nudge::Stop);
    }
    if due.waiting {
        fleet.ask_waiting_again();
    }
}

impl Due {
    fn of<'w>(rows: impl Iterator<Item = &'w Written>) -> Self {
        let mut due = Self::default();
        for row in rows {
            due.add(row);
        }
        due
    }

    fn add(&mut self, row: &Written) {
        let machine = row.subject.parse::<MachineId>().ok();
        let says = |key: &str, word: &str| {
            let detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap_or_default();
            detail[key] == word
        };
        match row.action.as_str() {
            "document.add" if says("kind", "stop") => self.stop = true,
            "document.add" | "document.end" => self.orders = true,
            "plan.move" if says("to", "active") => self.orders = true,
            // Nobody is told of a plan that is over: it comes with the next orders.
            "plan.move" | "document.sign" => self.tables = true,
            "collector.confirm" => self.confirmed = true,
            "machine.move" => self.moved.extend(machine),
            "enrolment.accept" => self.machines.extend(machine),
            action if action.starts_with("machine.") => self.machines.extend(machine),
            // Something that kept machines from starting may be gone.
            _ => self.waiting = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(action: &str, subject: &str, detail: &str) -> Written {
        Written {
            seq: 1,
            action: action.into(),
            subject: subject.into(),
            detail: detail.into(),
        }
    }

    #[test]
    fn each_row_has_its_own_consequence() {
        let machine = MachineId([7; 32]);
        let due = |action: &str, detail: &str| {
            Due::of([row(action, &machine.to_string(), detail)].iter())
        };
        let none = Due::default;
        assert!(
            due("document.add", r#"{"kind":"stop"}"#)
                == Due {
                    stop: true,
                    ..none()
                }
        );
        assert!(
            due("document.add", r#"{"kind":"lift"}"#)
                == Due {
                    orders: true,
                    ..none()
                }
        );
        assert!(
            due("plan.move", r#"{"to":"active"}"#)
                == Due {
                    orders: true,
                    ..none()
                }
        );
        assert!(
            due("plan.move", r#"{"to":"done"}"#)
                == Due {
                    tables: true,
                    ..none()
                }
        );
        assert!(
            due("wave.open", "{}")
                == Due {
                    waiting: true,
                    ..none()
                }
        );
        assert!(
            due("collector.confirm", "not JSON")
                == Due {
                    confirmed: true,
                    ..none()
                }
        );
        let moved = Due {
            moved: vec![machine],
            ..none()
        };
        assert!(due("machine.move", "{}") == moved);
        let changed = Due {
            machines: vec![machine],
            ..none()
        };
        assert!(due("machine.place", "{}") == changed);
        assert!(due("enrolment.accept", "{}") == changed);
    }
}
