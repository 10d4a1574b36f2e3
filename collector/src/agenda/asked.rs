//! Whether a job would get its go now: the decision itself is asked, and nothing is kept.
//! For single jobs; lists show what machines were last told.

use crate::control::Failure;
use crate::fleet::FleetHandle;
use crate::item::refused::Refusal;
use crate::rollout::go::{Planned, decide};
use crate::store::View;
use crate::store::go::GoAsk;
use crate::store::jobs::{Job, Standing};
use crate::store::plans::PlanState;
use patchward_common::codec;
use patchward_common::id::Nonce;
use patchward_common::job::State;
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::sign::Document as _;

/// Why a job that waits would get no go now; `None` where it would.
pub(super) async fn refused(
    fleet: &FleetHandle,
    view: &mut View,
    job: &Job,
    now: UtcMs,
) -> Result<Option<Refusal>, Failure> {
    let waits = Standing::of(&job.state) == Standing::Waiting;
    if !waits && job.state != State::RebootPending {
        return Ok(None);
    }
    let Some(planned) = planned(fleet, view, job).await? else {
        return Ok(None);
    };
    let ask = GoAsk {
        machine: job.machine,
        job: job.id,
        nonce: Nonce([0; 32]),
        longest_run_ms: planned.approval.longest_run_ms(),
    };
    let snapshot = view.go_snapshot(&ask, now).await?;
    let refusal = |not| Refusal {
        job: job.id,
        at: now,
        not,
    };
    Ok(decide(&snapshot, &planned, now).err().map(refusal))
}

/// What the plan's signed bytes say about the job; `None` where they cannot be read, as
/// whoever looks at the plan is told.
async fn planned(
    fleet: &FleetHandle,
    view: &mut View,
    job: &Job,
) -> Result<Option<Planned>, Failure> {
    let payload = view.plan_payload(&job.plan).await?.unwrap_or_default();
    let leaves = view.leaves_of(&job.machine, PlanState::Active).await?;
    let leaf = leaves.into_iter().find(|(plan, _)| *plan == job.plan);
    let leaf = leaf.and_then(|(_, leaf)| {
        codec::decode_deterministic::<PlanLeaf>(&leaf.bytes, MAX_LEAF_BYTES).ok()
    });
    let approval = codec::decode_deterministic::<Approval>(&payload, Approval::MAX_BYTES).ok();
    let (Some(approval), Some(leaf)) = (approval, leaf) else {
        return Ok(None);
    };
    let vendors = view.vendors_of(&approval.releases).await?;
    Ok(Some(Planned {
        approval,
        leaf,
        vendors,
        is_regressed: fleet.is_regressed(&job.machine),
        // Asked for people to read: what the machine holds is asked when it asks itself.
        is_told: true,
        clocks: fleet.clocks().wrong(),
    }))
}
