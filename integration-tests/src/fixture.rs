//! A hospital on paper: keys, documents and a vendor's repository, made from a seed.
//!
//! Pure: no file, no clock, no randomness. Documents are plain values first, so that a
//! test of an attack changes one field and signs again.

use ed25519_dalek::SigningKey;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Label, MachineId, Name};
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::approval::{
    Approval, ApprovedRelease, GroupMinimum, PlanLeaf, Rollback,
};
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf, Mode};
use patchward_common::trust::charter::{Charter, Publisher, Registrar, RootKeys, VendorGrant};
use patchward_common::trust::check::Ask;
use patchward_common::trust::go::Go;
use patchward_common::trust::placement::{Tree, leaf_bytes};
use patchward_common::trust::release::{
    Applicability, ArtifactRef, Kind, Provenance, Reboot, ReleaseDescription, TreeKind,
};
use patchward_common::trust::roster::{
    Approvers, Class, GoKey, KeyKind, Person, PersonKey, Roster, SigningRole, Units,
};
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use patchward_common::trust::tuf_author::{
    AuthorError, Edition, EditionKeys, Files, Holders, RootSpec, TargetSpec,
};
use patchward_common::wire::local::{Documents, Placed};
use patchward_common::wire::token::EnrolmentToken;
use serde_bytes::ByteBuf;
use serde_json::json;

/// A name that is known to be one.
///
/// # Panics
/// Where it is none: fixtures are written by hand.
#[expect(clippy::expect_used, reason = "see Panics")]
pub fn name(text: &str) -> Name {
    Name::new(text).expect("a fixture's name is a name")
}

/// A label that is known to be one.
///
/// # Panics
/// Where it is none: fixtures are written by hand.
#[expect(clippy::expect_used, reason = "see Panics")]
pub fn label(text: &str) -> Label {
    Label::new(text).expect("a fixture's label is a label")
}

/// An interval that is known not to be empty.
///
/// # Panics
/// Where it is empty: fixtures are written by hand.
#[expect(clippy::expect_used, reason = "see Panics")]
pub fn interval(start: UtcMs, end: UtcMs) -> Interval {
    Interval::new(start, end).expect("a fixture's interval ends after it starts")
}

/// Every key of a hospital and of one vendor.
#[derive(Clone, Debug)]
pub struct Hospital {
    /// When its documents were written.
    pub now: UtcMs,
    /// The hospital root; it signs alone.
    pub root: SigningKey,
    /// The registrar.
    pub registrar: SigningKey,
    /// Approver with a `file` key, for every unit.
    pub alice: SigningKey,
    /// Approver with a `browser` key, for every unit.
    pub bob: SigningKey,
    /// Approver with a `file` key, of the unit `lab` only.
    pub carol: SigningKey,
    /// Technician of every unit.
    pub tom: SigningKey,
    /// The collector's go-key.
    pub go_key: SigningKey,
    /// The vendor's root, and its key for everything below.
    pub vendor: [SigningKey; 2],
}

impl Hospital {
    /// The hospital of a seed: another seed gives other keys throughout.
    pub fn new(seed: u8, now: UtcMs) -> Self {
        let key = |which: u8| {
            let digest = Digest::of_parts(&[b"fixture key", &[seed, which]]);
            SigningKey::from_bytes(&digest.0)
        };
        Self {
            now,
            root: key(1),
            registrar: key(2),
            alice: key(3),
            bob: key(4),
            carol: key(5),
            tom: key(6),
            go_key: key(7),
            vendor: [key(8), key(9)],
        }
    }

    /// The root's keys.
    pub fn root_keys(&self) -> RootKeys {
        RootKeys {
            keys: vec![PublicKey::of(&self.root)],
            threshold: 1,
        }
    }

    /// A token for this hospital.
    pub fn token(&self) -> EnrolmentToken {
        EnrolmentToken {
            addresses: vec!["localhost:4433".to_owned()],
            ca: Digest([1; 32]),
            root: self.root_keys(),
            secret: ByteBuf::from([2; 32]),
        }
    }

    /// The first charter: one registrar, and the vendor `acme` with its product `viewer`.
    pub fn charter(&self) -> Charter {
        Charter {
            number: 1,
            issued: self.now,
            expires: self.now.plus_ms(365 * DAY_MS),
            root: self.root_keys(),
            registrars: vec![Registrar {
                name: name("rita"),
                key: PublicKey::of(&self.registrar),
            }],
            vendors: vec![VendorGrant {
                vendor: name("acme"),
                publisher: Publisher::Vendor,
                repository: name("acme"),
                root: Digest::of(&self.vendor_root()),
                products: vec![name("viewer")],
                paths: vec!["viewer/".to_owned()],
            }],
        }
    }

    /// The first roster.
    pub fn roster(&self) -> Roster {
        let (from, until) = (self.now.plus_ms(-DAY_MS), self.now.plus_ms(80 * DAY_MS));
        let person = |id: &str, role, units, key: &SigningKey, kind| Person {
            id: name(id),
            name: label(id),
            roles: vec![role],
            units,
            keys: vec![PersonKey {
                key: PublicKey::of(key),
                kind,
                from,
                until,
            }],
        };
        let lab = Units::Only(vec![name("lab")]);
        let approver = SigningRole::Approver;
        Roster {
            number: 1,
            issued: self.now,
            expires: self.now.plus_ms(80 * DAY_MS),
            people: vec![
                person("alice", approver, Units::All, &self.alice, KeyKind::File),
                person("bob", approver, Units::All, &self.bob, KeyKind::Browser),
                person("carol", approver, lab, &self.carol, KeyKind::File),
                person(
                    "tom",
                    SigningRole::Technician,
                    Units::All,
                    &self.tom,
                    KeyKind::File,
                ),
            ],
            go_keys: vec![GoKey {
                collector: name("collector"),
                key: PublicKey::of(&self.go_key),
                from,
                until,
            }],
            approvers: Approvers::default(),
        }
    }

    /// A row of the assignment: class `standard` in the unit `icu-3`, mode `active`.
    pub fn row(&self, machine: MachineId) -> AssignmentLeaf {
        AssignmentLeaf {
            machine,
            name: label("Reading station 7"),
            unit: name("icu-3"),
            class: Class::Standard,
            groups: vec![name("readers")],
            model: name("station"),
            mode: Mode::Active,
        }
    }

    /// An assignment of these rows, signed by alice and bob; one placed part per row.
    pub fn assignment(&self, number: u64, rows: &[AssignmentLeaf]) -> Vec<Placed<Assignment>> {
        place(rows, |machines, root| {
            let assignment = Assignment {
                number,
                issued: self.now,
                machines,
                root,
            };
            sign(&assignment, &[&self.alice, &self.bob])
        })
    }

    /// The release of `archive` as version `version` of the tree `viewer`.
    pub fn release(&self, version: &str, counter: u64, archive: &[u8]) -> ApprovedRelease {
        let path = format!("viewer/{version}.tar");
        let artifact = ArtifactRef {
            path: path.clone(),
            sha256: Digest::of(archive),
            length: archive.len() as u64,
        };
        ApprovedRelease {
            repository: name("acme"),
            path,
            sha256: artifact.sha256,
            length: artifact.length,
            provenance: Provenance::Vendor,
            release: ReleaseDescription {
                product: name("viewer"),
                version: version.to_owned(),
                counter,
                kind: Kind::Tree(TreeKind {
                    name: name("viewer"),
                    service: None,
                }),
                artifacts: vec![artifact],
                applies_to: Applicability {
                    from: vec![],
                    os: vec![],
                    architectures: vec!["all".to_owned()],
                    models: vec![],
                },
                stepping_stones: vec![],
                reboot: Reboot::None,
                install_minutes: 5,
                recovery_minutes: 5,
                checks_before: vec![],
                checks_after: vec![],
                fixes: vec![],
                users_will_notice: None,
            },
            install_minutes: 5,
            recovery_minutes: 5,
            rollback: Rollback::None,
        }
    }

    /// An approval of these releases; its machines and root are set when it is placed.
    pub fn approval(&self, releases: Vec<ApprovedRelease>) -> Approval {
        Approval {
            title: label("Viewer update"),
            issued: self.now,
            expires: self.now.plus_ms(30 * DAY_MS),
            releases,
            waves: 1,
            machines: 0,
            root: Digest::default(),
            groups: vec![GroupMinimum {
                group: name("readers"),
                size: 4,
                minimum_ready: 3,
            }],
            beside: vec![],
            failure_limit: 1,
            clears: vec![],
            emergency: None,
        }
    }

    /// A leaf for a row: one slot of a day that opened an hour ago.
    pub fn leaf(&self, row: &AssignmentLeaf) -> PlanLeaf {
        PlanLeaf {
            machine: row.machine,
            unit: row.unit.clone(),
            class: row.class,
            groups: row.groups.clone(),
            wave: 0,
            slots: vec![interval(
                self.now.plus_ms(-HOUR_MS),
                self.now.plus_ms(DAY_MS),
            )],
        }
    }

    /// Signs an approval over these leaves; one placed part per leaf.
    pub fn approve(
        &self,
        approval: &Approval,
        leaves: &[PlanLeaf],
        signers: &[&SigningKey],
    ) -> Vec<Placed<Approval>> {
        place(leaves, |machines, root| {
            let approval = Approval {
                machines,
                root,
                ..approval.clone()
            };
            sign(&approval, signers)
        })
    }

    /// What a collector sends to one machine.
    pub fn documents(&self, row: &AssignmentLeaf, approvals: Vec<Placed<Approval>>) -> Documents {
        Documents {
            charters: vec![sign(&self.charter(), &[&self.root])],
            roster: Some(sign(&self.roster(), &[&self.registrar])),
            assignment: self.assignment(1, std::slice::from_ref(row)).pop(),
            approvals,
            ..Documents::default()
        }
    }

    /// The go that answers an ask, by a collector whose clock is at `clock`.
    pub fn go(&self, ask: &Ask, clock: UtcMs) -> Signed<Go> {
        let go = Go {
            job: ask.job,
            machine: ask.machine,
            boot: ask.boot,
            nonce: ask.nonce,
            clock,
        };
        sign(&go, &[&self.go_key])
    }

    /// The vendor's first root.
    ///
    /// # Panics
    /// Never: it has no numbers but whole ones.
    #[expect(clippy::expect_used, reason = "see Panics")]
    pub fn vendor_root(&self) -> Vec<u8> {
        let [root, below] = &self.vendor;
        let spec = RootSpec {
            version: 1,
            expires: self.now.plus_ms(365 * DAY_MS),
            consistent_snapshot: true,
            root: Holders::one(root),
            timestamp: Holders::one(below),
            snapshot: Holders::one(below),
            targets: Holders::one(below),
        };
        spec.sign(&[root]).expect("a root has whole numbers only")
    }

    /// The vendor's repository at a version: each release's artifacts, with its
    /// description, and those of its rollback.
    pub fn repository(
        &self,
        version: u64,
        releases: &[ApprovedRelease],
    ) -> Result<Files, AuthorError> {
        let mut edition = Edition::new(version, self.now.plus_ms(30 * DAY_MS));
        for release in releases {
            let back = match &release.rollback {
                Rollback::None => None,
                Rollback::Release(back) => Some(&back.release),
            };
            for described in [Some(&release.release), back].into_iter().flatten() {
                for (index, artifact) in described.artifacts.iter().enumerate() {
                    let target = TargetSpec {
                        length: artifact.length,
                        sha256: artifact.sha256,
                        custom: (index == 0).then(|| json!({ "patchward": described })),
                    };
                    edition.targets.insert(artifact.path.clone(), target);
                }
            }
        }
        let below = [&self.vendor[1]];
        let keys = EditionKeys {
            timestamp: &below,
            snapshot: &below,
            targets: &below,
        };
        let mut files = edition.sign(&keys)?;
        files.insert("1.root.json".to_owned(), self.vendor_root());
        Ok(files)
    }
}

/// Signs a document by several keys.
pub fn sign<T: Document>(document: &T, keys: &[&SigningKey]) -> Signed<T> {
    let mut signed = Signed::unsigned(patchward_common::codec::encode_deterministic(document));
    for key in keys {
        signed.cosign(key);
    }
    signed
}

/// Places leaves, in their order, under a document that is made from their number and root.
pub fn place<T, L: serde::Serialize>(
    leaves: &[L],
    document: impl FnOnce(u64, Digest) -> Signed<T>,
) -> Vec<Placed<T>> {
    let bytes: Vec<Vec<u8>> = leaves.iter().map(leaf_bytes).collect();
    let tree = Tree::new(&bytes);
    let signed = document(leaves.len() as u64, tree.root());
    let proofs = (0..bytes.len()).filter_map(|index| tree.proof(index));
    let placed = bytes.iter().zip(proofs);
    placed
        .map(|(leaf, proof)| Placed {
            signed: signed.clone(),
            leaf: ByteBuf::from(leaf.clone()),
            proof,
        })
        .collect()
}

/// The job of an approval on a machine.
pub fn job_of(approval: &Placed<Approval>, machine: MachineId) -> JobId {
    JobId::of(approval.signed.digest(), machine)
}

/// Enough room in a slot for a job of the fixture.
pub const LONGEST_RUN_MS: i64 = 10 * MINUTE_MS;
