//! What was verified is measured again with every inventory: a version that is no longer
//! what its plan installed opens the matter again.

use super::newest::Made;
use crate::control::Failure;
use crate::planning;
use crate::store::View;
use crate::store::inventory::{MachineSet, Numbered};
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
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What was read already: plans and inventories are shared by many machines.
#[derive(Debug, Default)]
pub(super) struct Measured {
    plans: BTreeMap<Digest, Option<Approval>>,
    /// What of a plan is no longer in an inventory.
    found: BTreeMap<(Digest, Digest), Option<String>>,
    /// Components by their names: those of the products that were looked for.
    named: BTreeMap<String, Vec<Numbered>>,
    /// The numbers of what is in an inventory.
    members: BTreeMap<Digest, RoaringBitmap>,
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
        held: Option<&MachineSet>,
    ) -> Result<Option<Fallen>, Failure> {
        if !matches!(job.state, State::Verified | State::InService) {
            return Ok(None);
        }
        let Some(held) = held else {
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
        let approval = self.plans.get(plan).cloned().flatten();
        let mut why = None;
        // Of a product that stands twice the last release counts.
        let described = approval.iter().flat_map(|approval| &approval.releases);
        let described = described.map(|approved| &approved.release);
        let last: BTreeMap<_, _> = described.map(|one| (&one.product, one)).collect();
        for release in last.into_values() {
            let held = self.held(view, release, set).await?;
            why = why.or(held.and_then(|held| differs(release, &held)));
        }
        self.found.insert((*plan, *set), why.clone());
        Ok(why)
    }
}

impl Measured {
    /// What of an inventory has the name by which a release is known: a few components, where
    /// the whole are thousands.
    async fn held(
        &mut self,
        view: &mut View,
        release: &ReleaseDescription,
        set: &Digest,
    ) -> Result<Option<ComponentSet>, Failure> {
        let name = planning::component_of(release).map_or("", |(_, name)| name);
        if !self.named.contains_key(name) {
            let named = view.components_named(name).await?;
            self.named.insert(name.to_owned(), named);
        }
        if !self.members.contains_key(set) {
            let Some(members) = view.members_of(set).await? else {
                return Ok(None);
            };
            self.members.insert(*set, members);
        }
        let (named, members) = (self.named.get(name), self.members.get(set));
        let there = named.into_iter().flatten();
        let there = there.filter(|one| members.is_some_and(|has| has.contains(one.number)));
        let there = there.map(|one| one.component.clone()).collect();
        // What was taken in once is within the limits.
        Ok(ComponentSet::new(there).ok())
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
    let held = view.set_of(&job.machine).await?;
    let fallen = Measured::default().fallen(view, job, held.as_ref()).await?;
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
