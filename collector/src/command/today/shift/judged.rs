//! What went wrong and what is down a moment ago: what was gathered may be older than that.

use crate::agenda;
use crate::app::App;
use crate::control::Failure;
use crate::item::down::down;
use crate::item::shift::ByJob;
use crate::item::{Item, Kind};
use crate::store::View;
use crate::store::jobs::{Job, Standing};
use crate::store::machines::{Machine, MachineState};
use patchward_common::id::JobId;
use patchward_common::job::State;
use patchward_common::time::UtcMs;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Most jobs that are judged for one list: those of a release that went wrong everywhere are
/// known when they are gathered next, within a minute.
const MOST: usize = 100;

/// The items of what was gathered, with those of jobs that went wrong as these are now.
#[derive(Debug)]
pub(super) struct Judged<'a> {
    /// All of them.
    pub(super) items: Cow<'a, [Item]>,
    /// Where the items of jobs that went wrong stand.
    known: HashMap<JobId, usize>,
    /// The jobs that were not judged.
    left: HashSet<JobId>,
}

/// What is known of a job that went wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// Somebody has to do something.
    Item(&'a Item),
    /// Nobody has to.
    Settled,
    /// Its machine is put away, or not in the fleet.
    Gone,
    /// It is too new.
    NotYet,
}

impl<'a> Found<'a> {
    pub(super) fn item(&self) -> Option<&'a Item> {
        match self {
            Self::Item(item) => Some(item),
            Self::Settled | Self::Gone | Self::NotYet => None,
        }
    }

    pub(super) fn words(&self) -> &'a str {
        match self {
            Self::Item(item) => &item.why,
            Self::Settled => {
                "nothing: a later job counts, or the machine is left as it is on purpose"
            }
            Self::Gone => "nothing here: the machine is put away, or not in the fleet any more",
            Self::NotYet => "not judged yet: look again in a minute, or `job show` says",
        }
    }
}

/// Whether an item is about a job that went wrong, as it is now.
fn is_about_wrong(item: &Item) -> bool {
    matches!(
        item.kind,
        Kind::Failed | Kind::Freed | Kind::RolledBack | Kind::Behind
    )
}

impl<'a> Judged<'a> {
    /// Judges the jobs that went wrong and of which nothing of that was gathered.
    pub(super) async fn of(
        app: &App,
        view: &mut View,
        gathered: &'a [Item],
        wrong: &[Job],
    ) -> Result<Self, Failure> {
        let told = gathered.iter().filter(|item| is_about_wrong(item));
        let told: HashSet<&str> = told.map(|item| item.subject.as_str()).collect();
        let untold = wrong.iter();
        let untold = untold.filter(|job| !told.contains(job.id.to_string().as_str()));
        let untold: Vec<&Job> = untold.collect();
        let mut fresh = Vec::new();
        for job in untold.iter().take(MOST) {
            let item = agenda::item_of(&app.fleet, view, job, app.now()).await?;
            fresh.push((job.id, item));
        }
        let left = untold.iter().skip(MOST).map(|job| job.id).collect();
        Ok(Self::with(gathered, fresh, left))
    }

    fn with(gathered: &'a [Item], fresh: Vec<(JobId, Option<Item>)>, left: HashSet<JobId>) -> Self {
        let mut items = Cow::Borrowed(gathered);
        if !fresh.is_empty() {
            let outdated: HashSet<String> = fresh.iter().map(|(job, _)| job.to_string()).collect();
            let items = items.to_mut();
            items.retain(|item| !outdated.contains(&item.subject));
            items.extend(fresh.into_iter().filter_map(|(_, item)| item));
        }
        let places = items.iter().enumerate();
        let places = places.filter(|(_, item)| is_about_wrong(item));
        let known = places.filter_map(|(at, item)| Some((item.subject.parse().ok()?, at)));
        let known = known.collect();
        Self { items, known, left }
    }

    /// What is known of one of them.
    pub(super) fn found(&self, job: &Job, machine: Option<&Machine>) -> Found<'_> {
        let is_here = machine.is_some_and(|machine| machine.state == MachineState::Enrolled);
        let item = self.known.get(&job.id).and_then(|at| self.items.get(*at));
        match item {
            _ if !is_here => Found::Gone,
            Some(item) => Found::Item(item),
            None if self.left.contains(&job.id) => Found::NotYet,
            None => Found::Settled,
        }
    }
}

/// The subjects of the items of jobs that somebody closed, and whose machine was found whole with
/// neither version or not looked at.
pub(super) async fn unfit(view: &mut View, items: &[Item]) -> Result<HashSet<String>, Failure> {
    let behind = items.iter().filter(|item| item.kind == Kind::Behind);
    let behind: Vec<JobId> = behind.filter_map(|one| one.subject.parse().ok()).collect();
    let jobs = view.jobs_by_id(behind).await?.into_values();
    let unfit = jobs.filter(|job| matches!(job.state, State::Failed(_) | State::Freed(_)));
    Ok(unfit.map(|job| job.id.to_string()).collect())
}

/// The machines that count as down by work that has begun, or by a go whose end was not reported.
pub(super) async fn down_now(view: &mut View) -> Result<Vec<ByJob>, Failure> {
    let goes = view.outstanding_goes().await?;
    let goes: HashMap<JobId, UtcMs> = goes.iter().map(|go| (go.job, go.issued_at)).collect();
    let under_way = view.jobs_standing(Standing::Open).await?;
    let ids: HashSet<JobId> = under_way.iter().map(|job| job.id).collect();
    let others = goes.keys().copied().filter(|job| !ids.contains(job));
    let others: Vec<JobId> = others.collect();
    let others = view.jobs_by_id(others).await?.into_values();
    let jobs: Vec<Job> = under_way.into_iter().chain(others).collect();
    let machines = view.these_machines(jobs.iter().map(|job| job.machine));
    let machines = machines.await?;
    let found = jobs.iter().filter_map(|job| {
        let machine = machines.get(&job.machine)?;
        let down = down(&job.state, job.since, goes.get(&job.id).copied())?;
        (machine.state == MachineState::Enrolled).then(|| ByJob {
            job: job.id,
            machine: machine.name.clone(),
            unit: machine.unit.clone(),
            class: machine.class,
            down,
        })
    });
    let mut found: Vec<ByJob> = found.collect();
    found.sort_by_key(|one| (one.down.since, one.job));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Owner;
    use patchward_common::digest::Digest;
    use patchward_common::id::{MachineId, Name};
    use patchward_common::job::Reason;
    use patchward_common::trust::assignment::Mode;
    use patchward_common::trust::roster::Class;

    fn job(number: u8) -> Job {
        let (plan, machine) = (Digest([number; 32]), MachineId([1; 32]));
        Job {
            id: JobId::of(plan, machine),
            plan,
            machine,
            wave: 0,
            state: State::Failed(Reason::new("dark")),
            since: UtcMs(1),
            attempt: 1,
            slot: None,
            generation: 1,
        }
    }

    fn item(kind: Kind, number: u8) -> Item {
        Item {
            kind,
            subject: job(number).id.to_string(),
            about: "pc-1".into(),
            unit: None,
            class: None,
            owner: Owner::It,
            since: UtcMs(1),
            raise_at: None,
            why: "x".into(),
        }
    }

    fn machine(state: MachineState) -> Machine {
        Machine {
            id: MachineId([1; 32]),
            spki: Vec::new(),
            name: Name::new("pc-1").unwrap(),
            unit: Name::new("icu").unwrap(),
            class: Class::Critical,
            model: Name::new("viewer").unwrap(),
            mode: Mode::Active,
            state,
            enrolled_at: UtcMs(1),
            clone_suspected_at: None,
            clone_reason: None,
        }
    }

    #[test]
    fn nothing_is_called_settled_that_was_not_judged() {
        // What was gathered before it failed.
        let gathered = [item(Kind::Waiting, 1), item(Kind::RolledBack, 2)];
        let fresh = vec![(job(1).id, Some(item(Kind::Failed, 1))), (job(3).id, None)];
        let judged = Judged::with(&gathered, fresh, [job(4).id].into());
        let here = machine(MachineState::Enrolled);
        let found = |number| judged.found(&job(number), Some(&here));
        assert_eq!(found(1), Found::Item(&item(Kind::Failed, 1)));
        assert_eq!(found(2), Found::Item(&gathered[1]));
        assert_eq!(found(3), Found::Settled);
        assert_eq!(found(4), Found::NotYet);
        let kinds: Vec<Kind> = judged.items.iter().map(|item| item.kind).collect();
        assert_eq!(kinds, [Kind::RolledBack, Kind::Failed], "no job twice");
        for gone in [None, Some(&machine(MachineState::Revoked))] {
            assert_eq!(judged.found(&job(3), gone), Found::Gone);
        }
    }
}
