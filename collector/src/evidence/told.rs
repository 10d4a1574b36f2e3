//! What the collector says of jobs beside what their pack proves, for what auditors read.

use crate::auditor::{Aside, Said};
use crate::control::Failure;
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::pack::Decided;
use crate::store::rollout::WaveOpening;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::plan::wave_number;
use std::collections::{BTreeMap, BTreeSet};

/// What is said of each of `jobs`.
pub async fn asides(view: &mut View, jobs: &[Job]) -> Result<BTreeMap<JobId, Aside>, Failure> {
    let plans: BTreeSet<Digest> = jobs.iter().map(|job| job.plan).collect();
    let signed = view.last_signed(plans.iter().copied()).await?;
    let mut openings: BTreeMap<Digest, Vec<WaveOpening>> = BTreeMap::new();
    for plan in plans {
        let opened = view.wave_openings(&plan).await?;
        openings.insert(plan, opened);
    }
    let mut decided: BTreeMap<JobId, Vec<Decided>> = BTreeMap::new();
    for one in view.decided(jobs.iter().map(|job| job.id)).await? {
        decided.entry(one.job).or_default().push(one);
    }
    let asides = jobs.iter().map(|job| {
        let opened = openings.get(&job.plan).into_iter().flatten();
        let opened = opened.filter(|opening| opening.wave == job.wave);
        let mut said: Vec<Said> = opened.map(opening_said).collect();
        let mut returned = None;
        for one in decided.remove(&job.id).unwrap_or_default() {
            match one.action.as_str() {
                "job.return" => returned = Some(decision(one, "returned to service")),
                "job.retry" => said.push(decision(one, "second try allowed")),
                "job.free" => said.push(decision(one, "said to be up without a measurement")),
                _ => said.push(decision(one, "closed")),
            }
        }
        let aside = Aside {
            state: job.state.clone(),
            attempt: job.attempt,
            approved_at: signed.get(&job.plan).copied(),
            returned,
            decided: said,
        };
        (job.id, aside)
    });
    Ok(asides.collect())
}

fn decision(decided: Decided, what: &str) -> Said {
    Said {
        what: what.to_owned(),
        by: decided.by,
        at: decided.at,
    }
}

fn opening_said(opening: &WaveOpening) -> Said {
    Said {
        what: format!(
            "wave {} opened early ({})",
            wave_number(opening.wave),
            opening.reason
        ),
        by: opening.opened_by.clone(),
        at: opening.opened_at,
    }
}
