//! Step 6: whether the release is for this machine, and not older than what it had.

use super::authority::Authority;
use super::refusal::{Refusal, Step, Why};
use super::rule::in_date;
use crate::digest::Digest;
use crate::id::Name;
use crate::time::UtcMs;
use crate::trust::approval::{Approval, ApprovedRelease, MAX_APPROVAL_LIFE_MS};
use crate::trust::assignment::AssignmentLeaf;
use crate::trust::release::{ABSENT, Applicability, ReleaseDescription};
use crate::trust::roster::SigningRole;
use crate::trust::sign::Verified;
use crate::trust::stones::{self, Stone};
use crate::trust::stop::Downgrade;
use crate::trust::watermark::Watermark;

/// What was measured on this machine for step 6, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// `ID-VERSION_ID` of os-release.
    pub os: Option<String>,
    /// As `uname -m` writes it.
    pub architecture: Option<String>,
    /// The version of the product that is there; [`ABSENT`] where it is not. For a
    /// release that follows another of the same product in one approval: that one's.
    pub version: Option<String>,
}

/// 6 **applicability and counters**: from-version, stepping stones, OS, architecture as measured now;
/// counter not below the watermark; digest not quarantined here. The release that a
/// rollback would put back suits this machine too, and is no hidden downgrade.
///
/// Gives back the downgrade that let an older counter pass: it counts once.
#[allow(
    clippy::too_many_arguments,
    reason = "each is one of the facts that step 6 compares; a struct would hide none"
)]
pub fn applicability(
    watermark: &Watermark,
    place: &AssignmentLeaf,
    approval: &Approval,
    release: &ApprovedRelease,
    measured: &Measured,
    downgrades: &[Verified<Downgrade>],
    authority: &Authority,
    now: UtcMs,
) -> Result<Option<Digest>, Refusal> {
    let refuse = |why| Refusal::new(Step::Applicability, why);
    let described = &release.release;
    suits(&described.applies_to, place, measured).map_err(refuse)?;
    let version = measured.version.as_deref().ok_or_else(|| {
        refuse(Why::NotMeasured {
            what: "the version",
        })
    })?;
    one_of("version", &described.applies_to.from, Some(version)).map_err(refuse)?;
    past_stones(described, version).map_err(refuse)?;
    not_quarantined(watermark, approval, described).map_err(refuse)?;
    if let Some(back) = release.rollback.release() {
        suits(&back.applies_to, place, measured).map_err(refuse)?;
        not_quarantined(watermark, approval, back).map_err(refuse)?;
        if back.version != version {
            not_older(watermark, back).map_err(refuse)?;
        }
    }
    let older = match not_older(watermark, described) {
        Ok(()) => return Ok(None),
        Err(older) => older,
    };
    let allowed = downgrades.iter().find(|downgrade| {
        !watermark.used.contains(&downgrade.digest())
            && downgrade.machines.contains(&watermark.machine)
            && downgrade.product == described.product
            && downgrade.to == described.version
            && downgrade.from == version
            && downgrade.expires.since_ms(downgrade.issued) <= MAX_APPROVAL_LIFE_MS
            && in_date("downgrade", downgrade.issued, downgrade.expires, now).is_ok()
            && is_signed_by_two(authority, downgrade, place, now)
    });
    match allowed {
        Some(downgrade) => Ok(Some(downgrade.digest())),
        None => Err(refuse(older)),
    }
}

/// Whether a release is for this system, architecture and model.
fn suits(rule: &Applicability, place: &AssignmentLeaf, measured: &Measured) -> Result<(), Why> {
    one_of("system", &rule.os, measured.os.as_deref())?;
    if !rule.architectures.iter().any(|one| one == "all") {
        let here = measured.architecture.as_deref();
        one_of("architecture", &rule.architectures, here)?;
    }
    let models: Vec<String> = rule.models.iter().map(Name::to_string).collect();
    one_of("model", &models, Some(place.model.as_str()))
}

fn one_of(what: &'static str, allowed: &[String], found: Option<&str>) -> Result<(), Why> {
    if allowed.is_empty() {
        return Ok(());
    }
    let found = found.ok_or(Why::NotMeasured { what })?;
    if allowed.iter().any(|one| one == found) {
        return Ok(());
    }
    let found = if found == ABSENT { "nothing" } else { found };
    Err(Why::NotApplicable {
        what,
        expected: allowed.join(" or "),
        found: found.to_owned(),
    })
}

/// Whether every version that must be installed on the way was.
fn past_stones(described: &ReleaseDescription, version: &str) -> Result<(), Why> {
    let what = "version from";
    match stones::missing(described, version) {
        None => Ok(()),
        Some(Stone::First(stone)) => Err(Why::NotApplicable {
            what,
            expected: format!("{stone} on"),
            found: version.to_owned(),
        }),
        Some(Stone::Unclear(stone)) => Err(Why::NotApplicable {
            what,
            expected: format!("{stone} on"),
            found: format!("{version}, of which nobody can tell whether it is later"),
        }),
    }
}

fn not_quarantined(
    watermark: &Watermark,
    approval: &Approval,
    described: &ReleaseDescription,
) -> Result<(), Why> {
    let digests = described.artifacts.iter().map(|artifact| artifact.sha256);
    let blocked = digests
        .filter(|digest| watermark.quarantine.contains(digest))
        .find(|digest| !approval.clears.contains(digest));
    blocked.map_or(Ok(()), |digest| Err(Why::Quarantined(digest)))
}

fn not_older(watermark: &Watermark, described: &ReleaseDescription) -> Result<(), Why> {
    let seen = watermark.counters.get(&described.product).copied();
    match seen.filter(|seen| described.counter < *seen) {
        None => Ok(()),
        Some(seen) => Err(Why::OlderRelease {
            product: described.product.clone(),
            found: described.counter,
            seen,
        }),
    }
}

fn is_signed_by_two(
    authority: &Authority,
    downgrade: &Verified<Downgrade>,
    place: &AssignmentLeaf,
    now: UtcMs,
) -> bool {
    let roster = &authority.roster;
    let mut quorum = roster.quorum(place.class);
    quorum.people = quorum.people.max(2);
    roster
        .endorsement(
            downgrade.signers(),
            &[SigningRole::Approver],
            &[&place.unit],
            now,
        )
        .meets(quorum)
}
