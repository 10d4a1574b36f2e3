//! What a plan clears from quarantine, in words: which release, and what went wrong with it.
//! The machines that kept it there try it again once this plan is signed.

use super::findings;
use crate::command::zones::Zones;
use crate::control::{Failure, Table};
use crate::quarantine;
use crate::store::View;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::job::State;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::Approval;
use patchward_common::trust::release::ArtifactRef;
use patchward_common::words::counted;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The rule under which it stands among the findings.
const RULE: &str = "quarantine";
/// Most failures that one sentence tells of: the newest; the page of the release has all.
const MAX_NAMED: usize = 3;

/// One release that a plan clears.
pub(super) struct Cleared {
    /// What people call it.
    release: String,
    /// All of it in one sentence.
    pub(super) text: String,
}

/// What went wrong with a release once.
struct Wrong {
    at: UtcMs,
    machine: MachineId,
    how: &'static str,
    why: String,
}

/// Everything that an approval clears, as sentences, each behind a space.
pub(super) async fn sentences(view: &mut View, approval: &Approval) -> Result<String, Failure> {
    let cleared = of(view, approval).await?;
    Ok(cleared.iter().map(|one| format!(" {}", one.text)).collect())
}

/// Everything that an approval clears, each release once.
pub(super) async fn of(view: &mut View, approval: &Approval) -> Result<Vec<Cleared>, Failure> {
    let mut digests: BTreeMap<String, BTreeSet<Digest>> = BTreeMap::new();
    for digest in &approval.clears {
        digests
            .entry(called(approval, digest))
            .or_default()
            .insert(*digest);
    }
    if digests.is_empty() {
        return Ok(Vec::new());
    }
    let zones = Zones::read(view).await?;
    let mut wrong: BTreeMap<&String, Vec<Wrong>> = BTreeMap::new();
    // Thousands of jobs, of some hundreds of plans: each plan is read once.
    let mut carried: BTreeMap<Digest, Vec<&String>> = BTreeMap::new();
    for job in view.jobs_gone_wrong().await? {
        let (how, reason) = match &job.state {
            State::RolledBack(reason) => ("and went back", reason),
            State::Failed(reason) => ("and was not put right", reason),
            _ => continue,
        };
        let releases = match carried.entry(job.plan) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(carries(view, &job.plan, &digests).await?),
        };
        if releases.is_empty() {
            continue;
        }
        for release in releases.iter() {
            wrong.entry(release).or_default().push(Wrong {
                at: job.since,
                machine: job.machine,
                how,
                why: reason.text.clone(),
            });
        }
    }
    let mut all = Vec::new();
    for release in digests.keys() {
        let mut wrong = wrong.remove(release).unwrap_or_default();
        wrong.sort_by_key(|one| std::cmp::Reverse(one.at));
        all.push(Cleared {
            release: release.clone(),
            text: words(view, release, &wrong, &zones).await?,
        });
    }
    Ok(all)
}

/// Puts what is cleared before all other findings: nobody signs it without having read it.
pub(super) fn put_first(cleared: &[Cleared], table: &mut Table) {
    for one in cleared.iter().rev() {
        findings::add_first(table, RULE, &one.release, &one.text);
    }
}

/// The release of the plan that has an artifact; its digits where none has.
fn called(approval: &Approval, digest: &Digest) -> String {
    let has = |artifacts: &[ArtifactRef]| artifacts.iter().any(|one| one.sha256 == *digest);
    let mut releases = approval.releases.iter();
    let found = releases.find(|one| has(&one.release.artifacts));
    match found {
        Some(one) => format!("{} {}", one.release.product, one.release.version),
        None => digest.to_string(),
    }
}

/// The releases, of those whose artifacts these are, that a plan carries.
async fn carries<'r>(
    view: &mut View,
    plan: &Digest,
    digests: &'r BTreeMap<String, BTreeSet<Digest>>,
) -> Result<Vec<&'r String>, Failure> {
    let approval = quarantine::approval(view, plan).await?;
    let releases = approval.releases.iter();
    let artifacts = releases.flat_map(|release| &release.release.artifacts);
    let artifacts: BTreeSet<Digest> = artifacts.map(|artifact| artifact.sha256).collect();
    let carried = digests
        .iter()
        .filter(|(_, of_release)| !artifacts.is_disjoint(of_release));
    Ok(carried.map(|(release, _)| release).collect())
}

async fn words(
    view: &mut View,
    release: &str,
    wrong: &[Wrong],
    zones: &Zones,
) -> Result<String, Failure> {
    let mut named = Vec::new();
    for one in wrong.iter().take(MAX_NAMED) {
        let known = view.machine(&one.machine).await?;
        let machine = known.map_or_else(|| one.machine.to_string(), |one| one.name.to_string());
        named.push(format!(
            "it failed on {machine} at {} {}: {}",
            zones.text(None, one.at),
            one.how,
            one.why
        ));
    }
    let more = match wrong.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!("; and {} before", counted(more, "time", "times")),
    };
    Ok(match named.is_empty() {
        true => format!(
            "It clears {release} from quarantine. No failure of it is known to this collector."
        ),
        false => format!(
            "It clears {release} from quarantine: {}{more}. Who signs says that this may be tried \
             again.",
            named.join("; ")
        ),
    })
}
