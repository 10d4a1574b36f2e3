//! What the hospital signs away from the collector: root, charter, roster, vendors.

use super::{Facts, KEYS_EACH, REGISTRARS, State, Step, Whose, day, named, share};
use patchward_common::time::UtcMs;

/// Where a signed file is taken in.
const TAKE_IN: &str = "/do/document/add";
const SIGN_CHARTER: [&str; 3] = [
    "patchward-sign key new --out root-1.pem",
    "patchward-sign charter --from charter.toml --key root-1.pem --key root-2.pem --out charter.cbor",
    "patchward-collector document add charter.cbor",
];
const SIGN_ROSTER: [&str; 2] = [
    "patchward-sign roster --from roster.toml --charter charter.cbor --key registrar.pem --out roster.cbor",
    "patchward-collector document add roster.cbor",
];

pub(super) fn root(facts: &Facts, now: UtcMs) -> Step {
    let title = "Hospital root and charter";
    let todo = "The keepers of the root keys meet at a computer without network. Each makes a key \
                of their own; the charter names these keys, the registrars and the vendors, and \
                enough of the keepers sign it. Then its file is taken in here.";
    let open = |found: String| {
        let step = Step::open(title, Whose::Root, found).todo(todo);
        step.page(TAKE_IN).typed(&SIGN_CHARTER)
    };
    match facts.charter_until {
        None => open("There is no charter: nothing that people sign counts yet.".into()),
        Some(until) if until <= now => open(format!("The charter ended on {}.", day(until))),
        Some(until) => Step::done(
            title,
            Whose::Root,
            format!("In force until {}.", day(until)),
        ),
    }
}

pub(super) fn registrars(facts: &Facts) -> Step {
    let title = "Two registrars or more";
    if facts.charter_until.is_none() {
        return Step::later(title, Whose::Root, "The charter names them.");
    }
    let names = named(facts.registrars.iter().map(String::as_str));
    let found = match facts.registrars.len() {
        0 => "The charter names none: nobody can sign a roster.".to_owned(),
        1 => format!("{names} is the only one: with this key lost, the keepers of the root meet."),
        _ => return Step::done(title, Whose::Root, format!("{names}.")),
    };
    let todo = format!(
        "Name {REGISTRARS} or more people with a key each in the next charter, one number higher."
    );
    let step = Step::open(title, Whose::Root, found).todo(todo);
    step.page(TAKE_IN).typed(&SIGN_CHARTER)
}

/// What nobody but people can look after.
pub(super) fn safes() -> Step {
    let found = "Not seen from here: who has which root key, and whether the root's fingerprint \
                 is on paper.";
    let todo = "Keep the root keys with different people in different safes, and the fingerprint \
                on paper beside each: every signer and every machine is told it once.";
    let step = Step::open("Root keys and fingerprint in safes", Whose::Root, found);
    let step = step.state(State::Unseen).todo(todo);
    step.typed(&["patchward-sign root fingerprint charter.cbor"])
}

pub(super) fn roster(facts: &Facts, now: UtcMs) -> Step {
    let title = "Roster in force";
    if facts.charter_until.is_none() {
        return Step::later(
            title,
            Whose::Registrar,
            "A registrar of the charter signs it.",
        );
    }
    let (collector, key) = &facts.go_key;
    let todo = format!(
        "The roster names the people, their keys, roles and units, and this collector as \
         {collector} with the go-key {key}. A registrar signs it away from here."
    );
    let found = match facts.roster_until {
        None => "There is no roster: nobody can approve a plan.".to_owned(),
        Some(until) if until <= now => format!("The roster ended on {}.", day(until)),
        Some(_) if !facts.go_key_is_named => {
            "The roster does not name this collector's go-key: no machine would start.".to_owned()
        }
        Some(until) => {
            let found = format!("In force until {}.", day(until));
            return Step::done(title, Whose::Registrar, found);
        }
    };
    let step = Step::open(title, Whose::Registrar, found).todo(todo);
    step.page(TAKE_IN).typed(&SIGN_ROSTER)
}

pub(super) fn approvers(facts: &Facts) -> Step {
    let title = "Approvers, two keys each";
    if facts.roster_until.is_none() {
        return Step::later(title, Whose::Registrar, "The roster names them.");
    }
    let all = facts.approvers.len();
    let few = || facts.approvers.iter().filter(|(_, keys)| *keys < KEYS_EACH);
    let mut missing = Vec::new();
    if all < facts.signers {
        let (verb, need) = (if all == 1 { "is" } else { "are" }, facts.signers);
        missing.push(format!("There {verb} {all}, and plans may ask for {need}."));
    }
    if few().count() > 0 {
        let have = share(
            few().count(),
            all,
            ["approver", "approvers"],
            ["has", "have"],
        );
        let names = named(few().map(|(name, _)| name.as_str()));
        missing.push(format!(
            "{have} fewer than {KEYS_EACH} keys that count: {names}."
        ));
    }
    if facts.keys_asked > 0 {
        let count = facts.keys_asked;
        let verb = if count == 1 {
            "key of a browser waits"
        } else {
            "keys of browsers wait"
        };
        missing.push(format!("{count} {verb} for a registrar."));
    }
    if missing.is_empty() {
        let found = format!("{all} with {KEYS_EACH} keys or more.");
        return Step::done(title, Whose::Registrar, found);
    }
    let todo = "Each makes a second key and keeps it in a safe: one that is lost keeps nobody from \
                signing. A registrar asks them by another way whether a key is theirs, and writes \
                it into the roster.";
    let step = Step::open(title, Whose::Registrar, missing.join(" ")).todo(todo);
    let step = match facts.keys_asked {
        0 => step.page(TAKE_IN),
        _ => step.page("/settings#keys").state(State::Waiting),
    };
    let [sign, take_in] = SIGN_ROSTER;
    step.typed(&["patchward-sign key new --out ada-2.pem", sign, take_in])
}

pub(super) fn vendors(facts: &Facts) -> Step {
    let title = "Vendors pinned and read";
    if facts.charter_until.is_none() {
        return Step::later(title, Whose::Root, "The charter pins them.");
    }
    let all = facts.vendors.len();
    if all == 0 {
        let found = "The charter pins no vendor: no release counts.";
        let todo = "Compare each vendor's first root with what the vendor says by another way, and \
                    name it in the next charter with its products.";
        let step = Step::open(title, Whose::Root, found).todo(todo);
        return step.page(TAKE_IN).typed(&SIGN_CHARTER);
    }
    let unread = || facts.vendors.iter().filter(|(_, was_read)| !was_read);
    if unread().count() == 0 {
        let names = named(facts.vendors.iter().map(|(name, _)| name.as_str()));
        return Step::done(title, Whose::It, format!("{names}."));
    }
    let were = share(
        unread().count(),
        all,
        ["vendor", "vendors"],
        ["was", "were"],
    );
    let names = named(unread().map(|(name, _)| name.as_str()));
    let step = Step::open(title, Whose::It, format!("{were} never read: {names}."));
    let step = step.todo("Say where each repository is, or take it in from a folder or a disc.");
    step.page("/do/vendor/sync")
        .typed(&["patchward-collector release import REPOSITORY FOLDER"])
}
