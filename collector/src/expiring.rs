//! What of the hospital and of this collector ends by itself, out of the store and the running
//! fleet. Vendors' metadata that is renewed every few days has its own watch
//! (`agenda/metadata.rs`); secrets that end with nobody's word, such as those of webhooks and
//! of the OpenID provider, are not known here.

use crate::agenda::metadata_own;
use crate::authority::newest;
use crate::control::Failure;
use crate::fleet::FleetHandle;
use crate::item::expiry::{Expires, Life, What};
use crate::planning;
use crate::store::View;
use crate::store::documents::DocumentKind;
use crate::store::vendors::TufFile;
use patchward_common::id::MachineId;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::charter::Charter;
use patchward_common::trust::roster::Roster;
use std::collections::BTreeMap;

/// How long before its end a machine's certificate is looked at singly: it renews itself
/// three weeks before.
const MACHINES_MS: i64 = 7 * DAY_MS;

/// Everything that ends, but machines' certificates.
pub async fn all(fleet: &FleetHandle, view: &mut View) -> Result<Vec<Expires>, Failure> {
    let mut all = of_documents(view).await?;
    let own = metadata_own(view).await?;
    for vendor in view.vendors().await? {
        let (what, ends) = match own.contains(&vendor.repository) {
            true => {
                let files = view.tuf_files(&vendor.repository).await?;
                (
                    What::Custodian,
                    planning::metadata_expires(&signed_offline(files)),
                )
            }
            false => {
                let root = view.newest_root(&vendor.repository).await?;
                (
                    What::VendorRoot,
                    root.and_then(|root| planning::expires(&root.bytes)),
                )
            }
        };
        let life = ends.map(|ends| Life { from: None, ends });
        all.extend(life.map(|life| one(what, vendor.name.as_str(), life)));
    }
    for program in view.programs().await? {
        if program.ended_at.is_none() {
            let life = Life {
                from: Some(program.added_at),
                ends: program.expires_at,
            };
            all.push(one(What::Program, program.name.as_str(), life));
        }
    }
    for one in view.relay_certificates().await? {
        // One that the settings do not name any more is answered nothing, and missed by nobody.
        if fleet.knows_relay(&one.relay) {
            let life = Life {
                from: Some(one.issued_at),
                ends: one.expires_at,
            };
            all.push(self::one(What::Relay, one.relay.as_str(), life));
        }
    }
    let certificates = fleet.certificates();
    for (what, life) in [
        (What::Authority, certificates.authority),
        (What::Collector, Some(certificates.own)),
        (What::Page, certificates.page),
    ] {
        all.extend(life.map(|life| one(what, what.word(), life)));
    }
    Ok(all)
}

/// Certificates of enrolled machines that should have renewed themselves.
pub async fn of_machines(
    view: &mut View,
    now: UtcMs,
) -> Result<BTreeMap<MachineId, Life>, Failure> {
    let ending = view.certificates_ending(now.plus_ms(MACHINES_MS)).await?;
    let lives = ending.into_iter().map(|one| {
        let from = Some(one.issued_at);
        let ends = one.expires_at;
        (one.machine, Life { from, ends })
    });
    Ok(lives.collect())
}

/// Everything, machines by their ids: for who has no list of them at hand.
pub async fn with_machines(
    fleet: &FleetHandle,
    view: &mut View,
    now: UtcMs,
) -> Result<Vec<Expires>, Failure> {
    let mut all = all(fleet, view).await?;
    let machines = of_machines(view, now).await?.into_iter();
    all.extend(machines.map(|(id, life)| one(What::Machine, &id.to_string(), life)));
    Ok(all)
}

fn one(what: What, subject: &str, life: Life) -> Expires {
    Expires {
        what,
        subject: subject.to_owned(),
        life,
    }
}

async fn of_documents(view: &mut View) -> Result<Vec<Expires>, Failure> {
    let mut all = Vec::new();
    let charter = newest::<Charter>(view, DocumentKind::Charter).await?;
    if let Some(charter) = charter.and_then(|signed| signed.peek().ok()) {
        let life = Life {
            from: Some(charter.issued),
            ends: charter.expires,
        };
        all.push(one(What::Charter, What::Charter.word(), life));
    }
    let roster = newest::<Roster>(view, DocumentKind::Roster).await?;
    if let Some(roster) = roster.and_then(|signed| signed.peek().ok()) {
        let life = Life {
            from: Some(roster.issued),
            ends: roster.expires,
        };
        all.push(one(What::Roster, What::Roster.word(), life));
        all.extend(keys(&roster));
    }
    Ok(all)
}

/// The last key of each person and of each collector, where it ends before the roster does:
/// the others end with it, and one that is followed by another is missed by nobody.
fn keys(roster: &Roster) -> Vec<Expires> {
    let mut last: BTreeMap<(What, &str), Life> = BTreeMap::new();
    let people = roster.people.iter();
    let people = people.flat_map(|person| {
        let keys = person.keys.iter();
        keys.map(|key| (What::PersonKey, person.id.as_str(), key.from, key.until))
    });
    let collectors = roster.go_keys.iter();
    let collectors =
        collectors.map(|key| (What::GoKey, key.collector.as_str(), key.from, key.until));
    for (what, whose, from, ends) in people.chain(collectors) {
        let life = Life {
            from: Some(from),
            ends,
        };
        let known = last.entry((what, whose)).or_insert(life);
        if known.ends < ends {
            *known = life;
        }
    }
    last.retain(|_, life| life.ends < roster.expires);
    let ending = last.into_iter();
    ending
        .map(|((what, whose), life)| one(what, whose, life))
        .collect()
}

/// Role files without those that the collector renews by itself.
fn signed_offline(mut files: Vec<TufFile>) -> Vec<TufFile> {
    files.retain(|file| !file.file.ends_with("snapshot.json") && file.file != "timestamp.json");
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use patchward_common::id::{Label, Name};
    use patchward_common::trust::roster::{Approvers, GoKey, KeyKind, Person, PersonKey, Units};
    use patchward_common::trust::sign::PublicKey;

    fn public(seed: u8) -> PublicKey {
        PublicKey::of(&SigningKey::from_bytes(&[seed; 32]))
    }

    fn person(id: &str, keys: &[(u8, i64)]) -> Person {
        let keys = keys.iter().map(|(seed, days)| PersonKey {
            key: public(*seed),
            kind: KeyKind::File,
            from: UtcMs(0),
            until: UtcMs(days * DAY_MS),
        });
        Person {
            id: Name::new(id).unwrap(),
            name: id.parse::<Label>().unwrap(),
            roles: Vec::new(),
            units: Units::All,
            keys: keys.collect(),
        }
    }

    #[test]
    fn a_key_counts_where_it_is_its_persons_last_and_ends_before_the_roster() {
        let roster = Roster {
            number: 1,
            issued: UtcMs(0),
            expires: UtcMs(80 * DAY_MS),
            people: vec![
                person("with-the-roster", &[(1, 80)]),
                person("followed", &[(2, 10), (3, 80)]),
                person("leaves", &[(4, 10), (5, 20)]),
            ],
            go_keys: vec![GoKey {
                collector: Name::new("collector").unwrap(),
                key: public(6),
                from: UtcMs(0),
                until: UtcMs(30 * DAY_MS),
            }],
            approvers: Approvers::default(),
        };
        let found = keys(&roster);
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.what, &*one.subject, one.life.ends.0 / DAY_MS))
            .collect();
        let expected = [
            (What::PersonKey, "leaves", 20),
            (What::GoKey, "collector", 30),
        ];
        assert_eq!(found, expected);
    }
}
