//! What installing releases comes to: the steps in their order, and the way back.

use crate::kind::{self, Site, UNKNOWN};
use patchward_common::id::BootId;
use patchward_common::job::ProductVersion;
use patchward_common::job::phase::Plan;
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::release::Reboot;

/// The plan of a job that starts in `boot`, where `measured` are the versions before.
pub fn of(
    site: &Site<'_>,
    releases: &[ApprovedRelease],
    measured: &[ProductVersion],
    boot: BootId,
) -> Result<Plan, String> {
    let restarts = |release: &ApprovedRelease| release.release.reboot == Reboot::Machine;
    let mut plan = Plan {
        boot,
        reboot: releases.iter().any(restarts),
        steps: Vec::new(),
        back: Vec::new(),
    };
    for (index, release) in releases.iter().enumerate() {
        let kind = kind::of(site, release)?;
        let product = &release.release.product;
        // The way back of a stepping stone leads to the one before it.
        let mut earlier = releases[..index].iter().rev().map(|r| &r.release);
        let stone = earlier.find(|earlier| earlier.product == *product);
        let before = measured.iter().find(|before| before.product == *product);
        let before = stone
            .map(|stone| &stone.version)
            .or(before.map(|before| &before.version));
        let steps = kind.steps().into_iter();
        plan.steps.extend(steps.map(|part| part.step(index, "")));
        let back = kind
            .back(before.map_or(UNKNOWN, String::as_str))
            .into_iter();
        let back = back.map(|part| part.step(index, "-back"));
        plan.back = back.chain(plan.back).collect();
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Caller;
    use patchward_common::digest::Digest;
    use patchward_common::id::Name;
    use patchward_common::trust::approval::Rollback;
    use patchward_common::trust::release::{
        Applicability, ArtifactRef, Kind, Provenance, ReleaseDescription, TreeKind,
    };
    use std::path::Path;

    fn release(version: &str, reboot: Reboot) -> ApprovedRelease {
        let viewer = Name::new("viewer").unwrap();
        let sha256 = Digest::of(version.as_bytes());
        ApprovedRelease {
            repository: viewer.clone(),
            path: "viewer.tar".to_owned(),
            sha256,
            length: 1,
            provenance: Provenance::Vendor,
            release: ReleaseDescription {
                product: viewer.clone(),
                version: version.to_owned(),
                counter: 1,
                kind: Kind::Tree(TreeKind {
                    name: viewer,
                    service: None,
                }),
                artifacts: vec![ArtifactRef {
                    path: "viewer.tar".to_owned(),
                    sha256,
                    length: 1,
                }],
                applies_to: Applicability {
                    from: vec![],
                    os: vec![],
                    architectures: vec!["all".to_owned()],
                    models: vec![],
                },
                stepping_stones: vec![],
                reboot,
                install_minutes: 1,
                recovery_minutes: 1,
                checks_before: vec![],
                checks_after: vec![],
                fixes: vec![],
                users_will_notice: None,
            },
            install_minutes: 1,
            recovery_minutes: 1,
            rollback: Rollback::None,
        }
    }

    /// Names and last words of the plan's steps, and of its way back.
    fn laid_out(releases: &[ApprovedRelease], measured: &[ProductVersion]) -> [String; 2] {
        let nowhere = Path::new("/nowhere");
        let site = Site {
            trees_dir: nowhere,
            packages_root: nowhere,
            dpkg_options: &[],
            rpm_options: &[],
            recipes_dir: nowhere,
            restart_argv: &[],
            program: nowhere,
            job_dir: nowhere.to_owned(),
            artifacts_dir: nowhere.to_owned(),
            asker: Caller::SELF,
        };
        let plan = of(&site, releases, measured, BootId([1; 16])).unwrap();
        assert!(plan.reboot);
        [plan.steps, plan.back].map(|steps| {
            let words = steps
                .iter()
                .map(|step| format!("{} {}", step.name, step.argv.last().unwrap()));
            words.collect::<Vec<_>>().join(", ")
        })
    }

    #[test]
    fn the_way_back_of_a_stepping_stone_leads_to_the_one_before_it() {
        let releases = [
            release("2.0", Reboot::None),
            release("3.0", Reboot::Machine),
        ];
        let measured = ProductVersion {
            product: Name::new("viewer").unwrap(),
            version: "1.0".to_owned(),
        };
        let [steps, back] = laid_out(&releases, &[measured]);
        assert_eq!(
            steps,
            "0-unpack 2.0, 0-switch 2.0, 1-unpack 3.0, 1-switch 3.0"
        );
        assert_eq!(back, "1-back-switch 2.0, 0-back-switch 1.0");
        let [_, back] = laid_out(&releases, &[]);
        assert_eq!(back, "1-back-switch 2.0, 0-back-switch unknown");
    }
}
