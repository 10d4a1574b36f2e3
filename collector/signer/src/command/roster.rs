//! `roster`: people, keys, units.

use super::{described_in, read_signed, sign_new};
use crate::cli::RosterArgs;
use crate::key::{Key, open_all};
use crate::show::Described as _;
use crate::time_text;
use crate::{Failure, Session};
use patchward_common::id::{Label, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::charter::Charter;
use patchward_common::trust::roster::{
    Approvers, GoKey, KeyKind, MAX_ROSTER_LIFE_MS, Person, PersonKey, Roster, SigningRole, Units,
};
use patchward_common::trust::sign::PublicKey;
use serde::Deserialize;
use std::collections::BTreeSet;

/// A roster as a person writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    number: u64,
    expires: Option<String>,
    days: Option<u32>,
    #[serde(default)]
    approvers: Approvers,
    people: Vec<PersonDescription>,
    #[serde(default)]
    go_keys: Vec<GoKeyDescription>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonDescription {
    id: Name,
    name: Label,
    roles: Vec<SigningRole>,
    units: Units,
    keys: Vec<KeyDescription>,
}

/// A key counts from now until the roster ends, unless it says otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyDescription {
    key: PublicKey,
    kind: KeyKind,
    from: Option<String>,
    until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoKeyDescription {
    collector: Name,
    key: PublicKey,
    from: Option<String>,
    until: Option<String>,
}

pub(super) fn run(args: &RosterArgs, session: &mut Session<'_>) -> Result<(), Failure> {
    let description: Description = described_in(&args.from)?;
    let roster = description
        .build(session.now)
        .map_err(|problem| Failure::Content {
            path: args.from.clone(),
            problem,
        })?;
    under(&roster, args, session)?;
    sign_new(&roster, &args.signing, session)
}

impl Description {
    /// The roster that it describes.
    pub(super) fn build(self, now: UtcMs) -> Result<Roster, String> {
        let expires = time_text::end(now, self.expires.as_deref(), self.days)?;
        if expires.since_ms(now) > MAX_ROSTER_LIFE_MS {
            return Err("a roster lives at most 90 days; write an earlier expiry".into());
        }
        let life = |from: &Option<String>, until: &Option<String>| {
            let from = from.as_deref().map_or(Ok(now), time_text::instant)?;
            let until = until.as_deref().map_or(Ok(expires), time_text::instant)?;
            if from >= until {
                return Err(format!(
                    "a key that counts from {from} until {until} never counts"
                ));
            }
            Ok((from, until))
        };
        let mut people = Vec::new();
        for person in self.people {
            let mut keys = Vec::new();
            for key in person.keys {
                let (from, until) = life(&key.from, &key.until)?;
                keys.push(PersonKey {
                    key: key.key,
                    kind: key.kind,
                    from,
                    until,
                });
            }
            people.push(Person {
                id: person.id,
                name: person.name,
                roles: person.roles,
                units: person.units,
                keys,
            });
        }
        let mut go_keys = Vec::new();
        for key in self.go_keys {
            let (from, until) = life(&key.from, &key.until)?;
            go_keys.push(GoKey {
                collector: key.collector,
                key: key.key,
                from,
                until,
            });
        }
        let roster = Roster {
            number: self.number,
            issued: now,
            expires,
            people,
            go_keys,
            approvers: self.approvers,
        };
        different(&roster)?;
        roster.whole()
    }
}

/// Says which person or key stands twice, where the shared check says only that one does:
/// one key of two people would count as two approvers.
fn different(roster: &Roster) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    let twice = roster.people.iter().find(|person| !ids.insert(&person.id));
    if let Some(person) = twice {
        return Err(format!("person {} stands there twice", person.id));
    }
    let mut keys = BTreeSet::new();
    let people = roster.people.iter().flat_map(|person| &person.keys);
    let all = people.map(|key| key.key);
    let all = all.chain(roster.go_keys.iter().map(|go| go.key));
    for key in all {
        if !keys.insert(key) {
            return Err(format!("key {key} stands there twice"));
        }
    }
    Ok(())
}

/// What machines will ask of it under the charter: with the charter all of it, and
/// without at least that no collector holds the key that signs it.
fn under(roster: &Roster, args: &RosterArgs, session: &mut Session<'_>) -> Result<(), Failure> {
    let keys = open_all(&args.signing.keys)?;
    let held = |key: &&Key| roster.go_keys.iter().any(|go| go.key == key.public());
    if let Some(key) = keys.iter().find(held) {
        return Err(Failure::Key(format!(
            "{} is a go-key of this roster, which a collector holds; a registrar's key never is",
            key.path.display()
        )));
    }
    let Some(path) = &args.charter else {
        return session.say(
            "Note: give the charter with --charter, and the roster is checked against it as machines will.",
        );
    };
    let content = |problem: String| Failure::Content {
        path: path.clone(),
        problem,
    };
    let charter = read_signed::<Charter>(path)?;
    let charter = charter.peek().map_err(|error| content(error.to_string()))?;
    roster
        .check_under(&charter)
        .map_err(|problem| content(format!("no machine accepts this roster: {problem}")))?;
    let registrar = |key: &Key| charter.registrars.iter().any(|one| one.key == key.public());
    match keys.iter().find(|key| !registrar(key)) {
        Some(key) => Err(Failure::Key(format!(
            "{} is no registrar's key in this charter, so its signature would count for nothing",
            key.path.display()
        ))),
        None => Ok(()),
    }
}
