//! What people decide on a single job, within what was signed: again, who takes it, no
//! more.

use super::super::Caller;
use super::{find, name, told};
use crate::agenda;
use crate::app::App;
use crate::authority;
use crate::control::{Failure, Output};
use crate::quarantine;
use crate::rollout::again::{Ended, again};
use crate::store::jobs::Job;
use crate::store::plans::PlanState;
use crate::store::{Change, View};
use patchward_common::id::{JobId, Label};
use patchward_common::job::{Outside, Reason, State};
use patchward_common::nearest::nearest;
use serde_json::json;

/// Most names that a refusal lists.
const MAX_NAMED: usize = 20;

/// Lets a job that nothing was ever started of wait for its next slot again.
///
/// # Errors
/// A conflict with the reason and what to do, where it may not.
pub(super) async fn retry(
    app: &App,
    caller: &Caller,
    id: &JobId,
    reason: &Label,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let machine = find(change.view(), id).await?.machine;
    change.lock_groups_of(&machine).await?;
    let (now, view) = (change.now(), change.view());
    let job = find(view, id).await?;
    let name = name(view, &machine).await?;
    let exception = view.exceptions().await?.remove(&machine);
    if let Some(exception) = exception.filter(|exception| now < exception.until) {
        return Err(Failure::conflict(format!(
            "{name} is left as it is until {}: `item except {name} --end` ends that first.",
            exception.until
        )));
    }
    let plan = view.plan(&job.plan).await?;
    let plan = plan.ok_or_else(|| Failure::not_found(format!("Job {id} has no plan.")))?;
    let (approval, leaf) = told::planned(view, &job).await?;
    let told = told::state(view, &job).await?;
    let quarantined = match view.manual_worker(&machine).await? {
        // Only an installer keeps a quarantine.
        Some(_) => Vec::new(),
        None => quarantine::of_machine(view, &machine).await?,
    };
    let ended = Ended {
        state: &job.state,
        told: &told,
        over: (plan.state != PlanState::Active).then(|| plan.state.word()),
        approval: &approval,
        leaf: &leaf,
        quarantined: &quarantined,
    };
    let refuse = |why: String| Failure::conflict(format!("The job of {name} stays: {why}."));
    let slot = again(&ended, now).map_err(|why| refuse(why.to_string()))?;
    job.state
        .after_outside(Outside::Retried)
        .map_err(|unexpected| refuse(unexpected.to_string()))?;
    let detail = json!({ "reason": reason, "was": job.state.word() });
    change.note("job.retry", id, &detail);
    // It is as far as its machine had it.
    change
        .move_job(&job, &told, Some(slot), job.attempt)
        .await?;
    change.commit().await?;
    Ok(Output::Text(format!(
        "The job of {name} waits again, for its slot from {} until {} of the same approval.",
        slot.start(),
        slot.end()
    )))
}

/// Ends a job that waits, or closes the open item of one that has ended.
///
/// # Errors
/// A conflict where work is under way, or nothing is open.
pub(super) async fn close(
    app: &App,
    caller: &Caller,
    id: &JobId,
    reason: &Label,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let machine = find(change.view(), id).await?.machine;
    // No go is decided on meanwhile, and none is given afterwards.
    change.lock_groups_of(&machine).await?;
    let job = find(change.view(), id).await?;
    let name = name(change.view(), &machine).await?;
    let word = job.state.word();
    let said = match &job.state {
        open if open.is_open() => {
            return Err(Failure::conflict(format!(
                "The job of {name} is {word}: work is under way, and nobody ends that from here. \
                 Where the machine was lost and is up, `job free` says so."
            )));
        }
        State::Failed(_) | State::RolledBack(_) | State::Freed(_) | State::Missed => {
            change.close_item(&job, reason).await?;
            format!(
                "The job of {name} is closed and stays {word}. The machine does not have what was \
                 planned: the next step is HTM's, with a new plan or an exception."
            )
        }
        ended if ended.is_final() => {
            return Err(Failure::conflict(format!(
                "The job of {name} is {word}: there is nothing to close."
            )));
        }
        _ => {
            let down = stop_waiting(&mut change, &job, reason).await?;
            format!(
                "The job of {name} is stopped: no go is given for it.{down} `job retry` lets it \
                 wait again while its plan is active."
            )
        }
    };
    change.commit().await?;
    Ok(Output::Text(said))
}

/// Ends a job that waits, with its machine's groups locked. Gives back what is said of a go
/// that is out.
pub(in crate::command) async fn stop_waiting(
    change: &mut Change,
    job: &Job,
    reason: &Label,
) -> Result<&'static str, Failure> {
    let closed = Outside::Closed(Reason::new(reason.as_str()));
    let state = job
        .state
        .after_outside(closed)
        .map_err(|unexpected| Failure::conflict(format!("job {}: {unexpected}.", job.id)))?;
    let goes = change.view().goes_of(&job.id).await?;
    let detail = json!({ "reason": reason, "was": job.state.word() });
    change.note("job.close", job.id, &detail);
    change.move_job(job, &state, None, job.attempt).await?;
    Ok(match goes.iter().any(|go| go.ended_at.is_none()) {
        true => {
            " It was given a go whose end it has not reported: it counts as down until it \
             reports, or `job free` says that it is up. If it has started, that counts."
        }
        false => "",
    })
}

/// Gives the open item of a job to somebody, or to nobody.
///
/// # Errors
/// A conflict where nobody has to do anything; not found where nobody has this name.
pub(super) async fn assign(
    app: &App,
    caller: &Caller,
    id: &JobId,
    to: Option<&str>,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let now = change.now();
    let job = find(change.view(), id).await?;
    let name = name(change.view(), &job.machine).await?;
    let item = agenda::item_of(&app.fleet, change.view(), &job, now).await?;
    let item = item.ok_or_else(|| {
        Failure::conflict(format!(
            "Nothing is open for the job of {name}: it is {}.",
            job.state.word()
        ))
    })?;
    let said = match to {
        Some(person) => {
            let taker = taker(change.view(), person).await?;
            change.assign_item(&item.key(), &taker).await?;
            format!(
                "{} of {name} is {person}'s: {}.",
                item.kind.word(),
                item.why
            )
        }
        None => {
            change.drop_item(&item.key()).await?;
            format!("{} of {name} is free to be taken.", item.kind.word())
        }
    };
    change.commit().await?;
    Ok(Output::Text(said))
}

/// A person of the roster or a user of the collector's own computer, as the audit log
/// names them.
async fn taker(view: &mut View, person: &str) -> Result<String, Failure> {
    if let Some(Ok(user)) = person.strip_prefix("local:").map(str::parse::<u32>) {
        return Ok(crate::store::Actor::Local(user).to_string());
    }
    let roster = authority::held(view).await?.roster;
    let people = roster.people.iter().map(|one| one.id.clone());
    let mut people: Vec<_> = people.collect();
    people.sort();
    if let Some(found) = people.iter().find(|one| one.as_str() == person) {
        return Ok(crate::store::Actor::Person(found.clone()).to_string());
    }
    let known: Vec<&str> = people.iter().map(|one| one.as_str()).collect();
    let meant = nearest(person, &known);
    let meant = meant.map_or_else(String::new, |meant| format!(" Did you mean {meant}?"));
    let listed = known.iter().take(MAX_NAMED).copied();
    Err(Failure::not_found(format!(
        "Nobody in the roster is called {person}.{meant} It names {}. A user of the collector's \
         own computer is local: and the number of the user.",
        listed.collect::<Vec<_>>().join(", ")
    )))
}
