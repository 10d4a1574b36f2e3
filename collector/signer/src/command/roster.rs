//! `roster`: people, keys, units.

use super::{described_in, sign_new};
use crate::cli::FromFile;
use crate::time_text;
use crate::{Failure, Session};
use patchward_common::id::{Label, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::{
    Approvers, GoKey, KeyKind, MAX_ROSTER_LIFE_MS, Person, PersonKey, Roster, SigningRole, Units,
};
use patchward_common::trust::sign::PublicKey;
use serde::Deserialize;
use std::collections::BTreeSet;

/// A roster as a person writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
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

pub(super) fn run(args: &FromFile, session: &mut Session<'_>) -> Result<(), Failure> {
    let description: Description = described_in(&args.from)?;
    let roster = build(description, session.now).map_err(|problem| Failure::Content {
        path: args.from.clone(),
        problem,
    })?;
    sign_new(&roster, &args.signing, session)
}

fn build(description: Description, now: UtcMs) -> Result<Roster, String> {
    let expires = time_text::end(now, description.expires.as_deref(), description.days)?;
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
    for person in description.people {
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
    for key in description.go_keys {
        let (from, until) = life(&key.from, &key.until)?;
        go_keys.push(GoKey {
            collector: key.collector,
            key: key.key,
            from,
            until,
        });
    }
    let roster = Roster {
        number: description.number,
        issued: now,
        expires,
        people,
        go_keys,
        approvers: description.approvers,
    };
    different(&roster)?;
    Ok(roster)
}

/// Two people are different, and so are all keys: one key of two people would count
/// as two approvers.
fn different(roster: &Roster) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for person in &roster.people {
        if !ids.insert(&person.id) {
            return Err(format!("person {} stands there twice", person.id));
        }
        for key in &person.keys {
            if !keys.insert(key.key) {
                return Err(format!("key {} stands there twice", key.key));
            }
        }
    }
    for key in &roster.go_keys {
        if !keys.insert(key.key) {
            return Err(format!("key {} stands there twice", key.key));
        }
    }
    Ok(())
}
