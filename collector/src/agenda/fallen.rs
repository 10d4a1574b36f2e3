//! What was verified is measured again with every inventory: a version that is no longer
//! what its plan installed opens the matter again.

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
    sets: BTreeMap<Digest, Option<ComponentSet>>,
}

/// A product that is not what was verified.
#[derive(Debug)]
pub(super) struct Fallen {
    pub(super) since: UtcMs,
    pub(super) why: String,
}

impl Measured {
    /// What a machine's newest job verified and its inventory, where that came later, no
    /// longer shows.
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
        if held.since <= job.since {
            return Ok(None);
        }
        if let Entry::Vacant(place) = self.plans.entry(job.plan) {
            let payload = view.plan_payload(&job.plan).await?.unwrap_or_default();
            let read = codec::decode_deterministic(&payload, Approval::MAX_BYTES).ok();
            place.insert(read);
        }
        if let Entry::Vacant(place) = self.sets.entry(held.digest) {
            let read = view.components_of(&held.digest).await?;
            place.insert(read);
        }
        let approval = self.plans.get(&job.plan).and_then(Option::as_ref);
        let set = self.sets.get(&held.digest).and_then(Option::as_ref);
        let (Some(approval), Some(set)) = (approval, set) else {
            return Ok(None);
        };
        // Of a product that stands twice the last release counts.
        let described = approval.releases.iter().map(|approved| &approved.release);
        let last: BTreeMap<_, _> = described.map(|one| (&one.product, one)).collect();
        let why = last.into_values().find_map(|release| differs(release, set));
        let since = held.since;
        Ok(why.map(|why| Fallen { since, why }))
    }
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
