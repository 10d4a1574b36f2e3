//! How a plan stands, in the words of people: one that its machines refuse is not on its way,
//! and one that ended is not done where machines lack what was planned.

use super::sign::{missing, missing_in};
use crate::authority::Held;
use crate::control::{Cell, Failure};
use crate::planning;
use crate::store::View;
use crate::store::jobs::{Job, Standing};
use crate::store::plans::{Counted, Plan, PlanState};
use patchward_common::codec;
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::PlanLeaf;
use std::collections::HashMap;

/// What a sentence about a plan begins with that its machines refuse.
pub(crate) const REFUSED_BY: &str = "refused by";
/// What it begins with where a plan ended and not all of it was verified.
pub(crate) const ENDED: &str = "ended,";
/// Most machines that are named in it.
const MAX_NAMED: usize = 3;

/// Why the machines of a plan refuse it, as this collector can tell: each asks the roster who
/// signed, and so does this. `None` where enough have, or the plan runs no more.
pub(crate) async fn refused(
    view: &mut View,
    plan: &Plan,
    held: Option<&Held>,
    now: UtcMs,
) -> Result<Option<String>, Failure> {
    let (PlanState::Active, Some(held)) = (plan.state, held) else {
        return Ok(None);
    };
    let table = planning::table(view, &plan.id).await?;
    // One that cannot be read is refused as well; it must not keep the page from being shown.
    let missing = missing(&table, held, now).unwrap_or_else(|failure| vec![failure.text]);
    if missing.is_empty() {
        return Ok(None);
    }
    let names = view.names_of_plan(&plan.id).await?;
    let jobs = view.jobs_of_plan(&plan.id).await?;
    let waiting = jobs
        .iter()
        .filter(|job| Standing::of(&job.state) == Standing::Waiting);
    let mut waiting: Vec<String> = waiting
        .map(|job| {
            let name = names.get(&job.machine);
            name.map_or_else(|| job.machine.to_string(), Clone::clone)
        })
        .collect();
    if waiting.is_empty() {
        return Ok(None);
    }
    waiting.sort();
    Ok(Some(format!(
        "{REFUSED_BY} {}: not signed by those who must ({} missing)",
        named(&waiting),
        missing.join("; ")
    )))
}

/// Whether the machine of a job that waits refuses its plan.
pub(crate) async fn refuses(
    view: &mut View,
    job: &Job,
    held: &Held,
    now: UtcMs,
) -> Result<bool, Failure> {
    if Standing::of(&job.state) != Standing::Waiting {
        return Ok(false);
    }
    let leaves = view.leaves_of(&job.machine, PlanState::Active).await?;
    let Some((_, leaf)) = leaves.into_iter().find(|(plan, _)| *plan == job.plan) else {
        return Ok(false);
    };
    let signed = planning::signed(view, &job.plan).await?;
    let leaf = codec::decode_deterministic::<PlanLeaf>(&leaf.bytes, MAX_LEAF_BYTES);
    let (Ok(approval), Ok(leaf)) = (signed.peek(), leaf) else {
        return Ok(true);
    };
    let place = (&leaf.unit, leaf.class);
    Ok(missing_in(&signed, &approval, held, place, now).is_some())
}

fn named(machines: &[String]) -> String {
    let first = machines.iter().take(MAX_NAMED).map(String::as_str);
    let first = first.collect::<Vec<_>>().join(", ");
    match machines.len().saturating_sub(MAX_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A plan's state: programs get its word, people what it means.
pub(crate) async fn state(
    view: &mut View,
    plan: &Plan,
    held: Option<&Held>,
    now: UtcMs,
) -> Result<Cell, Failure> {
    let counted = match plan.state {
        PlanState::Done => view.counted_plans(Some(&plan.id)).await?,
        _ => HashMap::new(),
    };
    state_of(view, plan, counted.get(&plan.id), held, now).await
}

/// The same by what was counted of it.
pub(crate) async fn state_of(
    view: &mut View,
    plan: &Plan,
    counted: Option<&Counted>,
    held: Option<&Held>,
    now: UtcMs,
) -> Result<Cell, Failure> {
    let words = match (plan.state, counted) {
        (PlanState::Active, _) => refused(view, plan, held, now).await?,
        (PlanState::Done, Some(counted)) => ended(counted),
        _ => None,
    };
    let word = plan.state.word();
    Ok(words.map_or_else(|| Cell::of(word), |words| Cell::worded(word, words)))
}

/// What became of a plan of which nothing runs any more; `None` where all of it is verified.
fn ended(counted: &Counted) -> Option<String> {
    let (all, have) = (counted.jobs, counted.jobs.saturating_sub(counted.lacking));
    (have < all).then(|| format!("{ENDED} {have} of {all} verified"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::digest::Digest;

    #[test]
    fn a_plan_is_done_when_every_machine_has_it() {
        let told = |jobs, lacking| {
            ended(&Counted {
                plan: Digest([1; 32]),
                signatures: 2,
                jobs,
                lacking,
            })
        };
        assert_eq!(told(3, 0), None);
        assert_eq!(told(1, 1).as_deref(), Some("ended, 0 of 1 verified"));
        assert_eq!(told(3, 1).as_deref(), Some("ended, 2 of 3 verified"));
    }

    #[test]
    fn a_few_machines_are_named_and_the_others_counted() {
        let machines: Vec<String> = (1..=5).map(|n| format!("pc-{n}")).collect();
        assert_eq!(named(&machines[..1]), "pc-1");
        assert_eq!(named(&machines), "pc-1, pc-2, pc-3 and 2 more");
    }
}
