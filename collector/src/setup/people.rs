//! Accounts, who is told, who is called, and what the network lets through.

use super::{Facts, NoticeFacts, State, Step, Whose, named, share};
use crate::account::Role;

/// Without one of each the page leaves something to nobody.
const NEEDED: [Role; 3] = [Role::Admin, Role::Operator, Role::Approver];

/// The firewall: what comes through is seen, what would not is not.
pub(super) fn firewall(facts: &Facts) -> Step {
    let title = "Firewall";
    if facts.heard {
        return Step::done(title, Whose::It, "Machines are heard through it.");
    }
    let found = "Not seen from here: no machine was heard yet.";
    let todo = "Hand the firewall sheet below to who keeps the network: it has every port and \
                direction that the settings ask for.";
    let step = Step::open(title, Whose::It, found).state(State::Unseen);
    step.todo(todo).page("/setup#setup-firewall_sheet")
}

pub(super) fn accounts(facts: &Facts) -> Step {
    let title = "People with accounts and second factor";
    if !facts.page {
        let found = "There is no page: web_listen is not set, and nobody needs an account.";
        return Step::done(title, Whose::Admin, found);
    }
    let accounts = || facts.accounts.iter();
    let nobody = NEEDED.into_iter().filter(|role| {
        let mut all = accounts();
        !all.any(|account| account.roles.contains(role))
    });
    let nobody = named(nobody.map(Role::word));
    if !nobody.is_empty() {
        let todo = "Add each person with the roles that they have here, and hand them their link \
                    in person.";
        let found = format!("Nobody has the role {nobody}.");
        let step = Step::open(title, Whose::Admin, found).todo(todo);
        return step.page("/do/user/add");
    }
    let all = facts.accounts.len();
    let mut missing = Vec::new();
    let invited = || accounts().filter(|account| !account.has_begun);
    if invited().count() > 0 {
        let have = share(
            invited().count(),
            all,
            ["person", "people"],
            ["has", "have"],
        );
        let names = named(invited().map(|account| account.name.as_str()));
        missing.push(format!("{have} not followed the link yet: {names}."));
    }
    let decides = || {
        let begun = accounts().filter(|account| account.has_begun);
        begun.filter(|account| account.roles.iter().any(|role| role.decides()))
    };
    let bare = || decides().filter(|account| facts.factor_required && !account.has_factor);
    if bare().count() > 0 {
        let (count, all) = (bare().count(), decides().count());
        let have = share(count, all, ["person", "people"], ["has", "have"]);
        let names = named(bare().map(|account| account.name.as_str()));
        missing.push(format!(
            "{have} no second factor and may do nothing: {names}."
        ));
    }
    if missing.is_empty() {
        let found = match all {
            1 => "1 account.".to_owned(),
            _ => format!("{all} accounts."),
        };
        return Step::done(title, Whose::Admin, found);
    }
    let todo = "Each follows the link and sets up what is asked for; a link that is over is made \
                anew.";
    let step = Step::open(title, Whose::People, missing.join(" ")).state(State::Waiting);
    step.todo(todo).page("/do/user/link")
}

pub(super) fn notices(facts: &Facts) -> Step {
    let title = "Notices by webhook or mail";
    let all = facts.notices.len();
    if all == 0 {
        let found = "Nobody is told anything by itself.";
        let todo = "Say who is told by mail or webhook what is open, and send them a test.";
        let step = Step::open(title, Whose::It, found).todo(todo);
        return step.page("/do/notice/mail/add");
    }
    let broken = |one: &&NoticeFacts| !one.has_arrived || one.problem.is_some();
    let lost = || facts.notices.iter().filter(broken);
    if lost().count() == 0 {
        let names = named(facts.notices.iter().map(|one| one.name.as_str()));
        return Step::done(title, Whose::It, format!("Told: {names}."));
    }
    let verbs = ["is", "are"];
    let are = share(lost().count(), all, ["target", "targets"], verbs);
    let names = named(lost().map(|one| one.name.as_str()));
    let mut found = format!("{are} not reached yet: {names}.");
    if let Some(problem) = lost().find_map(|one| one.problem.as_ref()) {
        found.push_str(&format!(" The last word: {problem}."));
    }
    let step = Step::open(title, Whose::It, found).state(State::Waiting);
    step.todo("Send a test, and look at what their server says.")
        .page("/do/notice/test")
}

pub(super) fn on_call(facts: &Facts) -> Step {
    let title = "Who is called at night";
    if facts.units.is_empty() {
        return Step::later(title, Whose::Htm, "Lists are of units: there is none.");
    }
    let alone = || facts.units.iter().filter(|unit| !unit.is_called);
    if alone().count() == 0 {
        return Step::done(title, Whose::Htm, "Somebody is on call for every unit.");
    }
    let have = share(
        alone().count(),
        facts.units.len(),
        ["unit", "units"],
        ["has", "have"],
    );
    let names = named(alone().map(|unit| unit.name.as_str()));
    let found = format!("{have} nobody who is called when work goes wrong: {names}.");
    let todo = "Set the hospital's list, and one of its own where a site or a unit has its own \
                people.";
    let step = Step::open(title, Whose::Htm, found).todo(todo);
    step.page("/do/oncall/set")
}
