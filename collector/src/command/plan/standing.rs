//! How a plan stands, in the words of people: one that its machines refuse is not on its way,
//! and one that ended is not done where machines lack what was planned.

use super::sign::{missing, missing_in};
use crate::authority::Held;
use crate::control::{Cell, Failure};
use crate::planning;
use crate::store::View;
use crate::store::jobs::{Job, Standing};
use crate::store::plans::{Plan, PlanState};
use patchward_common::codec;
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::PlanLeaf;

/// What a sentence about a plan begins with that its machines refuse.
pub(crate) const REFUSED_BY: &str = "refused by";
/// What it begins with where a plan ended and not all of it was verified.
pub(crate) const ENDED: &str = "ended,";
/// Most machines that are named in it.
const MAX_NAMED: usize = 3;
/// States of jobs whose machine has what was planned.
const HAVE_IT: [&str; 3] = ["verified", "attested", "in_service"];

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
    let words = match plan.state {
        PlanState::Active => refused(view, plan, held, now).await?,
        PlanState::Done => ended(&view.job_counts(&plan.id).await?),
        _ => None,
    };
    let word = plan.state.word();
    Ok(words.map_or_else(|| Cell::of(word), |words| Cell::worded(word, words)))
}

/// What became of a plan of which nothing runs any more; `None` where all of it is verified.
fn ended(counts: &[(String, u64)]) -> Option<String> {
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let have = counts
        .iter()
        .filter(|(word, _)| HAVE_IT.contains(&word.as_str()));
    let have: u64 = have.map(|(_, count)| count).sum();
    (have < all).then(|| format!("{ENDED} {have} of {all} verified"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_done_when_every_machine_has_it() {
        let told = |counts: &[(&str, u64)]| {
            let counts: Vec<_> = counts.iter().map(|(w, n)| ((*w).to_owned(), *n)).collect();
            ended(&counts)
        };
        assert_eq!(told(&[("verified", 2), ("in_service", 1)]), None);
        let rolled_back = told(&[("rolled_back", 1)]);
        assert_eq!(rolled_back.as_deref(), Some("ended, 0 of 1 verified"));
        let missed = told(&[("verified", 2), ("missed", 1)]);
        assert_eq!(missed.as_deref(), Some("ended, 2 of 3 verified"));
    }

    #[test]
    fn a_few_machines_are_named_and_the_others_counted() {
        let machines: Vec<String> = (1..=5).map(|n| format!("pc-{n}")).collect();
        assert_eq!(named(&machines[..1]), "pc-1");
        assert_eq!(named(&machines), "pc-1, pc-2, pc-3 and 2 more");
    }
}
