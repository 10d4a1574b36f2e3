//! What was verified is measured again with every inventory: a version that is no longer
//! what its plan installed opens the matter again.

use super::newest::Made;
use crate::control::Failure;
use crate::planning;
use crate::store::View;
use crate::store::jobs::Job;
use patchward_common::codec;
use patchward_common::component::ComponentSet;
use patchward_common::digest::Digest;
use patchward_common::job::State;
use patchward_common::plan::is_release;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::Approval;
use patchward_common::trust::release::{ABSENT, ReleaseDescription};
use patchward_common::trust::sign::Document as _;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What was read already: plans and inventories are shared by many machines.
#[derive(Debug, Default)]
pub(super) struct Measured {
    plans: BTreeMap<Digest, Option<Approval>>,
    /// What of a plan is no longer in an inventory.
    found: BTreeMap<(Digest, Digest), Option<String>>,
}

/// A product that is not what was verified.
#[derive(Debug)]
pub(super) struct Fallen {
    pub(super) since: UtcMs,
    pub(super) why: String,
}

impl Measured {
    /// What a machine's newest job verified and its inventory, where that came after the
    /// measurement, no longer shows.
    pub(super) async fn fallen(
        &mut self,
        view: &mut View,
        job: &Job,
    ) -> Result<Option<Fallen>, Failure> {
        if !matches!(job.state, State::Verified | State::InService) {
            return Ok(None);
        }
        let Some(held) = view.set_of(&job.machine).await? else {
            return Ok(None);
        };
        let Some(why) = self.differs(view, &job.plan, &held.digest).await? else {
            return Ok(None);
        };
        let since = held.since;
        let is_later = job.since < since || measured_at(view, job).await? < since;
        Ok(is_later.then_some(Fallen { since, why }))
    }

    async fn differs(
        &mut self,
        view: &mut View,
        plan: &Digest,
        set: &Digest,
    ) -> Result<Option<String>, Failure> {
        if let Some(found) = self.found.get(&(*plan, *set)) {
            return Ok(found.clone());
        }
        if let Entry::Vacant(place) = self.plans.entry(*plan) {
            let payload = view.plan_payload(plan).await?.unwrap_or_default();
            place.insert(codec::decode_deterministic(&payload, Approval::MAX_BYTES).ok());
        }
        let approval = self.plans.get(plan).and_then(Option::as_ref);
        let held = view.components_of(set).await?;
        let why = approval.zip(held).and_then(|(approval, held)| {
            // Of a product that stands twice the last release counts.
            let described = approval.releases.iter().map(|approved| &approved.release);
            let last: BTreeMap<_, _> = described.map(|one| (&one.product, one)).collect();
            last.into_values()
                .find_map(|release| differs(release, &held))
        });
        self.found.insert((*plan, *set), why.clone());
        Ok(why)
    }
}

/// When the job was measured last. Its last change of state may be its machine's return to
/// service, which measures nothing; what proves it is stored with the measurement.
async fn measured_at(view: &mut View, job: &Job) -> Result<UtcMs, Failure> {
    let proofs = view.evidence(&job.id).await?;
    Ok(proofs.last().map_or(job.since, |proof| proof.at))
}

/// What a machine no longer shows of what `job` verified, where that is its newest job.
pub async fn fallen(view: &mut View, job: &Job) -> Result<Option<String>, Failure> {
    let jobs = view.jobs_of_machine(&job.machine).await?;
    let made = Made::read(view).await?;
    if made.newest(&jobs).is_none_or(|newest| newest.id != job.id) {
        return Ok(None);
    }
    let fallen = Measured::default().fallen(view, job).await?;
    Ok(fallen.map(|fallen| fallen.why))
}

fn differs(release: &ReleaseDescription, set: &ComponentSet) -> Option<String> {
    let found = planning::version_of(release, set).unwrap_or(ABSENT);
    (!is_release(release, found)).then(|| {
        format!(
            "{} {} was verified, and {found} is there now",
            release.product, release.version
        )
    })
}
