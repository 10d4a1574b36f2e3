//! What keeps machines of the plan from starting now: stops, and halts on a model. HTM has
//! to read it, and may sign all the same: either may be gone before the first slot.

use super::{Findings, Rule, Subject, View};
use crate::plan::{HaltOnModel, Stated, StopInForce};
use crate::trust::approval::ApprovedRelease;
use crate::trust::stop::Scope;
use crate::words::counted;

pub(super) fn check(view: &View<'_>, stated: &Stated, findings: &mut Findings) {
    for stop in &stated.stops {
        stopped(view, stop, findings);
    }
    for halt in &stated.halts {
        halted(view, halt, findings);
    }
}

fn stopped(view: &View<'_>, stop: &StopInForce, findings: &mut Findings) {
    let of_release = |release: &ApprovedRelease| {
        let described = &release.release;
        let what = format!("{} {}", described.product, described.version);
        (Subject::Release(described.product.clone()), what)
    };
    let releases = || view.approval.releases.iter();
    let covered = match &stop.scope {
        Scope::All => Some((Subject::Plan, "everything".to_owned())),
        Scope::Plan(digest) => {
            (*digest == view.digest).then(|| (Subject::Plan, "this plan".to_owned()))
        }
        Scope::Unit(unit) => {
            let is_here = view.leaves.iter().any(|leaf| leaf.unit == *unit);
            is_here.then(|| (Subject::Unit(unit.clone()), format!("unit {unit}")))
        }
        Scope::Release(sha256) => releases()
            .find(|release| release.sha256 == *sha256)
            .map(of_release),
        Scope::Vendor(vendor) => {
            let charter = view.authority.as_ref().map(|(charter, _)| charter);
            let is_of = |release: &&ApprovedRelease| {
                let grant = charter.and_then(|charter| charter.grant(&release.repository));
                grant.is_some_and(|grant| grant.vendor == *vendor)
            };
            releases().find(is_of).map(of_release)
        }
    };
    if let Some((subject, what)) = covered {
        let text = format!(
            "{what} is stopped ({}): nothing of it starts before the stop is lifted",
            stop.reason
        );
        findings.warns(Rule::Stopped, subject, text);
    }
}

fn halted(view: &View<'_>, halt: &HaltOnModel, findings: &mut Findings) {
    let is_of_model = |machine| view.row(machine).is_some_and(|row| row.model == halt.model);
    let machines = view.leaves.iter().filter(|leaf| is_of_model(leaf.machine));
    let count = machines.count();
    let mut releases = view.approval.releases.iter();
    let release = releases.find(|release| release.sha256 == halt.release);
    if let (Some(release), 1..) = (release, count) {
        let described = &release.release;
        let text = format!(
            "{} {} is halted on the model {} of {} ({}); judge it, and let it go on with `rollout resume`",
            described.product,
            described.version,
            halt.model,
            counted(count, "machine", "machines"),
            halt.reason
        );
        let subject = Subject::Release(described.product.clone());
        findings.warns(Rule::Halted, subject, text);
    }
}
