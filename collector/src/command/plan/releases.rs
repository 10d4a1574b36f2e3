//! The releases of a new plan, and the way back from each.

use crate::command::release::{self as stored, product_and_version};
use crate::control::Failure;
use crate::planning;
use crate::schedule::planner::Candidate;
use crate::store::View;
use crate::store::releases::{ArtifactState, Release, ReleaseState};
use patchward_common::id::Name;
use patchward_common::plan::is_release;
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::release::ReleaseDescription;

/// A release that somebody chose.
pub(super) struct Chosen {
    release: Release,
    /// What its vendor says of it.
    pub(super) description: ReleaseDescription,
    /// Releases that it could go back to, newest first: of the same repository, not
    /// withdrawn, all their bytes here.
    earlier: Vec<(Release, ReleaseDescription)>,
}

/// The releases that `texts` name as PRODUCT=VERSION, in this order.
pub(super) async fn chosen(view: &mut View, texts: &[String]) -> Result<Vec<Chosen>, Failure> {
    let mut found = Vec::new();
    for text in texts {
        let (product, version) = product_and_version(text)?;
        let product =
            Name::new(product).map_err(|e| Failure::input(format!("\"{product}\" {e}")))?;
        found.push(one(view, &product, version).await?);
    }
    Ok(found)
}

async fn one(view: &mut View, product: &Name, version: &str) -> Result<Chosen, Failure> {
    let all: Vec<Release> = view.releases(Some(product)).await?;
    let release = all
        .iter()
        .filter(|r| r.version == version)
        .max_by_key(|r| r.counter);
    let release = release.ok_or_else(|| {
        Failure::not_found(format!(
            "There is no release {version} of {product}. `release list` shows all."
        ))
    })?;
    if release.state == ReleaseState::Withdrawn {
        return Err(Failure::conflict(format!(
            "{product} {version} was withdrawn."
        )));
    }
    let description = stored::description(release)?;
    if !is_here(view, &description).await? {
        return Err(Failure::conflict(format!(
            "The bytes of {product} {version} are not all here. Take them in with `release import \
             {} FOLDER`.",
            release.repository
        )));
    }
    let mut earlier = Vec::new();
    // Newest counter first, as the store has them.
    for other in &all {
        let may = other.repository == release.repository
            && other.counter < release.counter
            && other.state != ReleaseState::Withdrawn;
        if !may {
            continue;
        }
        let described = stored::description(other)?;
        if is_here(view, &described).await? {
            earlier.push((other.clone(), described));
        }
    }
    Ok(Chosen {
        release: release.clone(),
        description,
        earlier,
    })
}

/// Whether all bytes of a release are here.
async fn is_here(view: &mut View, description: &ReleaseDescription) -> Result<bool, Failure> {
    for artifact in &description.artifacts {
        let known = view.artifact(&artifact.sha256).await?;
        if known.is_none_or(|known| known.state != ArtifactState::Stored) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Chosen {
    /// As the plan approves it. It goes back to the newest earlier release that one of the
    /// candidates has now: what none of them has was never tried on them, and may be what
    /// they were taken off.
    pub(super) fn approved(&self, candidates: &[Candidate]) -> Result<ApprovedRelease, Failure> {
        let product = &self.description.product;
        let is_installed = |earlier: &ReleaseDescription| {
            let measured = candidates.iter().map(|c| c.facts.versions.get(product));
            measured.flatten().any(|found| is_release(earlier, found))
        };
        let back = self
            .earlier
            .iter()
            .find(|(_, earlier)| is_installed(earlier));
        planning::approved(&self.release, back.map(|(release, _)| release))
    }
}
