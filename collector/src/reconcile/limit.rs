//! Halts a plan whose failures reached its limit, and a release on a model on which it
//! went wrong twice, so that a person sees it, judges and resumes. Until the halt is
//! written, go is refused by the count alone.

use crate::rollout::go::failure_limit;
use crate::rollout::model;
use crate::store::plans::PlanState;
use crate::store::stops::{EVERY_WAVE, HaltScope};
use crate::store::{Actor, Change, Store, StoreError, View};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::Approval;
use patchward_common::trust::sign::Document as _;
use patchward_common::words::counted;

/// Looks at every active plan, and at everything that went wrong.
pub async fn run(store: &Store, now: UtcMs) -> Result<(), StoreError> {
    let active = store.view().await?.plans(Some(PlanState::Active)).await?;
    for plan in active {
        let reached = reached(&mut store.view().await?, &plan.id).await?;
        if reached.is_some() {
            let mut change = store.change(Actor::Collector, now).await?;
            halt(&mut change, &plan.id).await?;
            change.commit().await?;
        }
    }
    if store.view().await?.wrong_on_models().await?.is_empty() {
        return Ok(());
    }
    let mut change = store.change(Actor::Collector, now).await?;
    halt_models(&mut change).await?;
    change.commit().await?;
    Ok(())
}

/// Halts every release on the models on which it went wrong on enough machines.
pub async fn halt_models(change: &mut Change) -> Result<(), StoreError> {
    for wrong in change.view().wrong_on_models().await? {
        let subject = model::subject(&wrong.sha256, wrong.model.as_str());
        let why = format!(
            "it failed or was rolled back on {} of the model {}",
            counted(wrong.machines, "machine", "machines"),
            wrong.model
        );
        change
            .halt(HaltScope::ReleaseOnModel, &subject, EVERY_WAVE, &why)
            .await?;
    }
    Ok(())
}

/// Why a plan has to be halted; `None` where it has not, or is halted as a whole already.
pub async fn reached(view: &mut View, plan: &Digest) -> Result<Option<String>, StoreError> {
    let failures = view.failures(plan).await?;
    if failures == 0 {
        return Ok(None);
    }
    let halts = view.halts_of(HaltScope::Plan, &plan.to_string()).await?;
    let is_halted =
        |halt: &crate::store::stops::Halt| halt.resumed_at.is_none() && halt.wave == EVERY_WAVE;
    let payload = view.plan_payload(plan).await?.unwrap_or_default();
    let approval: Approval = codec::decode_deterministic(&payload, Approval::MAX_BYTES)
        .map_err(|error| StoreError::Corrupt(format!("plan {plan}: {error}")))?;
    Ok(failure_limit(failures, &approval)
        .err()
        .filter(|_| !halts.iter().any(is_halted))
        .map(|why| why.to_string()))
}

/// Halts a plan that reached its limit; any other stays as it is.
pub async fn halt(change: &mut Change, plan: &Digest) -> Result<(), StoreError> {
    if let Some(why) = reached(change.view(), plan).await? {
        change
            .halt(HaltScope::Plan, &plan.to_string(), EVERY_WAVE, &why)
            .await?;
    }
    Ok(())
}
