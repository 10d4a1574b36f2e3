//! What stops and halts cover. Pure.

use super::model;
use crate::store::documents::Document;
use crate::store::stops::{EVERY_WAVE, Halt, HaltScope};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::trust::approval::Approval;

/// Whether one of these stops covers a plan's work in a unit.
pub fn is_stopped(
    stops: &[Document],
    unit: &Name,
    plan: &Digest,
    approval: &Approval,
    vendors: &[Name],
) -> bool {
    let covers = |scope: &str, subject: &str| match scope {
        "all" => true,
        "unit" => subject == unit.as_str(),
        "plan" => subject == plan.to_string(),
        "release" => releases(approval).any(|sha256| subject == sha256.to_string()),
        "vendor" => vendors.iter().any(|vendor| subject == vendor.as_str()),
        // A scope of a newer version: stopping is never refused.
        _ => true,
    };
    stops.iter().any(|stop| {
        let subject = stop.subject.as_deref().unwrap_or_default();
        stop.scope
            .as_deref()
            .is_none_or(|scope| covers(scope, subject))
    })
}

fn releases(approval: &Approval) -> impl Iterator<Item = Digest> {
    approval.releases.iter().map(|release| release.sha256)
}

/// The first of these halts that covers a wave of a plan on a machine of this model.
pub fn halt_of<'a>(
    halts: &'a [Halt],
    plan: &Digest,
    wave: u32,
    approval: &Approval,
    of: Option<&Name>,
) -> Option<&'a Halt> {
    let is_subject = |halt: &Halt, name: &Name| {
        let mut releases = releases(approval);
        releases.any(|sha256| halt.subject == model::subject(&sha256, name.as_str()))
    };
    halts.iter().find(|halt| match halt.scope {
        HaltScope::Plan => {
            halt.subject == plan.to_string() && (halt.wave == EVERY_WAVE || halt.wave == wave)
        }
        HaltScope::ReleaseOnModel => of.is_some_and(|name| is_subject(halt, name)),
    })
}
