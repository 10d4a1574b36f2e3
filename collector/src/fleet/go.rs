//! Go, asked by a machine: the decision is pure, the store holds the locks, the signature
//! is the collector's go-key's.

use super::registry::Known;
use super::requests::{Session, orders};
use super::{Fleet, locked};
use crate::item::refused::Refusal;
use crate::rollout::go::{Not, Planned, decide};
use crate::store::go::{GoAsk, GoOutcome};
use crate::store::{StoreError, View};
use patchward_common::codec;
use patchward_common::id::{JobId, MachineId};
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::trust::approval::Approval;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::{Document as _, Signed};
use patchward_common::wire::machine::{Answer, GoAsked, NotNow, Refused, RefusedCode};

/// Largest signed go: its payload and one signature.
pub(super) const MAX_GO_BYTES: usize = Go::MAX_BYTES + 1_024;

pub(super) async fn go(
    fleet: &Fleet,
    session: &Session,
    known: &Known,
    asked: &GoAsked,
) -> Result<Answer, Refused> {
    let now = fleet.now();
    let machine = session.machine;
    if asked.job != JobId::of(asked.approval, machine) {
        let text = "the job is not this machine's";
        return Err(Refused::new(RefusedCode::Forbidden, text));
    }
    let mut view = fleet.store().view().await?;
    let planned = planned(fleet, &mut view, &machine, asked).await?;
    drop(view);
    let mut planned =
        planned.ok_or_else(|| Refused::new(RefusedCode::NotFound, "no plan here has this job"))?;
    planned.is_told = is_told(fleet, &machine, known).await?;
    // "Ready" looks at when machines were last heard; what is batched counts too.
    fleet
        .flush()
        .await
        .map_err(|error| super::requests::busy(&error))?;
    let ask = GoAsk {
        machine,
        job: asked.job,
        nonce: asked.nonce,
        longest_run_ms: planned.approval.longest_run_ms(),
    };
    let token = Go {
        job: asked.job,
        machine,
        boot: asked.boot,
        nonce: asked.nonce,
        clock: now,
    };
    let key = &fleet.context.go_key;
    let outcome = fleet
        .store()
        .decide_go(&ask, now, |snapshot| {
            if snapshot.machine.mode == Mode::Manual {
                return Err(Not::ByHand);
            }
            decide(snapshot, &planned, now)?;
            Ok::<_, Not>(codec::encode(&Signed::new(&token, key)))
        })
        .await;
    match outcome {
        Ok(GoOutcome::Issued(bytes)) => {
            tracing::info!(%machine, plan = %asked.approval, job = %asked.job, "go");
            fleet.registry().answered(&machine, None);
            let signed = codec::decode(&bytes, MAX_GO_BYTES);
            Ok(Answer::Go(signed.map_err(|e| super::requests::busy(&e))?))
        }
        Ok(GoOutcome::Refused(not)) => {
            let refusal = Refusal {
                job: asked.job,
                at: now,
                not,
            };
            Ok(Answer::NotNow(not_now(fleet, &machine, asked, refusal)))
        }
        Err(StoreError::NotFound { .. }) => Err(Refused::new(
            RefusedCode::NotFound,
            "no plan here has this job",
        )),
        Err(error) => Err(error.into()),
    }
}

/// The answer, kept for whoever asks whose move it is.
fn not_now(fleet: &Fleet, machine: &MachineId, asked: &GoAsked, refusal: Refusal) -> NotNow {
    let answer = NotNow {
        reason: refusal.not.to_string(),
        again_ms: refusal.not.again_ms(refusal.at),
    };
    // A machine asks again and again; that it gets the same answer is no event.
    if fleet.registry().answered(machine, Some(refusal)) {
        let (job, plan, reason) = (asked.job, asked.approval, &answer.reason);
        tracing::info!(%machine, %plan, %job, reason, "not now");
    }
    answer
}

/// What the plan's signed bytes say about this machine, and what is known of it and of clocks.
async fn planned(
    fleet: &Fleet,
    view: &mut View,
    machine: &MachineId,
    asked: &GoAsked,
) -> Result<Option<Planned>, Refused> {
    let Some(payload) = view.plan_payload(&asked.approval).await? else {
        return Ok(None);
    };
    let damaged = |problem: &dyn std::fmt::Display| {
        super::requests::busy(&format!("plan {}: {problem}", asked.approval))
    };
    let approval: Approval = codec::decode_deterministic(&payload, Approval::MAX_BYTES)
        .map_err(|error| damaged(&error))?;
    let mut leaf = None;
    for state in [
        crate::store::plans::PlanState::Active,
        crate::store::plans::PlanState::Stopped,
        crate::store::plans::PlanState::Signed,
    ] {
        let rows = view.leaves_of(machine, state).await?;
        leaf = leaf.or(rows.into_iter().find(|(plan, _)| *plan == asked.approval));
    }
    let Some((_, leaf)) = leaf else {
        return Ok(None);
    };
    let leaf = codec::decode_deterministic(&leaf.bytes, MAX_LEAF_BYTES)
        .map_err(|error| damaged(&error))?;
    let vendors = view.vendors_of(&approval.releases).await?;
    Ok(Some(Planned {
        approval,
        leaf,
        vendors,
        is_regressed: fleet.registry().is_regressed(machine),
        is_told: false,
        clocks: locked(&fleet.clocks).wrong(),
    }))
}

/// Whether the machine said last that it holds all orders of now.
async fn is_told(fleet: &Fleet, machine: &MachineId, known: &Known) -> Result<bool, Refused> {
    let said = known.said.as_ref().map(|said| said.hello.orders);
    let ordered = orders::digest(fleet, machine, &known.unit, known.orders, said).await?;
    Ok(said == Some(ordered))
}
