//! Gathering what a forecast is made from, out of the store. It decides nothing.

mod hindrance;

pub use hindrance::Hindrance;

use crate::command::plan::standing::unsigned;
use crate::control::Failure;
use crate::forecast::curve::{self, Due, Hope, Point, Slot};
use crate::forecast::{Counts, History, Outcome};
use crate::item::Owner;
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::machines::MachineLine;
use crate::store::plans::Plan;
use crate::store::prospects::Unfit;
use hindrance::Ground;
use patchward_common::codec;
use patchward_common::id::MachineId;
use patchward_common::job::State;
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::words::counted;
use std::collections::BTreeMap;

/// Most points of a curve that are computed and shown.
const MOST_POINTS: usize = 24;

/// What is to be expected of a plan.
#[derive(Clone, Debug)]
pub struct Prospect {
    /// How many machines it has.
    pub machines: usize,
    /// How many of them are done.
    pub done: usize,
    /// How many are done by when.
    pub curve: Vec<Point>,
    /// When it has to be done and how that stands, where a date was entered.
    pub due: Option<(UtcMs, Due)>,
    /// Machines that will probably be left behind.
    pub starving: Vec<Starving>,
    /// Machines that fit in no slot.
    pub unfit: Vec<Unfit>,
    /// Machines of the plan that cannot be done as things stand.
    pub hindered: Vec<(MachineId, Hindrance)>,
}

/// A machine that will probably be left behind.
#[derive(Clone, Debug)]
pub struct Starving {
    /// The machine.
    pub machine: MachineId,
    /// How likely it is done when its last slot is over.
    pub chance: f64,
    /// What its slots were mostly missed for.
    pub miss: Option<Outcome>,
    /// When the last slot that can help begins.
    pub last: UtcMs,
}

/// What is to be expected at `now` of a plan, with its enrolled machines at hand; `refused` is what
/// is missing for those of them to accept it that do not.
pub async fn of_plan(
    view: &mut View,
    plan: &Plan,
    lines: &BTreeMap<MachineId, MachineLine>,
    refused: Option<&BTreeMap<MachineId, String>>,
    now: UtcMs,
) -> Result<Prospect, Failure> {
    let counts = view.outcomes_of_plan(&plan.id).await?;
    let Hoped {
        hopes,
        hindered,
        last,
    } = hopes(view, plan, (lines, refused), &counts, now).await?;
    let due = view.due_of(&plan.id).await?;
    let times = times(&hopes, now, due);
    let at_due = |due: UtcMs| {
        let point = curve::curve(&hopes, &[due]);
        let judged = point.first().map(|point| curve::due(point, hopes.len()));
        judged.map(|judged| (due, judged))
    };
    let starving = curve::starving(&hopes)
        .into_iter()
        .map(|(machine, chance)| Starving {
            machine,
            chance,
            miss: counts.get(&machine).and_then(Counts::usual_miss),
            last: last.get(&machine).copied().unwrap_or(now),
        });
    Ok(Prospect {
        machines: hopes.len(),
        done: hopes.iter().filter(|hope| hope.done.is_some()).count(),
        curve: curve::curve(&hopes, &times),
        due: due.and_then(at_due),
        starving: starving.collect(),
        unfit: view.unfit_of(&plan.id).await?,
        hindered,
    })
}

/// What may be hoped of the machines of a plan.
#[derive(Default)]
struct Hoped {
    hopes: Vec<Hope>,
    hindered: Vec<(MachineId, Hindrance)>,
    /// When the last slot of each begins that can still be used.
    last: BTreeMap<MachineId, UtcMs>,
}

async fn hopes(
    view: &mut View,
    plan: &Plan,
    (lines, refused): (
        &BTreeMap<MachineId, MachineLine>,
        Option<&BTreeMap<MachineId, String>>,
    ),
    counts: &BTreeMap<MachineId, Counts>,
    now: UtcMs,
) -> Result<Hoped, Failure> {
    let fleet = view.outcomes().await?;
    let histories = view.interlock_histories_of_plan(&plan.id).await?;
    let unheard = History::default();
    let jobs = view.jobs_of_plan(&plan.id).await?;
    let jobs: BTreeMap<MachineId, Job> = jobs.into_iter().map(|job| (job.machine, job)).collect();
    let is_to_begin = |machine: &MachineId| waits(jobs.get(machine));
    let mut ground = Ground::read(view, plan, is_to_begin, now).await?;
    let mut hoped = Hoped::default();
    for stored in view.leaves(&plan.id).await? {
        let leaf: PlanLeaf = codec::decode_deterministic(&stored.bytes, MAX_LEAF_BYTES)
            .map_err(|error| Failure::conflict(format!("plan {}: {error}", plan.title)))?;
        let machine = leaf.machine;
        let job = jobs.get(&machine);
        let mut slots = Vec::new();
        let missing = refused.and_then(|refused| refused.get(&machine));
        if let Some(missing) = missing.filter(|_| waits(job)) {
            let why = format!("it refuses its plan: {}", unsigned(&[missing]));
            let hindrance = hindrance::because(Owner::Security, why);
            hoped.hindered.push((machine, hindrance));
        } else if waits(job) {
            match ground.slots(view, &leaf, lines.get(&machine)).await? {
                Ok(kept) => slots = kept,
                Err(hindrance) => hoped.hindered.push((machine, hindrance)),
            }
        }
        let history = histories.get(&machine).unwrap_or(&unheard);
        let own = counts.get(&machine).copied().unwrap_or_default();
        let chance = |slot: Interval| own.chance(&fleet, history.idle_share(slot));
        let last = slots.last().map(|slot| (machine, slot.start()));
        hoped.last.extend(last);
        hoped.hopes.push(hope(machine, &slots, job, now, chance));
    }
    Ok(hoped)
}

/// Whether work is still to begin.
fn waits(job: Option<&Job>) -> bool {
    job.is_none_or(|job| !job.state.is_final() && !job.state.is_open())
}

/// What may be hoped of one machine: what it did, or its slots that can still be used.
pub fn hope(
    machine: MachineId,
    slots: &[Interval],
    job: Option<&Job>,
    now: UtcMs,
    chance: impl Fn(Interval) -> f64,
) -> Hope {
    let mut hope = Hope {
        machine,
        done: None,
        slots: Vec::new(),
    };
    match job {
        Some(job) if is_done(&job.state) => {
            hope.done = Some(job.since);
        }
        Some(job) if job.state.is_final() => {}
        Some(job) if job.state.is_open() => {
            // It has started; the end of its slot is when it is known.
            let end = job.slot.map_or(now, Interval::end).max(now);
            hope.slots.push(Slot { end, chance: 1.0 });
        }
        _ => hope.slots.extend(slots.iter().map(|slot| Slot {
            end: slot.end(),
            chance: chance(*slot),
        })),
    }
    hope
}

fn is_done(state: &State) -> bool {
    matches!(state, State::Verified | State::Attested | State::InService)
}

/// Now, the due date, and ends of slots spread over the plan.
fn times(hopes: &[Hope], now: UtcMs, due: Option<UtcMs>) -> Vec<UtcMs> {
    let ends = hopes.iter().flat_map(|hope| &hope.slots);
    let mut ends: Vec<UtcMs> = ends.map(|slot| slot.end).collect();
    ends.sort();
    ends.dedup();
    let apart = ends.len().div_ceil(MOST_POINTS).max(1);
    // The last one always.
    let kept = ends.iter().rev().step_by(apart).copied();
    let mut times: Vec<UtcMs> = kept.chain([now]).chain(due).collect();
    times.sort();
    times.dedup();
    times
}

impl Prospect {
    /// What is said when a plan is made and above its curve; `shown` is how people read an instant.
    pub fn text(&self, shown: impl Fn(UtcMs) -> String) -> String {
        let mut text = match self.curve.last() {
            Some(_) if self.done == self.machines => match self.machines {
                1 => "Its machine is done.".to_owned(),
                all => format!("All {all} machines are done."),
            },
            Some(last) if last.high <= self.done => format!(
                "Of {} {} done, and as things stand it stays so.",
                counted(self.machines, "machine", "machines"),
                counted(self.done, "is", "are"),
            ),
            Some(last) => format!(
                "Of {} {} done; by {} it will be {}, and nine times of ten at least {}.",
                counted(self.machines, "machine", "machines"),
                counted(self.done, "is", "are"),
                shown(last.at),
                last.middle,
                last.low
            ),
            None => "There is no machine in it.".to_owned(),
        };
        match self.due {
            None => text.push_str(" No due date is entered: `plan due`."),
            Some((due, Due::Kept)) => {
                text.push_str(&format!(" It keeps its due date {}.", shown(due)))
            }
            Some((due, Due::AtRisk(left))) => text.push_str(&format!(
                " Its due date {} is at risk: {} may not be done by then.",
                shown(due),
                counted(left, "machine", "machines")
            )),
            Some((due, Due::Missed(left))) => text.push_str(&format!(
                " It will miss its due date {}: {} probably not done by then. \
                 Add windows, lower a minimum ready, or ask for an exception.",
                shown(due),
                counted(left, "machine is", "machines are")
            )),
        }
        if !self.hindered.is_empty() {
            text.push_str(&format!(
                " {} cannot be done as things stand: `plan forecast` names each with the reason.",
                counted(self.hindered.len(), "machine", "machines")
            ));
        }
        if !self.starving.is_empty() {
            text.push_str(&format!(
                " {} will probably be left behind.",
                counted(self.starving.len(), "machine", "machines")
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::digest::Digest;
    use patchward_common::id::JobId;
    use patchward_common::job::Reason;

    fn slot(start: i64, end: i64) -> Interval {
        Interval::new(UtcMs(start), UtcMs(end)).unwrap()
    }

    #[test]
    fn only_slots_that_are_left_give_hope_and_what_ended_gives_none() {
        let machine = MachineId([1; 32]);
        let left = [slot(30, 40), slot(50, 60)];
        let job = |state| Job {
            id: JobId([1; 16]),
            plan: Digest::default(),
            machine,
            wave: 0,
            state,
            since: UtcMs(22),
            attempt: 1,
            slot: Some(slot(10, 20)),
            generation: 1,
        };
        let shown = |state: Option<State>| {
            let job = state.map(job);
            let hope = hope(machine, &left, job.as_ref(), UtcMs(25), |_| 0.5);
            let ends: Vec<i64> = hope.slots.iter().map(|slot| slot.end.0).collect();
            (hope.done.map(|at| at.0), ends)
        };
        assert_eq!(shown(None), (None, vec![40, 60]));
        assert_eq!(shown(Some(State::Armed)), (None, vec![40, 60]));
        assert_eq!(shown(Some(State::Installing)), (None, vec![25]));
        assert_eq!(shown(Some(State::Verified)), (Some(22), vec![]));
        let failed = State::Failed(Reason::new("x"));
        assert_eq!(shown(Some(failed)), (None, vec![]));
    }

    #[test]
    fn a_curve_has_few_points_and_its_last_one() {
        let slots = (1..=500).map(|end| Slot {
            end: UtcMs(end),
            chance: 0.1,
        });
        let hopes = [Hope {
            machine: MachineId([1; 32]),
            done: None,
            slots: slots.collect(),
        }];
        let times = times(&hopes, UtcMs(0), Some(UtcMs(250)));
        assert!(times.len() <= MOST_POINTS + 2);
        assert_eq!(times.last(), Some(&UtcMs(500)));
        assert!(times.contains(&UtcMs(250)) && times.contains(&UtcMs(0)));
    }
}
