//! What people stated, and how long installs really took, out of the store.

mod vendors;

pub use vendors::{answers, policies};

use crate::control::Failure;
use crate::schedule::planner::measured;
use crate::store::View;
use crate::store::documents::DocumentKind;
use crate::store::journal::MAX_EVENT_BYTES;
use crate::store::places::Group;
use crate::store::stops::HaltScope;
use patchward_common::codec;
use patchward_common::id::{JobId, Label, Name};
use patchward_common::job::{Event, JobEvent, Verdict};
use patchward_common::plan::{HaltOnModel, Stated, StopInForce};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::Approval;
use patchward_common::trust::sign::{Document, Signed};
use patchward_common::trust::stop::{Scope, Stop};
use std::collections::BTreeMap;

/// Newest plans that are looked at for runs: older ones ran on other machines.
const MAX_PLANS: u32 = 50;

/// What people stated.
pub(super) async fn stated(
    view: &mut View,
    groups: &[Group],
    now: UtcMs,
) -> Result<Stated, Failure> {
    let units = view.units().await?;
    let mut stated = Stated {
        sites: units
            .into_iter()
            .map(|unit| (unit.name, unit.site))
            .collect(),
        precedence: view.precedence().await?,
        training: view.trainings().await?,
        duty: view.duties(now).await?,
        members: view.stated_members().await?,
        stops: stops(view, now).await?,
        halts: halts(view).await?,
        vendor_policies: policies(view).await?,
        ..Stated::default()
    };
    let minimums = groups
        .iter()
        .map(|one| (one.name.clone(), one.minimum_ready));
    stated.minimums.extend(minimums);
    for (site, limits) in view.work_limits().await? {
        match site {
            Some(site) => drop(stated.limits.insert(site, limits)),
            None => stated.everywhere = limits,
        }
    }
    Ok(stated)
}

/// Every stop in force. One that cannot be read may cover everything.
async fn stops(view: &mut View, now: UtcMs) -> Result<Vec<StopInForce>, Failure> {
    let documents = view.in_force(DocumentKind::Stop, now).await?.into_iter();
    let read = documents.map(|document| {
        let stop = codec::decode_deterministic::<Stop>(&document.payload, Stop::MAX_BYTES);
        match stop {
            Ok(stop) => Ok(StopInForce {
                scope: stop.scope,
                reason: stop.reason,
            }),
            Err(error) => Ok(StopInForce {
                scope: Scope::All,
                reason: Label::new("a stop that this collector cannot read")
                    .map_err(|_| Failure::conflict(error.to_string()))?,
            }),
        }
    });
    read.collect()
}

/// The releases that are halted on a model.
async fn halts(view: &mut View) -> Result<Vec<HaltOnModel>, Failure> {
    let halts = view.halts().await?.into_iter();
    let of_models = halts.filter(|halt| halt.scope == HaltScope::ReleaseOnModel);
    let read = of_models.filter_map(|halt| {
        let (release, model) = halt.subject.split_once('/')?;
        Some(HaltOnModel {
            release: release.parse().ok()?,
            model: Name::new(model).ok()?,
            reason: halt.reason,
        })
    });
    Ok(read.collect())
}

/// The longest install of each of `products` as it was measured here, with its margin: of
/// verified jobs that installed nothing else.
pub async fn measured_minutes(
    view: &mut View,
    products: &[&Name],
) -> Result<BTreeMap<Name, u32>, Failure> {
    let mut runs: BTreeMap<Name, Vec<i64>> = BTreeMap::new();
    for plan in view.plans_given_out(MAX_PLANS).await? {
        let payload = view.plan_payload(&plan.id).await?.unwrap_or_default();
        let Ok(approval) = Signed::<Approval>::unsigned(payload).peek() else {
            continue; // What is damaged measures nothing; the plan itself says so.
        };
        let [release] = &approval.releases[..] else {
            continue;
        };
        let product = &release.release.product;
        if products.contains(&product) {
            let proofs = view.proofs_of_plan(&plan.id).await?;
            let of_product = runs.entry(product.clone()).or_default();
            of_product.extend(runs_of(&proofs));
        }
    }
    let longest = runs.into_iter().filter_map(|(product, runs)| {
        let minutes = measured::longest_minutes(runs)?;
        Some((product, minutes))
    });
    Ok(longest.collect())
}

/// From each start record to the measurement that verified it, in milliseconds.
fn runs_of(proofs: &[(JobId, Vec<u8>)]) -> Vec<i64> {
    let mut events: BTreeMap<JobId, Vec<JobEvent>> = BTreeMap::new();
    for (job, bytes) in proofs {
        let signed = codec::decode::<Signed<JobEvent>>(bytes, MAX_EVENT_BYTES);
        let event = signed.ok().and_then(|signed| signed.peek().ok());
        events.entry(*job).or_default().extend(event);
    }
    let mut runs = Vec::new();
    for mut events in events.into_values() {
        events.sort_by_key(|event| event.at);
        let mut started = None;
        for event in events {
            match event.event {
                Event::Started(start) => started = Some((event.at, start.slot.end())),
                Event::Measured(measured) if measured.verdict == Verdict::Verified => {
                    // What ended after its slot had waited for a person before its restart.
                    let in_slot = started.take().filter(|(_, end)| event.at <= *end);
                    runs.extend(in_slot.map(|(at, _)| event.at.since_ms(at)));
                }
                _ => {}
            }
        }
    }
    runs
}
