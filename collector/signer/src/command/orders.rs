//! `stop`, `lift`, `downgrade`, `handover` and `time-reset`.

use super::{read_signed, sign_new};
use crate::cli::{DowngradeArgs, HandoverArgs, LiftArgs, ScopeArgs, StopArgs, TimeResetArgs};
use crate::show::describe;
use crate::time_text;
use crate::{Failure, Session};
use patchward_common::id::JobId;
use patchward_common::time::Interval;
use patchward_common::trust::charter::TimeReset;
use patchward_common::trust::release::MAX_VERSION_BYTES;
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Scope, Stop};

pub(super) fn stop(args: &StopArgs, session: &mut Session<'_>) -> Result<(), Failure> {
    let stop = Stop {
        scope: scope(&args.scope)?,
        reason: args.reason.clone(),
        issued: session.now,
    };
    sign_new(&stop, &args.signing, session)
}

fn scope(args: &ScopeArgs) -> Result<Scope, Failure> {
    let plan = args.plan.map(Scope::Plan);
    let release = args.release.map(Scope::Release);
    let vendor = args.vendor.clone().map(Scope::Vendor);
    let unit = args.unit.clone().map(Scope::Unit);
    let all = args.all.then_some(Scope::All);
    plan.or(release).or(vendor).or(unit).or(all).ok_or_else(|| {
        Failure::Input("say what to stop: --plan, --release, --vendor, --unit or --all".into())
    })
}

pub(super) fn lift(args: &LiftArgs, session: &mut Session<'_>) -> Result<(), Failure> {
    let stop = read_signed::<Stop>(&args.stop)?;
    let what = stop.peek().map_err(|error| Failure::Content {
        path: args.stop.clone(),
        problem: error.to_string(),
    })?;
    session.say(format!("This stop is lifted:\n{}\n", describe(&what)))?;
    let lift = Lift {
        stop: stop.digest(),
        reason: args.reason.clone(),
        issued: session.now,
    };
    sign_new(&lift, &args.signing, session)
}

pub(super) fn downgrade(args: &DowngradeArgs, session: &mut Session<'_>) -> Result<(), Failure> {
    for version in [&args.from_version, &args.to_version] {
        let fits = (1..=MAX_VERSION_BYTES).contains(&version.len());
        if !fits || version.chars().any(char::is_control) {
            return Err(Failure::Input(format!(
                "{version:?} is no version: write 1 to {MAX_VERSION_BYTES} bytes without control characters"
            )));
        }
    }
    if args.from_version == args.to_version {
        return Err(Failure::Input(
            "the two versions are equal; nothing would change".into(),
        ));
    }
    let mut machines = args.machines.clone();
    machines.sort();
    machines.dedup();
    let downgrade = Downgrade {
        machines,
        product: args.product.clone(),
        from: args.from_version.clone(),
        to: args.to_version.clone(),
        reason: args.reason.clone(),
        issued: session.now,
        expires: time_text::end(session.now, None, Some(args.days)).map_err(Failure::Input)?,
    };
    sign_new(&downgrade, &args.signing, session)
}

pub(super) fn handover(args: &HandoverArgs, session: &mut Session<'_>) -> Result<(), Failure> {
    let start = time_text::instant(&args.slot_start).map_err(Failure::Input)?;
    let end = time_text::instant(&args.slot_end).map_err(Failure::Input)?;
    let slot = Interval::new(start, end)
        .map_err(|_| Failure::Input("the slot must end after it begins".into()))?;
    if slot.end() <= session.now {
        return Err(Failure::Input(format!(
            "this slot ended at {}; hand over a later one",
            slot.end()
        )));
    }
    let job = match (args.plan, args.job) {
        (Some(plan), _) => JobId::of(plan, args.machine),
        (None, Some(job)) => job,
        (None, None) => return Err(Failure::Input("give --plan or --job".into())),
    };
    let handover = Handover {
        machine: args.machine,
        job,
        slot,
        stand_in: args.stand_in.clone(),
        issued: session.now,
    };
    sign_new(&handover, &args.signing, session)
}

pub(super) fn time_reset(args: &TimeResetArgs, session: &mut Session<'_>) -> Result<(), Failure> {
    let reset = TimeReset {
        machine: args.machine,
        to: time_text::instant(&args.to).map_err(Failure::Input)?,
        issued: session.now,
    };
    sign_new(&reset, &args.signing, session)
}
