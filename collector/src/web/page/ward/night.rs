//! The night of one unit, out of the store: its machines, who stands in for them, whom to
//! call. Only the unit's own machines and those beside them are read: many screens ask.

use super::stands::{Known, Stands};
use crate::agenda::{item_of, slot_of};
use crate::app::App;
use crate::calls::Lists;
use crate::command::TONIGHT_MS;
use crate::command::zones::Zones;
use crate::control::Failure;
use crate::item::Kind;
use crate::rollout::usable::{Usable, usable};
use crate::store::View;
use crate::store::go::GroupSnapshot;
use crate::store::holds::Hold;
use crate::store::jobs::{Job, Standing};
use crate::store::machines::{Machine, MachineLine, MachineState};
use crate::store::places::Unit;
use crate::store::windows::Area;
use patchward_common::id::{MachineId, Name};
use patchward_common::job::State;
use patchward_common::time::{Interval, UtcMs};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The night of a unit.
pub struct Night {
    /// What people call the unit.
    pub title: String,
    /// When this was true.
    pub as_of: String,
    /// Until when it looks ahead.
    pub until: String,
    /// Machines about which there is something to say, the first to go down first.
    pub machines: Vec<Tonight>,
    /// The others.
    pub quiet: Vec<String>,
    /// "Not now" for the whole unit.
    pub holds: Vec<HeldHere>,
    /// Who is called, and how, in this order.
    pub calls: Vec<(String, String)>,
}

/// One machine.
pub struct Tonight {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub stands: Stands,
    /// From when to when it may be down.
    pub slots: Vec<String>,
    /// Who stands in for it.
    pub stand_ins: Vec<StandIn>,
    /// "Not now" for this machine.
    pub holds: Vec<HeldHere>,
    /// Whether its handover was asked for.
    pub is_asked: bool,
}

/// A machine that stands in for another.
pub struct StandIn {
    /// Its name.
    pub name: String,
    /// Its unit, where it is another.
    pub unit: Option<String>,
    /// Whether it can be used now.
    pub usable: Usable,
}

/// "Not now", as it stands on the page.
pub struct HeldHere {
    /// Until when.
    pub until: String,
    /// Why.
    pub reason: String,
    /// Who said it.
    pub by: String,
    /// Who said it, as the store knows them; `None` where it was said at the machine itself.
    pub set_by: Option<String>,
}

/// What the store says of a machine.
struct Facts {
    slots: Vec<Interval>,
    open: Option<(State, Option<Interval>)>,
    needs: Option<Kind>,
}

struct Reading<'a> {
    app: &'a App,
    view: &'a mut View,
    unit: &'a Unit,
    zones: Zones,
    now: UtcMs,
    /// The jobs of each machine that was read, newest first; without what it came back from.
    jobs: HashMap<MachineId, Vec<Job>>,
    /// Its slots until this time tomorrow, as Today has them.
    slots: HashMap<MachineId, Vec<Interval>>,
    groups: BTreeMap<Name, Members>,
}

/// A coverage group, with its members that belong to the fleet, by their ids.
struct Members {
    group: GroupSnapshot,
    machines: HashMap<MachineId, Machine>,
}

/// Reads it.
pub async fn read(app: &App, view: &mut View, unit: &Unit) -> Result<Night, Failure> {
    let now = app.now();
    let zones = Zones::read(view).await?;
    let lists = Lists::read(view).await?;
    let holds = view.holds(now).await?;
    let asked: BTreeSet<MachineId> = {
        let asks = view.handover_asks().await?.into_iter();
        asks.map(|ask| ask.machine).collect()
    };
    let mut lines = view.machines(Some(&unit.name), None, u32::MAX).await?;
    lines.retain(|line| line.state == MachineState::Enrolled);
    lines.sort_by(|a, b| a.name.cmp(&b.name));
    let of_unit = on(&holds, Area::Unit, unit.name.as_str());
    let unit_until = of_unit.iter().map(|hold| hold.until).max();
    let mut reading = Reading {
        app,
        view,
        unit,
        zones,
        now,
        jobs: HashMap::new(),
        slots: HashMap::new(),
        groups: BTreeMap::new(),
    };
    reading.know(lines.iter().map(|line| line.id)).await?;
    let mut told = Vec::new();
    let mut quiet = Vec::new();
    for line in &lines {
        let said = on(&holds, Area::Machine, &line.id.to_string());
        let found = reading.machine(line, &said, unit_until).await?;
        let is_asked = asked.contains(&line.id);
        match found {
            (first, machine) if machine.stands != Stands::Quiet || is_asked => {
                told.push((
                    first,
                    Tonight {
                        is_asked,
                        ..machine
                    },
                ));
            }
            (_, machine) => quiet.push(machine.name),
        }
    }
    // What has no slot to come is under way or over, and comes first.
    told.sort_by_key(|(first, _)| *first);
    let clock = |at| reading.zones.clock(&unit.name, at);
    let called = lists.of_unit(&unit.name).iter();
    Ok(Night {
        title: unit.title.to_string(),
        as_of: clock(now),
        until: clock(now.plus_ms(TONIGHT_MS)),
        machines: told.into_iter().map(|(_, machine)| machine).collect(),
        quiet,
        holds: of_unit.into_iter().map(|hold| reading.held(hold)).collect(),
        calls: called
            .map(|level| (level.who.to_string(), level.contact.to_string()))
            .collect(),
    })
}

/// The holds of one thing.
fn on<'h>(holds: &'h [Hold], area: Area, subject: &str) -> Vec<&'h Hold> {
    let of_it = holds.iter();
    of_it
        .filter(|hold| hold.area == area && hold.subject == subject)
        .collect()
}

impl Reading<'_> {
    /// A machine, and when its first slot begins.
    async fn machine(
        &mut self,
        line: &MachineLine,
        said: &[&Hold],
        unit_until: Option<UtcMs>,
    ) -> Result<(Option<UtcMs>, Tonight), Failure> {
        let facts = self.facts(&line.id).await?;
        let here = line.hold_until.filter(|until| self.now < *until);
        let held = said.iter().map(|hold| hold.until).chain(here);
        let held = held.max();
        let known = Known {
            open: facts.open.as_ref().map(|(state, slot)| (state, *slot)),
            needs: facts.needs,
            // A hold of the unit is said once, above; it counts where something would start.
            held: held.max(unit_until.filter(|_| !facts.slots.is_empty())),
            slot: facts.slots.first().copied(),
        };
        let stands = Stands::of(&known, self.now);
        let mut holds: Vec<HeldHere> = said.iter().map(|hold| self.held(hold)).collect();
        holds.extend(here.map(|until| HeldHere {
            until: self.zones.clock(&self.unit.name, until),
            reason: "said at the machine".to_owned(),
            by: "the ward".to_owned(),
            set_by: None,
        }));
        let stand_ins = match stands {
            Stands::Quiet => Vec::new(),
            _ => self.stand_ins(&line.id, &facts.slots).await?,
        };
        let spans = facts.slots.iter();
        let machine = Tonight {
            name: line.name.to_string(),
            stands,
            slots: spans
                .map(|slot| self.zones.span(&self.unit.name, *slot))
                .collect(),
            stand_ins,
            holds,
            is_asked: false,
        };
        Ok((facts.slots.first().map(|slot| slot.start()), machine))
    }

    fn held(&self, hold: &Hold) -> HeldHere {
        HeldHere {
            until: self.zones.clock(&self.unit.name, hold.until),
            reason: hold.reason.replace('_', " "),
            by: who(&hold.set_by),
            set_by: Some(hold.set_by.clone()),
        }
    }

    async fn facts(&mut self, machine: &MachineId) -> Result<Facts, Failure> {
        let jobs = self.jobs.get(machine).map_or(&[][..], Vec::as_slice);
        let open = jobs
            .iter()
            .find(|job| Standing::of(&job.state) == Standing::Open);
        let open = open.map(|job| (job.state.clone(), job.slot));
        let needs = match (&open, newest_ended(jobs)) {
            (None, Some(job)) => {
                let item = item_of(&self.app.fleet, self.view, job, self.now).await?;
                item.map(|item| item.kind)
            }
            _ => None,
        };
        let slots = self.slots.get(machine).cloned().unwrap_or_default();
        Ok(Facts { slots, open, needs })
    }

    /// Reads the jobs and the slots of those that are not known yet, all at once.
    async fn know(&mut self, machines: impl Iterator<Item = MachineId>) -> Result<(), Failure> {
        let new = machines.filter(|machine| !self.slots.contains_key(machine));
        let new: Vec<MachineId> = new.collect();
        let mut jobs = self.view.unreturned_jobs_of(&new).await?;
        let planned = |machine: &&MachineId| {
            let jobs = jobs.get(*machine);
            jobs.is_some_and(|jobs| jobs.iter().any(|job| !job.state.is_final()))
        };
        let planned: Vec<MachineId> = new.iter().filter(planned).copied().collect();
        let leaves = self.view.leaves_in_force(&planned).await?;
        let until = self.now.plus_ms(TONIGHT_MS);
        for machine in new {
            let of_it = jobs.remove(&machine).unwrap_or_default();
            let leaves = leaves.get(&machine).map_or(&[][..], Vec::as_slice);
            let mut slots: Vec<Interval> = of_it
                .iter()
                .filter(|job| !job.state.is_final())
                .filter_map(|job| slot_of(leaves, job, self.now))
                .filter(|slot| slot.start() < until)
                .collect();
            slots.sort_unstable();
            slots.dedup();
            self.jobs.insert(machine, of_it);
            self.slots.insert(machine, slots);
        }
        Ok(())
    }

    /// Reads a group and its members; once, however many of the machines are in it.
    async fn know_group(&mut self, name: &Name) -> Result<(), Failure> {
        if self.groups.contains_key(name) {
            return Ok(());
        }
        let group = self.view.group_snapshot(name).await?;
        let enrolled = group.members.iter();
        let enrolled = enrolled.filter(|member| member.state == MachineState::Enrolled);
        let enrolled: Vec<MachineId> = enrolled.map(|member| member.machine).collect();
        self.know(enrolled.iter().copied()).await?;
        let machines = self.view.these_machines(enrolled).await?;
        let members = Members { group, machines };
        self.groups.insert(name.clone(), members);
        Ok(())
    }

    /// The members of its groups that are not down at the same time.
    async fn stand_ins(
        &mut self,
        machine: &MachineId,
        down: &[Interval],
    ) -> Result<Vec<StandIn>, Failure> {
        let (now, unit) = (self.now, self.unit);
        let mut found = BTreeMap::new();
        for name in self.view.groups_of(machine).await? {
            self.know_group(&name).await?;
            let Some(Members { group, machines }) = self.groups.get(&name) else {
                continue;
            };
            for member in &group.members {
                let other = machines.get(&member.machine);
                let other = other.filter(|_| member.machine != *machine);
                let own = self.slots.get(&member.machine);
                let (Some(other), Some(own)) = (other, own) else {
                    continue;
                };
                if meet(down, own) {
                    continue;
                }
                let elsewhere = other.unit != unit.name;
                let stand_in = StandIn {
                    name: other.name.to_string(),
                    unit: elsewhere.then(|| other.unit.to_string()),
                    usable: usable(member, now),
                };
                // In two groups it is one machine.
                found.entry(other.name.clone()).or_insert(stand_in);
            }
        }
        let mut stand_ins: Vec<StandIn> = found.into_values().collect();
        stand_ins.sort_by_key(|one| one.usable);
        Ok(stand_ins)
    }
}

/// The job that ended last, where it may still need a person.
fn newest_ended(jobs: &[Job]) -> Option<&Job> {
    let ended = jobs
        .iter()
        .filter(|job| Standing::of(&job.state) == Standing::Ended);
    ended.max_by_key(|job| job.since)
}

/// Whether two rows of slots meet.
fn meet(some: &[Interval], others: &[Interval]) -> bool {
    some.iter()
        .any(|one| others.iter().any(|other| one.overlaps(*other)))
}

/// Who said something, in words of the ward.
fn who(set_by: &str) -> String {
    match set_by.split_once(':') {
        Some(("kiosk", name)) => format!("the screen {name}"),
        Some(("person", name)) => name.to_owned(),
        _ => "IT".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_down_at_the_same_time_stands_in_for_nobody() {
        let slot = |from, to| Interval::new(UtcMs(from), UtcMs(to)).unwrap();
        assert!(meet(&[slot(1, 5)], &[slot(4, 9)]));
        assert!(!meet(&[slot(1, 5)], &[slot(5, 9)]), "one after the other");
        assert!(!meet(&[], &[slot(5, 9)]));
    }

    #[test]
    fn who_said_it_is_said_plainly() {
        assert_eq!(who("kiosk:icu-desk"), "the screen icu-desk");
        assert_eq!(who("person:ann"), "ann");
        assert_eq!(who("local:0"), "IT");
    }
}
