//! The roster: people, their keys, roles and units, and the collectors' go-keys.

use super::charter::Charter;
use super::sign::{Document, KeyId, PublicKey};
use crate::id::{Label, Name};
use crate::time::{DAY_MS, UtcMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Longest life of a roster: a lost roster key stops counting within a quarter.
pub const MAX_ROSTER_LIFE_MS: i64 = 90 * DAY_MS;
/// Most people who sign; a hospital's whole HTM department and its wards' technicians.
pub const MAX_PEOPLE: usize = 1_024;
/// Most keys of one person: two in use, two that follow them, and some spare.
pub const MAX_PERSON_KEYS: usize = 8;
/// Most units that one person is named for; more are written as all.
pub const MAX_PERSON_UNITS: usize = 1_024;
/// Most go-keys: a few collectors, each with its next key.
pub const MAX_GO_KEYS: usize = 16;

/// Who may sign what, as of now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// Each roster is higher than the one before.
    pub number: u64,
    /// When it was written.
    pub issued: UtcMs,
    /// At most [`MAX_ROSTER_LIFE_MS`] after `issued`.
    pub expires: UtcMs,
    /// The people.
    pub people: Vec<Person>,
    /// The keys with which collectors sign go.
    pub go_keys: Vec<GoKey>,
    /// How many approvers each class needs.
    pub approvers: Approvers,
}

impl Document for Roster {
    const TYPE: &'static str = "patchward/roster.1";
    const MAX_BYTES: usize = 1024 * 1024;
}

/// A person of the hospital.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Short name; different for different people.
    pub id: Name,
    /// The name that people read.
    pub name: Label,
    /// What they may sign.
    pub roles: Vec<SigningRole>,
    /// Where.
    pub units: Units,
    /// Their keys.
    pub keys: Vec<PersonKey>,
}

/// A role that signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SigningRole {
    /// HTM: plans, assignments, stops, lifts, downgrades, handovers.
    Approver,
    /// HTM: handovers.
    Technician,
}

/// The units that a person answers for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Units {
    /// Every unit, present and future.
    All,
    /// These.
    Only(Vec<Name>),
}

impl Units {
    /// Whether `unit` is one of them.
    pub fn cover(&self, unit: &Name) -> bool {
        match self {
            Self::All => true,
            Self::Only(units) => units.contains(unit),
        }
    }
}

/// A person's key and where it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonKey {
    /// The key.
    pub key: PublicKey,
    /// Where its private half lives.
    pub kind: KeyKind,
    /// First instant at which it counts.
    pub from: UtcMs,
    /// First instant at which it no longer counts.
    pub until: UtcMs,
}

/// Where a private key lives, and with it what a hostile page could make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// In a file that only `patchward-sign` opens.
    File,
    /// In a browser, where a hostile collector's page could use it.
    Browser,
}

/// A collector's go-key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoKey {
    /// The collector.
    pub collector: Name,
    /// The key.
    pub key: PublicKey,
    /// First instant at which it counts.
    pub from: UtcMs,
    /// First instant at which it no longer counts.
    pub until: UtcMs,
}

/// How many different approvers must sign, by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvers {
    /// At least 1.
    pub standard: u8,
    /// At least 2.
    pub critical: u8,
    /// At least 2.
    pub life_support: u8,
}

impl Default for Approvers {
    fn default() -> Self {
        Self {
            standard: 1,
            critical: 2,
            life_support: 2,
        }
    }
}

/// How much harm a machine's failure may do. Ordered: a later one asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// An ordinary clinical machine.
    Standard,
    /// Its failure delays care.
    Critical,
    /// Its failure may cost a life.
    LifeSupport,
}

impl Class {
    /// The word for it in tables and commands.
    pub fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Critical => "critical",
            Self::LifeSupport => "life_support",
        }
    }
}

/// How many people must have signed, and how many of them with a `file` key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// Different people.
    pub people: usize,
    /// Of these, with a `file` key.
    pub with_file_key: usize,
}

/// The people of one role who signed, counted once each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endorsement {
    people: BTreeSet<Name>,
    with_file_key: BTreeSet<Name>,
}

impl Endorsement {
    /// Who signed.
    pub fn people(&self) -> &BTreeSet<Name> {
        &self.people
    }

    /// Those of them who signed with a `file` key.
    pub fn with_file_key(&self) -> &BTreeSet<Name> {
        &self.with_file_key
    }

    /// Whether they are enough.
    pub fn meets(&self, quorum: Quorum) -> bool {
        self.people.len() >= quorum.people && self.with_file_key.len() >= quorum.with_file_key
    }
}

impl Roster {
    /// What is wrong with it, whoever signed it. One key is one person's, or a
    /// collector's: otherwise one stolen key would count as two people.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.people.len() > MAX_PEOPLE || self.go_keys.len() > MAX_GO_KEYS {
            return Err("it has too many people or go-keys");
        }
        let mut ids = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for person in &self.people {
            if !ids.insert(&person.id) {
                return Err("a person stands twice");
            }
            let named = match &person.units {
                Units::All => 0,
                Units::Only(units) => units.len(),
            };
            if person.keys.len() > MAX_PERSON_KEYS || named > MAX_PERSON_UNITS {
                return Err("a person has too many keys or units");
            }
            if !person.keys.iter().all(|key| keys.insert(key.key)) {
                return Err("a key stands twice");
            }
        }
        if !self.go_keys.iter().all(|key| keys.insert(key.key)) {
            return Err("a go-key stands twice, or is a person's");
        }
        if !keys.iter().all(PublicKey::is_usable) {
            return Err("a key is not usable");
        }
        if self.lives_too_long() {
            return Err("it lives longer than 90 days");
        }
        Ok(())
    }

    /// Whether it lives longer than [`MAX_ROSTER_LIFE_MS`].
    pub fn lives_too_long(&self) -> bool {
        self.expires.since_ms(self.issued) > MAX_ROSTER_LIFE_MS
    }

    /// What is wrong with it under the charter whose registrar signed it: beside its own
    /// rules, the collector holds the go-keys, and with one that is more it would say who
    /// signs. Everybody who takes a roster in asks this: machines, collector, plan check,
    /// readers of evidence, and whoever signs one.
    pub fn check_under(&self, charter: &Charter) -> Result<(), &'static str> {
        self.check()?;
        let says_who = |key: &PublicKey| {
            charter.registrars.iter().any(|one| one.key == *key) || charter.root.keys.contains(key)
        };
        if self.go_keys.iter().any(|go| says_who(&go.key)) {
            return Err("a go-key is a registrar's or a root key");
        }
        Ok(())
    }

    /// What a class asks for. The floors of trust.md hold whatever the roster says.
    pub fn quorum(&self, class: Class) -> Quorum {
        match class {
            Class::Standard => Quorum {
                people: usize::from(self.approvers.standard).max(1),
                with_file_key: 0,
            },
            Class::Critical => Quorum {
                people: usize::from(self.approvers.critical).max(2),
                with_file_key: 1,
            },
            Class::LifeSupport => Quorum {
                people: usize::from(self.approvers.life_support).max(2),
                with_file_key: 1,
            },
        }
    }

    /// Every personal key that counts at `now`.
    pub fn people_keys(&self, now: UtcMs) -> Vec<PublicKey> {
        let keys = self.people.iter().flat_map(|person| &person.keys);
        keys.filter(|key| key.from <= now && now < key.until)
            .map(|key| key.key)
            .collect()
    }

    /// Every personal key of the roster, also before and after its time: with these a
    /// stop counts, which does not lapse as its signer's key does.
    pub fn all_people_keys(&self) -> Vec<PublicKey> {
        let keys = self.people.iter().flat_map(|person| &person.keys);
        keys.map(|key| key.key).collect()
    }

    /// Every go-key that counts at `now`.
    pub fn live_go_keys(&self, now: UtcMs) -> Vec<PublicKey> {
        let live = |key: &&GoKey| key.from <= now && now < key.until;
        self.go_keys
            .iter()
            .filter(live)
            .map(|key| key.key)
            .collect()
    }

    /// Which people with one of `roles` in all of `units` are behind `signers`, now.
    pub fn endorsement(
        &self,
        signers: &BTreeSet<KeyId>,
        roles: &[SigningRole],
        units: &[&Name],
        now: UtcMs,
    ) -> Endorsement {
        let mut found = Endorsement::default();
        let entitled = self.people.iter().filter(|person| {
            person.roles.iter().any(|role| roles.contains(role))
                && units.iter().all(|unit| person.units.cover(unit))
        });
        for person in entitled {
            let signed = person.keys.iter().filter(|key| {
                key.from <= now && now < key.until && signers.contains(&key.key.id())
            });
            for key in signed {
                found.people.insert(person.id.clone());
                if key.kind == KeyKind::File {
                    found.with_file_key.insert(person.id.clone());
                }
            }
        }
        found
    }
}
