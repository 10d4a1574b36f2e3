//! Gathering every open item and how each machine stands, out of the store.

mod against;
mod answers;
mod asked;
mod elsewhere;
mod expiring;
mod exposure;
mod fallen;
mod halted;
mod jobs;
mod matches;
mod metadata;
mod newest;
mod one;
mod restored;
mod stops;
mod undelivered;
mod unsigned;
mod unsupported;
mod waiting;
mod ward;
mod withheld;

pub use against::against;
pub use answers::{Stale, stale_answers};
pub use fallen::fallen;
pub use metadata::{
    all_ending as metadata_ending, first_end as metadata_ends, own as metadata_own,
};
pub use one::{item_of, slot_of};
pub use waiting::back_from;

use crate::command::plan::again;
use crate::command::plan::standing::Refused;
use crate::control::Failure;
use crate::fleet::FleetHandle;
use crate::forecast::Outcome;
use crate::item::machine::Exception;
use crate::item::refused::Refusal;
use crate::item::shift::NextSlot;
use crate::item::standing::{Known, Standing, standing};
use crate::item::{Item, Kind, Owner, age, machine, sort};
use crate::prospect;
use crate::replan;
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::machines::MachineLine;
use crate::store::plans::{Plan, PlanState};
use crate::store::stops::HaltScope;
use crate::waves;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId, Name};
use patchward_common::plan::{MAX_LEAF_BYTES, wave_number};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::PlanLeaf;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything open, and how the machines stand.
#[derive(Debug)]
pub struct Agenda {
    /// Raised ones first, then the oldest.
    pub items: Vec<Item>,
    /// Every enrolled machine's standing, by name.
    pub machines: BTreeMap<String, Standing>,
    /// Slots of active plans that have not ended, by start.
    pub slots: Vec<NextSlot>,
    /// The unit of every enrolled machine, by its name.
    pub units: BTreeMap<String, Name>,
    /// The machines that are held at the machine itself, by name, and until when.
    pub held: Vec<(String, UtcMs)>,
    /// When any of them was last heard.
    pub heard_at: Option<UtcMs>,
}

struct Gathering<'a> {
    view: &'a mut View,
    now: UtcMs,
    refused: HashMap<JobId, Refusal>,
    lines: BTreeMap<MachineId, MachineLine>,
    next: BTreeMap<JobId, Interval>,
    items: Vec<Item>,
    slots: Vec<NextSlot>,
    withheld: BTreeMap<JobId, String>,
    /// Plans that were given out and that machines of theirs refuse.
    unsigned: BTreeMap<Digest, Refused>,
}

/// Reads all of it.
pub async fn gather(fleet: &FleetHandle, view: &mut View, now: UtcMs) -> Result<Agenda, Failure> {
    let lines = replan::enrolled(view).await?;
    let mut gathering = Gathering {
        view,
        now,
        refused: fleet.refusals(),
        lines,
        next: BTreeMap::new(),
        items: Vec::new(),
        slots: Vec::new(),
        withheld: BTreeMap::new(),
        unsigned: BTreeMap::new(),
    };
    gathering.unsigned().await?;
    gathering.plans().await?;
    let exceptions = gathering.view.exceptions().await?;
    let newest = gathering.jobs(&exceptions).await?;
    let fallen = gathering.fallen(&newest).await?;
    let away = gathering.view.away_machines().await?;
    gathering.machines(&exceptions, &away).await?;
    gathering.elsewhere(&away).await?;
    gathering.outside().await?;
    gathering.expiring(fleet, &away).await?;
    gathering.answers().await?;
    gathering.stops(fleet).await?;
    gathering.ward().await?;
    gathering.matches().await?;
    gathering.unsupported(fleet).await?;
    gathering.cases().await?;
    gathering.reviews().await?;
    gathering.trainings().await?;
    gathering.undelivered().await?;
    gathering.restored().await?;
    let attested = gathering.view.attested_jobs().await?;
    let machines = gathering.standings(&newest, &fallen, &exceptions, &attested);
    let Gathering {
        mut items,
        mut slots,
        lines,
        ..
    } = gathering;
    let heard_at = lines.values().filter_map(|line| line.seen_at).max();
    let held = ward::held_there(lines.values(), now);
    let units = lines.into_values();
    let units = units.map(|line| (line.name.to_string(), line.unit));
    sort(&mut items, now);
    slots.sort();
    Ok(Agenda {
        items,
        machines,
        slots,
        units: units.collect(),
        held,
        heard_at,
    })
}

impl Gathering<'_> {
    /// The name of a machine, and a plain item about it.
    fn about(&self, machine: &MachineId) -> String {
        let line = self.lines.get(machine);
        line.map_or_else(|| machine.to_string(), |line| line.name.to_string())
    }

    async fn of_plan(
        &mut self,
        kind: Kind,
        plan: &Plan,
        owner: Owner,
        since: UtcMs,
        why: String,
    ) -> Result<(), Failure> {
        let mut units = self.view.units_of_plan(&plan.id).await?.into_iter();
        self.items.push(Item {
            kind,
            subject: plan.short(),
            about: plan.title.to_string(),
            // Of several units it is none's own.
            unit: units.next().filter(|_| units.next().is_none()).flatten(),
            class: None,
            owner,
            since,
            raise_at: None,
            why,
        });
        Ok(())
    }

    async fn plans(&mut self) -> Result<(), Failure> {
        for plan in self.view.plans(Some(PlanState::Draft)).await? {
            if self.now < plan.expires_at {
                let why = match self.view.signatures(&plan.id).await?.len() {
                    0 => "it waits for signatures".to_owned(),
                    1 => "1 has signed, and it waits for another".to_owned(),
                    more => format!("{more} have signed, and it waits for others"),
                };
                self.of_plan(Kind::Sign, &plan, Owner::Htm, plan.created_at, why)
                    .await?;
            }
        }
        for plan in self.view.plans(Some(PlanState::Active)).await? {
            let refused = self.unsigned.get(&plan.id);
            // Nothing of it starts, and security is told so.
            if refused.is_some_and(|refused| refused.is_whole) {
                continue;
            }
            self.slots_and_waves(&plan).await?;
            let subject = plan.id.to_string();
            let halts = self.view.halts_of(HaltScope::Plan, &subject).await?;
            let halts = halts.into_iter().filter(|halt| halt.resumed_at.is_none());
            for halt in halts.take(1) {
                self.of_plan(Kind::Halted, &plan, Owner::Htm, halt.at, halt.reason)
                    .await?;
            }
            self.left_behind(&plan).await?;
            if self.view.is_stopped(&plan.id, self.now).await? {
                continue;
            }
            let units = again::units(self.view, &plan).await?;
            let left = replan::of_plan(self.view, &plan, &units, &self.lines, self.now).await?;
            self.withheld(&plan, &left).await?;
            if let Some(why) = left.words() {
                let short = plan.short();
                let why = format!("{why}; `plan again {short}` makes one for them");
                // Since when windows, freezes or the fleet are otherwise, nobody noted.
                self.of_plan(Kind::Replan, &plan, Owner::Htm, plan.changed_at, why)
                    .await?;
            }
        }
        self.halted_on_models().await
    }

    /// The machines that fit in no slot of a plan, or will probably not use theirs.
    async fn left_behind(&mut self, plan: &Plan) -> Result<(), Failure> {
        let prospect = {
            let refused = self.unsigned.get(&plan.id).map(|refused| &refused.machines);
            prospect::of_plan(self.view, plan, &self.lines, refused, self.now).await?
        };
        let starving = prospect.starving.iter().map(|one| {
            let owner = match one.miss {
                Some(Outcome::InUse | Outcome::Held) => Owner::Ward,
                Some(Outcome::Offline) => Owner::It,
                Some(Outcome::NoFit | Outcome::Started) | None => Owner::Htm,
            };
            let usual = one.miss.map_or_else(String::new, |miss| {
                format!("; its slots were mostly missed as {}", miss.word())
            });
            let percent = (one.chance * 100.0).round();
            let why = format!("done by the end of {} at {percent} %{usual}", plan.title);
            let raise_at = one.last.plus_ms(-age::BEFORE_LAST_SLOT_MS);
            (Kind::Starving, one.machine, owner, Some(raise_at), why)
        });
        let unfit = prospect.unfit.iter().map(|one| {
            let owner = Owner::of_word(&one.owner).unwrap_or(Owner::Htm);
            (Kind::Unfit, one.machine, owner, None, one.reason.clone())
        });
        let found: Vec<_> = starving.chain(unfit).collect();
        for (kind, machine, owner, raise_at, why) in found {
            let about = self.about(&machine);
            let line = self.lines.get(&machine);
            let short = plan.short();
            self.items.push(Item {
                kind,
                subject: format!("{about}/{short}"),
                unit: line.map(|line| line.unit.clone()),
                class: line.map(|line| line.class),
                about,
                owner,
                since: plan.created_at,
                raise_at,
                why,
            });
        }
        Ok(())
    }

    /// The next slot of every machine, and the wave about which HTM is asked.
    async fn slots_and_waves(&mut self, plan: &Plan) -> Result<(), Failure> {
        let mut firsts = waves::Firsts::new();
        for stored in self.view.leaves(&plan.id).await? {
            let Ok(leaf) = codec::decode_deterministic::<PlanLeaf>(&stored.bytes, MAX_LEAF_BYTES)
            else {
                continue;
            };
            waves::note_first(&mut firsts, stored.wave, &leaf);
            let next = leaf.slots.iter().find(|slot| self.now < slot.end());
            if let Some(slot) = next {
                self.next.insert(JobId::of(plan.id, leaf.machine), *slot);
            }
        }
        for wave in waves::of_plan(self.view, plan, &firsts, self.now).await? {
            if let (Some(closed), Some(since)) = (wave.closed, wave.asked_since) {
                let number = wave_number(wave.counts.wave);
                let short = plan.short();
                let why = format!(
                    "may wave {number} begin? {closed}; `rollout open {short} --wave {number}`"
                );
                self.of_plan(Kind::Question, plan, Owner::Htm, since, why)
                    .await?;
            }
        }
        Ok(())
    }

    async fn machines(
        &mut self,
        exceptions: &BTreeMap<MachineId, Exception>,
        away: &BTreeSet<MachineId>,
    ) -> Result<(), Failure> {
        let unknown = self.view.interlocks_unknown().await?;
        for (id, line) in &self.lines {
            let facts = machine::Facts {
                name: line.name.as_str(),
                unit: &line.unit,
                class: line.class,
                // Of what is loaned or put away nobody expects to hear.
                seen: line.seen_at.filter(|_| !away.contains(id)),
                copied: line.clone_suspected_at,
                interlock_unknown: unknown.get(id).copied(),
                exception: exceptions.get(id),
            };
            self.items.extend(machine::items(&facts, self.now));
        }
        self.waiting().await?;
        Ok(())
    }

    /// What comes from outside of the hospital: calendars and vendors.
    async fn outside(&mut self) -> Result<(), Failure> {
        let item = |kind, subject: String, since, why| Item {
            kind,
            about: subject.clone(),
            subject,
            unit: None,
            class: None,
            owner: Owner::It,
            since,
            raise_at: None,
            why,
        };
        for feed in self.view.feeds().await? {
            if let Some(problem) = feed.problem {
                let name = feed.source.to_string();
                self.items
                    .push(item(Kind::Calendar, name, feed.read_at, problem));
            }
        }
        for (vendor, _, told) in metadata::all_ending(self.view, self.now).await? {
            let name = vendor.to_string();
            self.items
                .push(item(Kind::Metadata, name, told.since, told.why));
        }
        Ok(())
    }

    /// The items of machines on which a verified version is gone; gives back which.
    async fn fallen(
        &mut self,
        newest: &BTreeMap<MachineId, (Job, Option<Item>)>,
    ) -> Result<BTreeSet<MachineId>, Failure> {
        let mut measured = fallen::Measured::default();
        let mut found = BTreeSet::new();
        let sets = self.view.machine_sets().await?.into_iter();
        let sets: BTreeMap<MachineId, _> = sets.map(|set| (set.machine, set)).collect();
        for (id, (job, _)) in newest {
            let fallen = measured.fallen(self.view, job, sets.get(id)).await?;
            let (Some(fallen), Some(line)) = (fallen, self.lines.get(id)) else {
                continue;
            };
            found.insert(*id);
            self.items.push(Item {
                kind: Kind::Fallen,
                subject: line.name.to_string(),
                about: line.name.to_string(),
                unit: Some(line.unit.clone()),
                class: Some(line.class),
                owner: Owner::It,
                since: fallen.since,
                raise_at: None,
                why: fallen.why,
            });
        }
        Ok(found)
    }

    fn standings(
        &self,
        newest: &BTreeMap<MachineId, (Job, Option<Item>)>,
        fallen: &BTreeSet<MachineId>,
        exceptions: &BTreeMap<MachineId, Exception>,
        attested: &BTreeSet<JobId>,
    ) -> BTreeMap<String, Standing> {
        let of_line = |(id, line): (&MachineId, &MachineLine)| {
            let known = Known {
                class: line.class,
                seen: line.seen_at,
                exception: exceptions.get(id),
                job: newest
                    .get(id)
                    .map(|(job, item)| (&job.state, item.as_ref())),
                attested: newest
                    .get(id)
                    .is_some_and(|(job, _)| attested.contains(&job.id)),
                fallen: fallen.contains(id),
            };
            (line.name.to_string(), standing(&known, self.now))
        };
        self.lines.iter().map(of_line).collect()
    }
}
