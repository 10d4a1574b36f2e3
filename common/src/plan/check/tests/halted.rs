//! Plans with something in them that may not start: in quarantine, stopped or halted.

use super::*;
use crate::plan::{HaltOnModel, StopInForce, VendorAllows, VendorPolicy};
use crate::trust::stop::Scope;

fn stop(scope: Scope) -> StopInForce {
    StopInForce {
        scope,
        reason: label("smoke"),
    }
}

fn halt(release: u8, model: &str) -> HaltOnModel {
    HaltOnModel {
        release: Digest([release; 32]),
        model: name(model),
        reason: "it failed on 2 machines".into(),
    }
}

/// Stops of everything that the plan is not about.
pub(super) fn stops_of_others() -> Vec<StopInForce> {
    vec![
        stop(Scope::Plan(Digest([7; 32]))),
        stop(Scope::Release(Digest([7; 32]))),
        stop(Scope::Vendor(name("other"))),
        stop(Scope::Unit(name("icu"))),
    ]
}

/// Halts of another release on the model, and of the release on another model.
pub(super) fn halts_of_others() -> Vec<HaltOnModel> {
    vec![halt(7, "station"), halt(4, "cart")]
}

fn policy(model: &str, product: Option<&str>, allows: VendorAllows) -> VendorPolicy {
    VendorPolicy {
        model: name(model),
        product: product.map(name),
        allows,
        because: "CSUP-2.2".into(),
    }
}

/// What vendors say of other models, of other products, and that they let others install.
pub(super) fn policies_of_others() -> Vec<VendorPolicy> {
    vec![
        policy("cart", None, VendorAllows::ReportOnly),
        policy("station", Some("other"), VendorAllows::ReportOnly),
        policy("station", None, VendorAllows::ReportOnly),
        policy("station", Some("viewer"), VendorAllows::Install),
    ]
}

/// What is in force now as well.
pub(super) const MUTANTS: &[PartsMutant] = {
    use Rule::*;
    use Severity::{Blocks, Warns};
    &[
        ("went wrong there before", Blocks, Quarantine, |p| {
            p.machines[1].quarantined.push(Digest([4; 32]));
        }),
        ("another artifact is cleared", Blocks, Quarantine, |p| {
            p.machines[1].quarantined.push(Digest([4; 32]));
            p.approval.clears = vec![Digest([3; 32])];
        }),
        ("its way back went wrong there", Blocks, Quarantine, |p| {
            let mut way = back_to("4.1");
            if let Way::Release(back) = &mut way {
                back.release.artifacts[0].sha256 = Digest([3; 32]);
            }
            p.approval.releases[0].release.kind = packages();
            p.approval.releases[0].rollback = way;
        }),
        ("the vendor alone installs", Blocks, VendorPolicy, |p| {
            p.stated.vendor_policies[3].allows = VendorAllows::VendorService;
        }),
        ("a person has to be there", Blocks, VendorPolicy, |p| {
            p.stated.vendor_policies[3].allows = VendorAllows::StageOnly;
        }),
        ("nobody said it of the product", Blocks, VendorPolicy, |p| {
            p.stated.vendor_policies.pop();
        }),
        ("all is stopped", Warns, Stopped, |p| {
            p.stated.stops.push(stop(Scope::All));
        }),
        ("the release is stopped", Warns, Stopped, |p| {
            let release = Scope::Release(Digest([4; 32]));
            p.stated.stops.push(stop(release));
        }),
        ("the vendor is stopped", Warns, Stopped, |p| {
            p.stated.stops.push(stop(Scope::Vendor(name("acme"))));
        }),
        ("the unit is stopped", Warns, Stopped, |p| {
            p.stated.stops.push(stop(Scope::Unit(name("radiology"))));
        }),
        ("halted on the model", Warns, Halted, |p| {
            p.stated.halts.push(halt(4, "station"));
        }),
    ]
};

#[test]
fn a_stopped_plan_says_so() {
    let mut file = parts().file();
    let own = stop(Scope::Plan(file.plan.signed.digest()));
    if let Some(stated) = &mut file.context.stated {
        stated.stops.push(own);
    }
    let found = check(&file, NOW);
    let rules: Vec<_> = found.iter().map(|f| (f.severity, f.rule)).collect();
    assert_eq!(rules, [(Severity::Warns, Rule::Stopped)]);
}

#[test]
fn what_the_approval_clears_may_be_installed_again() {
    let mut parts = parts();
    parts.machines[1].quarantined.push(Digest([4; 32]));
    parts.approval.clears = vec![Digest([4; 32])];
    assert_eq!(check(&parts.file(), NOW), []);
}
