//! Places, machines, what they are, when they may be worked on.

use super::{Facts, State, Step, UnitFacts, Whose, named, share};

const UNITS: [&str; 2] = ["unit", "units"];
const MACHINES: [&str; 2] = ["machine", "machines"];
const HAVE: [&str; 2] = ["has", "have"];

/// How many units have no `what`, and which; `None` where none lacks it.
fn lacking(facts: &Facts, what: &str, lacks: impl Fn(&UnitFacts) -> bool) -> Option<String> {
    let units = facts.units.iter().filter(|unit| lacks(unit));
    let names: Vec<&str> = units.map(|unit| unit.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let have = share(names.len(), facts.units.len(), UNITS, HAVE);
    Some(format!("{have} no {what}: {}.", named(names.into_iter())))
}

fn sum(facts: &Facts, count: impl Fn(&UnitFacts) -> u64) -> usize {
    let all: u64 = facts.units.iter().map(count).sum();
    usize::try_from(all).unwrap_or(usize::MAX)
}

fn machines_of(facts: &Facts) -> usize {
    sum(facts, |unit| unit.machines)
}

pub(super) fn places(facts: &Facts) -> Step {
    let title = "Sites and units";
    let empty = || facts.sites.iter().filter(|(_, units)| *units == 0);
    let (found, page) = match (facts.sites.len(), empty().count()) {
        (0, _) => ("There is no site.".to_owned(), "/do/site/add"),
        (all, count) if count > 0 => {
            let have = share(count, all, ["site", "sites"], HAVE);
            let names = named(empty().map(|(name, _)| name.as_str()));
            (format!("{have} no unit: {names}."), "/do/unit/add")
        }
        (sites, _) => {
            let (units, things) = (facts.units.len(), ["site", "sites"]);
            let found = format!(
                "{units} {} at {sites} {}.",
                UNITS[usize::from(units != 1)],
                things[usize::from(sites != 1)]
            );
            return Step::done(title, Whose::It, found);
        }
    };
    let todo = "A site is a hospital or an outpost; a unit is a care area of it, with the class \
                that its machines usually have.";
    Step::open(title, Whose::It, found).todo(todo).page(page)
}

pub(super) fn assets(facts: &Facts) -> Step {
    let title = "Asset list";
    match facts.assets {
        0 if facts.units.is_empty() => {
            Step::later(title, Whose::Htm, "It names units: these come first.")
        }
        0 => Step::open(title, Whose::Htm, "No asset is in the list.")
            .todo(
                "Take the list out of the CMMS as CSV and bring it in; a dry run shows what would \
                 change. What is on the list and has no agent is shown as not covered.",
            )
            .page("/do/asset/import"),
        1 => Step::done(title, Whose::Htm, "1 asset."),
        count => Step::done(title, Whose::Htm, format!("{count} assets.")),
    }
}

pub(super) fn tokens(facts: &Facts) -> Step {
    let title = "Enrolment tokens";
    if facts.units.is_empty() || facts.charter_until.is_none() {
        let found = "A token names a unit and pins the hospital root: both come first.";
        return Step::later(title, Whose::It, found);
    }
    let lacks = |unit: &UnitFacts| unit.machines == 0 && !unit.has_token;
    match lacking(facts, "machine, nor a token that counts", lacks) {
        None => Step::done(title, Whose::It, "Every unit has one, or machines already."),
        Some(found) => Step::open(title, Whose::It, found)
            .todo(
                "Make one for each unit and hand it to who installs the agents there; it counts \
                 for the host names, the times and the days that you say.",
            )
            .page("/do/token/new"),
    }
}

pub(super) fn machines(facts: &Facts) -> Step {
    let title = "First machines of every unit";
    let count = machines_of(facts);
    if facts.waiting > 0 {
        let verb = match facts.waiting {
            1 => "machine waits",
            _ => "machines wait",
        };
        let found = format!("{} {verb} to be accepted.", facts.waiting);
        let todo = "Compare the host and the serial number with the machine before you, then \
                    accept it.";
        let step = Step::open(title, Whose::It, found).state(State::Waiting);
        return step.todo(todo).page("/assets#waiting");
    }
    let Some(found) = lacking(facts, "machine", |unit| unit.machines == 0) else {
        if facts.units.is_empty() {
            let found = "They join units: these come first.";
            return Step::later(title, Whose::It, found);
        }
        return Step::done(title, Whose::It, format!("{count} in all."));
    };
    if count == 0 && !facts.units.iter().any(|unit| unit.has_token) {
        return Step::later(title, Whose::It, format!("{found} They join with a token."));
    }
    let todo = "Install agent and installer on one machine of each unit, pin the hospital root \
                with the token, and enrol. Each then waits here to be accepted.";
    let step = Step::open(title, Whose::It, found).todo(todo);
    step.typed(&[
        "patchward-installer pin TOKEN",
        "patchward-agent enroll --token TOKEN",
    ])
}

/// How an assignment is signed: by two, because a machine without a place counts as life
/// support.
const SIGN_ASSIGNMENT: [&str; 2] = [
    "patchward-sign assignment --from assignment.toml --key ada.pem --key ben.pem --out assignment.cbor",
    "patchward-collector document add assignment.cbor",
];

pub(super) fn assignment(facts: &Facts) -> Step {
    let title = "Assignment signed";
    let (all, open) = (machines_of(facts), sum(facts, |unit| unit.unassigned));
    if all == 0 {
        return Step::later(
            title,
            Whose::Htm,
            "It has a row for each machine: there is none.",
        );
    }
    if open == 0 {
        return Step::done(title, Whose::Htm, "Every machine has its row.");
    }
    if facts.approvers.is_empty() {
        let found = "Approvers of the roster sign it: there is none.";
        return Step::later(title, Whose::Htm, found);
    }
    let found = share(open, all, MACHINES, ["stands", "stand"]) + " in no signed assignment.";
    let todo = "Write each machine's unit, class, groups, model and mode, observe at first, into a \
                table. Two approvers sign it away from here: a machine without a place counts as \
                life support.";
    let step = Step::open(title, Whose::Htm, found).todo(todo);
    step.page("/do/document/add").typed(&SIGN_ASSIGNMENT)
}

pub(super) fn interlocks(facts: &Facts) -> Step {
    let title = "Interlock profiles";
    let all = sum(facts, |unit| unit.machines.saturating_sub(unit.manual));
    let open = sum(facts, |unit| unit.untold);
    if all == 0 {
        let found = "No machine with an agent is there to be asked.";
        return Step::later(title, Whose::Htm, found);
    }
    if open == 0 {
        let found = "Every machine tells whether it is in use.";
        return Step::done(title, Whose::Htm, found);
    }
    let found = share(open, all, MACHINES, ["does", "do"]) + " not tell whether they are in use.";
    let found = match open {
        1 => found.replace("they are", "it is"),
        _ => found,
    };
    let todo = "Write a probe with purpose = \"interlock\" for each model into probes.d of its \
                machines; configs/probes.d has examples. Until then nothing starts there.";
    let step = Step::open(title, Whose::Htm, found).todo(todo);
    step.page("/assets?machines.in_use=unknown#machines")
}

pub(super) fn windows(facts: &Facts) -> Step {
    let title = "Windows of every unit";
    if facts.units.is_empty() {
        return Step::later(title, Whose::Htm, "A window is a unit's: there is none.");
    }
    match lacking(facts, "window", |unit| !unit.has_window) {
        None => Step::done(title, Whose::Htm, "Every unit has one that opens."),
        Some(found) => Step::open(title, Whose::Htm, found)
            .todo(
                "Agree with the ward when work may be done; no window means never. A machine's \
                 usual week shows when it is idle.",
            )
            .page("/do/window/add"),
    }
}

pub(super) fn modes(facts: &Facts) -> Step {
    let title = "Units from observe to rehearse to active";
    if machines_of(facts) == 0 {
        return Step::later(title, Whose::Htm, "Modes are of machines: there is none.");
    }
    let works = |unit: &UnitFacts| unit.active + unit.manual > 0;
    let rehearses = |unit: &UnitFacts| !works(unit) && unit.rehearsing > 0;
    let units = || facts.units.iter().filter(|unit| unit.machines > 0);
    let all = units().count();
    let working = units().filter(|unit| works(unit)).count();
    if working == all {
        let found = share(working, all, UNITS, ["has", "have"]) + " machines in mode active.";
        return Step::done(title, Whose::Htm, found);
    }
    let rehearsing = units().filter(|unit| rehearses(unit)).count();
    let observing = units().filter(|unit| !works(unit) && !rehearses(unit));
    let names = named(observing.map(|unit| unit.name.as_str()));
    let observing = all - working - rehearsing;
    let mut found = format!("Of {all} {}", UNITS[usize::from(all != 1)]);
    found.push_str(&format!(
        ": {observing} observe, {rehearsing} rehearse, {working} active."
    ));
    if !names.is_empty() {
        found.push_str(&format!(" Still observing: {names}."));
    }
    if sum(facts, |unit| unit.unassigned) == machines_of(facts) {
        let found = format!("{found} A mode is signed with the assignment.");
        return Step::later(title, Whose::Htm, found);
    }
    let todo = "Raise a unit to rehearse, look at what would have started and when it was in use, \
                and then sign it active: an assignment one number higher each time.";
    let step = Step::open(title, Whose::Htm, found).todo(todo);
    step.page("/do/rollout/rehearsal").typed(&SIGN_ASSIGNMENT)
}
