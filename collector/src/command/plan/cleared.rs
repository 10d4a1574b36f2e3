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
    machine: String,
    how: &'static str,
    why: String,
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
    for machine in view.gone_wrong().await? {
        for (release, of_release) in &digests {
            let found = wrong_on(view, &machine, of_release).await?;
            wrong.entry(release).or_default().extend(found);
        }
    }
    let all = digests.keys().map(|release| {
        let mut wrong = wrong.remove(release).unwrap_or_default();
        wrong.sort_by_key(|one| std::cmp::Reverse(one.at));
        Cleared {
            release: release.clone(),
            text: words(release, &wrong, &zones),
        }
    });
    Ok(all.collect())
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

/// What went wrong on one machine with any of these.
async fn wrong_on(
    view: &mut View,
    machine: &MachineId,
    digests: &BTreeSet<Digest>,
) -> Result<Vec<Wrong>, Failure> {
    let mut found = Vec::new();
    for job in view.jobs_of_machine(machine).await? {
        let (how, reason) = match &job.state {
            State::RolledBack(reason) => ("and went back", reason),
            State::Failed(reason) => ("and was not put right", reason),
            _ => continue,
        };
        let approval = quarantine::approval(view, &job.plan).await?;
        let releases = approval.releases.iter();
        let mut artifacts = releases.flat_map(|release| &release.release.artifacts);
        if artifacts.any(|artifact| digests.contains(&artifact.sha256)) {
            let known = view.machine(machine).await?;
            found.push(Wrong {
                at: job.since,
                machine: known.map_or_else(|| machine.to_string(), |one| one.name.to_string()),
                how,
                why: reason.text.clone(),
            });
        }
    }
    Ok(found)
}

fn words(release: &str, wrong: &[Wrong], zones: &Zones) -> String {
    let named = wrong.iter().take(MAX_NAMED).map(|one| {
        format!(
            "it failed on {} at {} {}: {}",
            one.machine,
            zones.text(None, one.at),
            one.how,
            one.why
        )
    });
    let named: Vec<String> = named.collect();
    let more = match wrong.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!("; and {} before", counted(more, "time", "times")),
    };
    match named.is_empty() {
        true => format!(
            "It clears {release} from quarantine. No failure of it is known to this collector."
        ),
        false => format!(
            "It clears {release} from quarantine: {}{more}. Who signs says that this may be tried \
             again.",
            named.join("; ")
        ),
    }
}
