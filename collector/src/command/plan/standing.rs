//! How a plan stands, in the words of people: one that its machines refuse is not on its way,
//! and one that ended is not done where machines lack what was planned.

use super::sign::{missing_by_place, missing_in};
use crate::authority::Held;
use crate::control::{Cell, Failure};
use crate::planning;
use crate::store::View;
use crate::store::jobs::{Job, Standing};
use crate::store::plan_tables::PlanTable;
use crate::store::plans::{Counted, Plan, PlanState};
use patchward_common::codec;
use patchward_common::id::MachineId;
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::sign::Signed;
use patchward_common::words::counted;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a sentence about a plan begins with that its machines refuse.
pub(crate) const REFUSED_BY: &str = "refused by";
/// What it begins with where a plan ended and not all of it was verified.
pub(crate) const ENDED: &str = "ended,";

/// The machines that refuse a plan.
pub(crate) struct Refused {
    /// Those that have not begun, and what is missing for each.
    pub machines: BTreeMap<MachineId, String>,
    /// Whether nothing of the plan starts: no other machine is at work or will begin.
    pub is_whole: bool,
    /// The same in words; without names, since other units read them too.
    pub words: String,
}

/// Which machines of a plan refuse it, as this collector can tell: each asks the roster who
/// signed for its unit and class, and so does this. `None` where enough have, or the plan runs no
/// more.
pub(crate) async fn refused(
    view: &mut View,
    plan: &Plan,
    held: Option<&Held>,
    now: UtcMs,
) -> Result<Option<Refused>, Failure> {
    let (PlanState::Active, Some(held)) = (plan.state, held) else {
        return Ok(None);
    };
    let table = planning::read(view, &plan.id).await?;
    let signed = planning::signed(view, &plan.id).await?;
    let lacking = Lacking::of(&table, &signed, held, now);
    if lacking.is_nothing() {
        return Ok(None);
    }
    let jobs = view.jobs_of_plan(&plan.id).await?;
    let (mut machines, mut others) = (BTreeMap::new(), 0);
    for job in &jobs {
        match (Standing::of(&job.state), lacking.of_machine(&job.machine)) {
            (Standing::Waiting, Some(text)) => {
                machines.insert(job.machine, text.clone());
            }
            (Standing::Waiting | Standing::Open, _) => others += 1,
            _ => {}
        }
    }
    if machines.is_empty() {
        return Ok(None);
    }
    let missing: BTreeSet<&str> = machines.values().map(String::as_str).collect();
    let missing: Vec<&str> = missing.into_iter().collect();
    Ok(Some(Refused {
        is_whole: others == 0,
        words: format!(
            "{REFUSED_BY} {}: {}",
            counted(machines.len(), "machine", "machines"),
            unsigned(&missing)
        ),
        machines,
    }))
}

/// What is missing for the machines of a plan to accept it.
enum Lacking {
    /// The same for all: one that cannot be read is refused as well, and must not keep the page
    /// from being shown.
    All(String),
    Some(BTreeMap<MachineId, String>),
}

impl Lacking {
    fn of(table: &PlanTable, signed: &Signed<Approval>, held: &Held, now: UtcMs) -> Self {
        let (approval, leaves) = match table.read() {
            Ok(read) => read,
            Err(error) => return Self::All(format!("the plan: {error}")),
        };
        let missing = missing_by_place(signed, (approval, leaves), held, now);
        if missing.is_empty() {
            return Self::Some(BTreeMap::new());
        }
        let of_leaf = |leaf: &PlanLeaf| {
            let text = missing.get(&(leaf.unit.clone(), leaf.class))?;
            Some((leaf.machine, text.clone()))
        };
        Self::Some(leaves.iter().filter_map(of_leaf).collect())
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Some(machines) if machines.is_empty())
    }

    fn of_machine(&self, machine: &MachineId) -> Option<&String> {
        match self {
            Self::All(text) => Some(text),
            Self::Some(machines) => machines.get(machine),
        }
    }
}

/// What is said where these are missing.
pub(crate) fn unsigned(missing: &[&str]) -> String {
    format!(
        "not signed by those who must ({} missing)",
        missing.join("; ")
    )
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
        (PlanState::Active, _) => {
            let refused = refused(view, plan, held, now).await?;
            refused.map(|refused| refused.words)
        }
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
}
