//! Step 5: what the vendor signed, and whether it may.

use super::authority::Authority;
use super::refusal::{Refusal, Step, Why};
use crate::trust::approval::ApprovedRelease;
use crate::trust::charter::{Publisher, VendorGrant};
use crate::trust::origin;
use crate::trust::release::{ArtifactRef, Provenance, ReleaseDescription};
use crate::trust::vendor::VerifiedTargets;

/// 5 **vendor**: path, length and hash equal the approval's (and `custom`, where there
/// is one); the charter lets this vendor speak for this product, and calls the
/// repository what the approval says of the release's provenance. What the hospital
/// published itself has an origin that carries that provenance.
///
/// `targets` is what a TUF refresh of the very repository that the release names, from
/// the charter's pin and a fixed update start time, found.
pub fn vendor(
    authority: &Authority,
    release: &ApprovedRelease,
    targets: &VerifiedTargets,
) -> Result<(), Refusal> {
    speaks_for(authority, release, targets).map_err(|why| Refusal::new(Step::Vendor, why))
}

fn speaks_for(
    authority: &Authority,
    release: &ApprovedRelease,
    targets: &VerifiedTargets,
) -> Result<(), Why> {
    let grant = authority
        .charter
        .grant(&release.repository)
        .ok_or_else(|| Why::UnknownRepository(release.repository.clone()))?;
    if !grant.publisher.may_give(release.provenance) {
        return Err(Why::Provenance {
            repository: release.repository.clone(),
            whose: grant.publisher.words(),
            said: release.provenance.word(),
        });
    }
    for described in release.described() {
        released(grant, described, targets)?;
        if grant.publisher == Publisher::Custodian {
            let carried = vouched(described, targets)?;
            // The grade that people approved is that of the release itself.
            if *described == release.release && carried < release.provenance {
                return Err(Why::Origin {
                    path: release.path.clone(),
                    problem: "its origin carries less than the approval says of its provenance",
                });
            }
        }
    }
    Ok(())
}

/// The provenance that the origin of a custodian's release carries.
fn vouched(described: &ReleaseDescription, targets: &VerifiedTargets) -> Result<Provenance, Why> {
    let path = described.artifacts.first().map(|first| &first.path);
    let path = path.cloned().unwrap_or_default();
    let target = targets.target(&path).map_err(Why::Tuf)?;
    let custom = target.map(|target| target.custom).unwrap_or_default();
    let origin = origin::of_target(&custom, described);
    origin
        .map(|origin| origin.provenance)
        .map_err(|problem| Why::Origin { path, problem })
}

fn released(
    grant: &VendorGrant,
    described: &ReleaseDescription,
    targets: &VerifiedTargets,
) -> Result<(), Why> {
    let not_its = |what| Why::NotItsProduct {
        repository: grant.repository.clone(),
        what,
    };
    if !grant.products.contains(&described.product) {
        return Err(not_its(format!("product {}", described.product)));
    }
    for artifact in &described.artifacts {
        if !grant.covers(&artifact.path) {
            return Err(not_its(format!("path {}", artifact.path)));
        }
        is_target(artifact, targets)?;
    }
    is_described(grant.publisher, described, targets)
}

fn is_target(artifact: &ArtifactRef, targets: &VerifiedTargets) -> Result<(), Why> {
    let differs = |what| Why::VendorDiffers {
        path: artifact.path.clone(),
        what,
    };
    let target = targets
        .target(&artifact.path)
        .map_err(Why::Tuf)?
        .ok_or_else(|| Why::NoTarget(artifact.path.clone()))?;
    if target.length != artifact.length {
        return Err(differs("the length"));
    }
    if target.sha256 != artifact.sha256 {
        return Err(differs("the bytes"));
    }
    Ok(())
}

/// The description that the first target carries, where it has one, is the approved one.
fn is_described(
    publisher: Publisher,
    described: &ReleaseDescription,
    targets: &VerifiedTargets,
) -> Result<(), Why> {
    let Some(first) = described.artifacts.first() else {
        return Err(Why::Malformed {
            document: "release",
            problem: "it has no artifact",
        });
    };
    let target = targets.target(&first.path).map_err(Why::Tuf)?;
    let Some(custom) = target.and_then(|mut target| target.custom.remove("patchward")) else {
        return match publisher {
            Publisher::Vendor => Ok(()),
            // An origin vouches for what is described beside it, and for nothing else.
            Publisher::Custodian => Err(Why::VendorDiffers {
                path: first.path.clone(),
                what: "the description, which is missing,",
            }),
        };
    };
    match serde_json::from_value::<ReleaseDescription>(custom) {
        Ok(stated) if stated == *described => Ok(()),
        _ => Err(Why::VendorDiffers {
            path: first.path.clone(),
            what: "the description",
        }),
    }
}
