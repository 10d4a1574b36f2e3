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
