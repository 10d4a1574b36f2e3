//! The hospital's people and what they signed: charter, rosters, assignments, stops.

use super::chance::Chance;
use ed25519_dalek::SigningKey;
use patchward_common::digest::Digest;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::plan::{AssignmentFile, CharterChain, PlacedLeaf};
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf};
use patchward_common::trust::charter::{Charter, Publisher, Registrar, RootKeys, VendorGrant};
use patchward_common::trust::roster::{
    Approvers, GoKey, KeyKind, Person, PersonKey, Roster, SigningRole, Units,
};
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use std::collections::BTreeMap;

pub(super) fn name(text: &str) -> Name {
    Name::new(text).expect("our own names are names")
}

pub(super) fn label(text: &str) -> Label {
    Label::new(text).expect("our own labels are labels")
}

/// How long a roster lives here; short, so that some run out within the month.
const ROSTER_LIFE_MS: i64 = 9 * DAY_MS;

/// Keys and signed documents, as they truly are.
pub(super) struct Hospital {
    registrar: SigningKey,
    /// Approvers of all units, with file keys.
    pub(super) approvers: Vec<(Name, SigningKey)>,
    /// Technician of all units.
    pub(super) technician: SigningKey,
    /// The collector's.
    pub(super) go_key: SigningKey,
    /// In no roster.
    pub(super) stranger: SigningKey,
    pub(super) chain: CharterChain,
    /// Every roster, oldest first; the last one is the newest.
    pub(super) rosters: Vec<(Roster, Signed<Roster>)>,
    /// Every assignment with its rows.
    pub(super) assignments: Vec<AssignmentFile>,
    /// The rows of each with their proofs.
    pub(super) placed: Vec<Vec<PlacedLeaf>>,
    /// Each machine's newest row.
    pub(super) rows: BTreeMap<MachineId, AssignmentLeaf>,
}

impl Hospital {
    pub(super) fn new(chance: &mut Chance, vendor_root: Digest, now: UtcMs) -> Self {
        let mut key = || SigningKey::from_bytes(&chance.bytes());
        let (root, registrar) = (key(), key());
        let approvers = ["anna", "ben", "carl"].map(|who| (name(who), key()));
        let (technician, go_key, stranger) = (key(), key(), key());
        let keys = RootKeys {
            keys: vec![PublicKey::of(&root)],
            threshold: 1,
        };
        let charter = Charter {
            number: 1,
            issued: now.plus_ms(-DAY_MS),
            expires: now.plus_ms(400 * DAY_MS),
            root: keys.clone(),
            registrars: vec![Registrar {
                name: name("registrar"),
                key: PublicKey::of(&registrar),
            }],
            vendors: vec![VendorGrant {
                vendor: name("acme"),
                publisher: Publisher::Vendor,
                repository: name("acme"),
                root: vendor_root,
                products: vec![name("viewer"), name("driver")],
                paths: vec!["viewer/".into(), "driver/".into()],
            }],
        };
        let chain = CharterChain {
            root: keys,
            charters: vec![Signed::new(&charter, &root)],
        };
        let mut hospital = Self {
            registrar,
            approvers: approvers.into(),
            technician,
            go_key,
            stranger,
            chain,
            rosters: Vec::new(),
            assignments: Vec::new(),
            placed: Vec::new(),
            rows: BTreeMap::new(),
        };
        hospital.new_roster(3, now);
        hospital
    }

    /// The root keys that machines pin.
    pub(super) fn root_keys(&self) -> RootKeys {
        self.chain.root.clone()
    }

    /// A new roster that names the first `approvers` of the approvers.
    pub(super) fn new_roster(&mut self, approvers: usize, now: UtcMs) {
        let person = |id: &Name, role, key: &SigningKey| Person {
            id: id.clone(),
            name: label(id.as_str()),
            roles: vec![role],
            units: Units::All,
            keys: vec![PersonKey {
                key: PublicKey::of(key),
                kind: KeyKind::File,
                from: now.plus_ms(-400 * DAY_MS),
                until: now.plus_ms(400 * DAY_MS),
            }],
        };
        let approvers = self.approvers.iter().take(approvers);
        let mut people: Vec<Person> = approvers
            .map(|(id, key)| person(id, SigningRole::Approver, key))
            .collect();
        let technician = name("tina");
        people.push(person(
            &technician,
            SigningRole::Technician,
            &self.technician,
        ));
        let roster = Roster {
            number: self.rosters.len() as u64 + 1,
            issued: now,
            expires: now.plus_ms(ROSTER_LIFE_MS),
            people,
            go_keys: vec![GoKey {
                collector: name("collector"),
                key: PublicKey::of(&self.go_key),
                from: now.plus_ms(-400 * DAY_MS),
                until: now.plus_ms(400 * DAY_MS),
            }],
            approvers: Approvers::default(),
        };
        let signed = Signed::new(&roster, &self.registrar);
        self.rosters.push((roster, signed));
    }

    /// The newest roster.
    pub(super) fn roster(&self) -> &(Roster, Signed<Roster>) {
        self.rosters.last().expect("the hospital begins with one")
    }

    /// How many of the approvers the newest roster names.
    pub(super) fn approvers_named(&self) -> usize {
        let people = self.roster().0.people.iter();
        people
            .filter(|person| person.roles.contains(&SigningRole::Approver))
            .count()
    }

    /// A new assignment with these rows, signed by two.
    pub(super) fn assign(&mut self, rows: Vec<AssignmentLeaf>, now: UtcMs) {
        let assignment = Assignment {
            number: self.assignments.len() as u64 + 1,
            issued: now,
            machines: 0,
            root: Digest::default(),
        };
        for row in &rows {
            self.rows.insert(row.machine, row.clone());
        }
        let mut table = AssignmentFile::build(assignment, rows).expect("its rows are a table");
        self.cosign(&mut table.signed, 2);
        self.placed.push(table.placed().expect("it was just built"));
        self.assignments.push(table);
    }

    /// Signs as so many approvers, the first ones first.
    pub(super) fn cosign<T: Document>(&self, signed: &mut Signed<T>, approvers: usize) {
        for (_, key) in self.approvers.iter().take(approvers) {
            signed.cosign(key);
        }
    }
}
