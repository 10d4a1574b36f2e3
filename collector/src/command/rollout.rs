//! Rollouts: how far a plan is; halt, resume, and open a wave.

mod halts;
mod waves;

use super::zones::Zones;
use super::{Caller, forecast, plan};
use crate::app::App;
use crate::authority;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::item::Owner;
use crate::item::refused::{self, Refusal};
use crate::nudging;
use crate::reconcile::limit;
use crate::rollout::go::Not;
use crate::store::jobs::Job;
use crate::store::plans::{Plan, PlanState};
use crate::store::stops::{EVERY_WAVE, HaltScope};
use crate::waves::Wave;
use patchward_common::id::{JobId, Label, Name};
use patchward_common::plan::wave_number;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What can be done with rollouts.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum RolloutCommand {
    /// Show how far a plan is, by wave; waves are counted from 1
    Show {
        /// The plan's id, or the first digits of it
        plan: String,
    },
    /// Show what machines in mode rehearse would have done
    Rehearsal {
        /// The plan's id, or the first digits of it
        plan: String,
    },
    /// Give no go for a plan until a person resumes it
    Halt {
        /// The plan's id, or the first digits of it
        plan: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Go on with what was halted: a plan, or a release on a model
    Resume {
        /// The plan's id, or the first digits of it
        #[arg(required_unless_present = "release", conflicts_with = "release")]
        plan: Option<String>,
        /// The release, by the SHA-256 of its first artifact or the first digits of it
        #[arg(long, requires = "model")]
        release: Option<String>,
        /// The model on which the release was judged
        #[arg(long, requires = "release")]
        model: Option<Name>,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Show everything that is halted until a person judged
    Halts,
    /// Let a wave begin although the wave before has too few outcomes, or too few good ones
    Open {
        /// The plan's id, or the first digits of it
        plan: String,
        /// The wave, from 1 on as `plan show` and `rollout show` count them
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        wave: u32,
        /// Why
        #[arg(long)]
        reason: Label,
    },
}

/// Carries out a command on rollouts.
pub async fn rollout(
    app: &App,
    caller: &Caller,
    command: RolloutCommand,
) -> Result<Output, Failure> {
    match command {
        RolloutCommand::Show { plan } => show(app, &plan).await,
        RolloutCommand::Rehearsal { plan } => forecast::rehearsal(app, &plan).await,
        RolloutCommand::Halt { plan: text, reason } => {
            let plan = plan::find(&mut app.store.view().await?, &text).await?;
            halt(app, caller, &plan, &reason).await
        }
        RolloutCommand::Resume {
            plan: Some(text),
            reason,
            ..
        } => {
            let plan = plan::find(&mut app.store.view().await?, &text).await?;
            resume(app, caller, &plan, &reason).await
        }
        RolloutCommand::Resume {
            release: Some(release),
            model: Some(model),
            reason,
            ..
        } => halts::resume(app, caller, (&release, &model), &reason).await,
        RolloutCommand::Resume { .. } => Err(Failure::input(
            "name a plan, or a release with --release and --model",
        )),
        RolloutCommand::Halts => halts::list(app).await,
        RolloutCommand::Open {
            plan: text,
            wave,
            reason,
        } => {
            let plan = plan::find(&mut app.store.view().await?, &text).await?;
            waves::open(app, caller, &plan, wave, &reason).await
        }
    }
}

/// Halts a plan. One that is halted keeps its first reason, and the log has the second.
async fn halt(app: &App, caller: &Caller, plan: &Plan, reason: &Label) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let subject = plan.id.to_string();
    let mut before = change.view().halts_of(HaltScope::Plan, &subject).await?;
    before.retain(|halt| halt.resumed_at.is_none() && halt.wave == EVERY_WAVE);
    let zones = Zones::read(change.view()).await?;
    change
        .halt(HaltScope::Plan, &subject, EVERY_WAVE, reason.as_str())
        .await?;
    change.commit().await?;
    Ok(Output::Text(match before.first() {
        Some(first) => format!(
            "{} is halted already, since {}: {}. That reason stays; yours is in the audit log.",
            plan.title,
            zones.text(None, first.at),
            first.reason
        ),
        None => format!(
            "{} is halted: no go is given, also for a restart. Jobs that run go on to a safe end.",
            plan.title
        ),
    }))
}

async fn show(app: &App, text: &str) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let plan = plan::find(&mut view, text).await?;
    let mut counts: BTreeMap<(u32, &'static str), i64> = BTreeMap::new();
    let jobs = view.jobs_of_plan(&plan.id).await?;
    for job in &jobs {
        *counts.entry((job.wave, job.state.word())).or_default() += 1;
    }
    let mut states = Table::new(&["wave", "state", "machines"]);
    for ((wave, state), count) in counts {
        states.row(vec![
            Cell::Number(wave_number(wave).into()),
            Cell::of(state),
            Cell::Number(count),
        ]);
    }
    let zones = Zones::read(&mut view).await?;
    let held = authority::held(&mut view).await.ok();
    let state = plan::standing::state(&mut view, &plan, held.as_ref(), app.now()).await?;
    let stand = waves::read(&mut view, &plan, app.now()).await?;
    let (waves, question) = waves::table(&stand, &plan, &zones);
    let halts = view.halts_of(HaltScope::Plan, &plan.id.to_string()).await?;
    let halt = halts.iter().find(|halt| halt.resumed_at.is_none());
    let failures = view.failures(&plan.id).await?;
    // The limit may have been reached a moment ago, before the halt was written.
    let why = match halt {
        Some(halt) => Some(halt.reason.clone()),
        None => limit::reached(&mut view, &plan.id).await?,
    };
    let text = match &why {
        Some(why) => format!(
            "{}: halted{}: {why}. No go is given until a person looked at it: `rollout resume`.",
            plan.title,
            halt.map_or_else(String::new, |halt| format!(
                " since {}",
                zones.text(None, halt.at)
            )),
        ),
        None => format!("{}: {state}.", plan.title),
    };
    let (not_now, refused) = not_now(&jobs, &app.fleet.refusals(), &stand, app.now());
    let text = format!("{text}{question}{refused}");
    let report = Report::new(
        [
            ("plan", Cell::of(plan.id)),
            ("title", Cell::of(&plan.title)),
            ("state", state),
            ("failures", Cell::Number(failures as i64)),
            ("halted", Cell::Flag(why.is_some())),
            ("halted_since", Cell::maybe(halt.map(|halt| halt.at))),
            ("halted_why", Cell::maybe(why)),
        ],
        text,
    );
    let report = report.with("waves", waves).with("states", states);
    Ok(Output::Report(report.with("not_now", not_now)))
}

/// Why machines that asked for a go got none, who can end that and how many they are, as a
/// table and in words.
fn not_now(
    jobs: &[Job],
    refusals: &HashMap<JobId, Refusal>,
    waves: &[Wave],
    now: UtcMs,
) -> (Table, String) {
    let mut counts: BTreeMap<(String, &'static str), i64> = BTreeMap::new();
    for job in jobs.iter().filter(|job| !job.state.is_final()) {
        let refusal = refusals.get(&job.id);
        let refusal = refusal.filter(|refusal| refusal.counts(job.since, now));
        let Some((not, owner)) = refusal.and_then(|refusal| still(&refusal.not, job, waves)) else {
            continue;
        };
        *counts.entry((not.to_string(), owner.word())).or_default() += 1;
    }
    let mut table = Table::new(&["why", "owner", "machines"]);
    let mut words = String::new();
    for ((why, owner), count) in counts {
        words.push_str(&format!("\n{count} asked and got no go: {why} ({owner})."));
        table.row(vec![Cell::of(why), Cell::of(owner), Cell::Number(count)]);
    }
    (table, words)
}

/// Why a job that got no go would get none now, and who can end that. How its wave stands is known
/// better here than it was when the machine asked; one that is open by now it only has to ask again.
fn still(not: &Not, job: &Job, waves: &[Wave]) -> Option<(Not, Owner)> {
    let Not::Wave(_) = not else {
        return Some((not.clone(), refused::owner(not)));
    };
    let wave = waves.iter().find(|wave| wave.counts.wave == job.wave)?;
    let owner = match wave.asked_since {
        Some(_) => Owner::Htm,
        None => Owner::Time,
    };
    Some((Not::Wave(wave.closed?), owner))
}

async fn resume(
    app: &App,
    caller: &Caller,
    plan: &Plan,
    reason: &Label,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    // Failures that reached the limit a moment ago are judged with this as well.
    limit::halt(&mut change, &plan.id).await?;
    let subject = plan.id.to_string();
    let mut halts = change.view().halts_of(HaltScope::Plan, &subject).await?;
    halts.retain(|halt| halt.resumed_at.is_none());
    if halts.is_empty() {
        return Err(Failure::not_found(format!(
            "{} is not halted. What else keeps its jobs from starting, `job list` shows.",
            plan.title
        )));
    }
    for halt in halts {
        change
            .resume(HaltScope::Plan, &subject, halt.wave, reason.as_str())
            .await?;
    }
    let waiting = nudging::waiting(change.view(), &plan.id, None).await?;
    change.commit().await?;
    app.fleet.ask_again(waiting);
    Ok(Output::Text(match plan.state {
        PlanState::Active => format!(
            "{} goes on. Failures are counted anew from now.",
            plan.title
        ),
        state => format!(
            "{} is halted no more, and nothing of it begins: it is {}.",
            plan.title,
            state.word()
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::wave::Closed;
    use crate::store::rollout::WaveCounts;
    use patchward_common::digest::Digest;
    use patchward_common::id::MachineId;
    use patchward_common::job::State;

    fn job(number: u8, state: State) -> Job {
        let machine = MachineId([number; 32]);
        Job {
            id: JobId::of(Digest::default(), machine),
            plan: Digest::default(),
            machine,
            wave: 0,
            state,
            since: UtcMs(10),
            attempt: 0,
            slot: None,
            generation: 1,
        }
    }

    #[test]
    fn machines_that_got_no_go_are_counted_by_their_reason() {
        let jobs = [
            job(1, State::Armed),
            job(2, State::Armed),
            job(3, State::Armed),
            job(4, State::Verified),
        ];
        let refusal = |job: &Job, at, not| {
            let (job, at) = (job.id, UtcMs(at));
            (job, Refusal { job, at, not })
        };
        let refusals = HashMap::from([
            refusal(&jobs[0], 20, Not::Stopped),
            refusal(&jobs[1], 30, Not::Stopped),
            refusal(&jobs[2], 5, Not::Window),
            refusal(&jobs[3], 30, Not::Window),
        ]);
        let (table, words) = not_now(&jobs, &refusals, &[], UtcMs(40));
        assert_eq!(table.rows.len(), 1);
        assert_eq!(words, "\n2 asked and got no go: stopped (htm).");
    }

    #[test]
    fn a_wave_is_told_of_as_it_stands_and_not_as_it_stood_when_a_machine_asked() {
        let few = |found| Closed::TooFew {
            found,
            needed: 2,
            size: 2,
        };
        let waiting = job(1, State::Armed);
        let wave = |closed, asked_since| Wave {
            counts: WaveCounts::default(),
            first: None,
            closed,
            asked_since,
        };
        let told = |wave| still(&Not::Wave(few(0)), &waiting, &[wave]);
        assert_eq!(told(wave(None, None)), None, "it is open");
        let later = Some((Not::Wave(few(1)), Owner::Time));
        assert_eq!(told(wave(Some(few(1)), None)), later);
        let asked = Some((Not::Wave(few(1)), Owner::Htm));
        assert_eq!(told(wave(Some(few(1)), Some(UtcMs(9)))), asked);
        let other = Some((Not::Stopped, Owner::Htm));
        assert_eq!(still(&Not::Stopped, &waiting, &[]), other);
    }
}
