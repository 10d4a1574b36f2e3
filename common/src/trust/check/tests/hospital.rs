//! A hospital in which one machine may start, from fixed seeds. Tests change its public
//! fields and run the steps again; everything is signed anew from the fields.

mod documents;

use super::*;
use crate::digest::Digest;
use crate::id::{BootId, JobId, Name, Nonce};
use crate::time::{DAY_MS, Interval, UtcMs};
use crate::trust::approval::{Approval, ApprovedRelease, PlanLeaf};
use crate::trust::assignment::{Assignment, AssignmentLeaf};
use crate::trust::charter::Charter;
use crate::trust::go::Go;
use crate::trust::placement::{Proof, Tree, leaf_bytes};
use crate::trust::release::ArtifactRef;
use crate::trust::roster::{Class, Person, Roster};
use crate::trust::sign::{Signed, Verified};
use crate::trust::stop::{Downgrade, Handover, Lift, Scope, Stop};
use crate::trust::tuf_author::{Edition, EditionKeys, Holders, RootSpec, TargetSpec};
use crate::trust::vendor::{Repository, Unavailable, VendorWatermark, VerifiedTargets};
use crate::trust::watermark::Watermark;
use std::collections::BTreeMap;

pub(super) use documents::{
    ANNA, ANNA_BROWSER, BEN, CARL, DORA, GO, MACHINE, NOW, OLGA, OTHER_MACHINE, REGISTRAR,
    STRANGER, TINA, VENDOR, key, label, name, public, sign, slot, viewer,
};

/// Everything that the steps ask, to be changed.
pub(super) struct Hospital {
    pub(super) now: UtcMs,
    pub(super) watermark: Watermark,
    pub(super) charters: Vec<(Charter, Vec<u8>)>,
    pub(super) roster: Roster,
    pub(super) roster_by: u8,
    pub(super) assignment: Assignment,
    pub(super) rows: Vec<AssignmentLeaf>,
    pub(super) assignment_by: Vec<u8>,
    pub(super) approval: Approval,
    pub(super) leaves: Vec<PlanLeaf>,
    pub(super) approval_by: Vec<u8>,
    pub(super) stops: Vec<Signed<Stop>>,
    pub(super) lifts: Vec<Signed<Lift>>,
    pub(super) unsigned_stops: Vec<Scope>,
    /// What a refresh found, where it was done once for many runs.
    pub(super) refreshed: Option<VerifiedTargets>,
    /// The vendor's targets by path.
    pub(super) targets: BTreeMap<String, TargetSpec>,
    pub(super) measured: Measured,
    pub(super) downgrades: Vec<Verified<Downgrade>>,
    /// What lies in the installer's folder: name, digest found, length.
    pub(super) staged: BTreeMap<Digest, (Digest, u64)>,
    pub(super) recipes: BTreeMap<Name, Digest>,
    /// What is asked; `None` for what belongs to the approval as it is.
    pub(super) ask: Option<Ask>,
    pub(super) go: Option<Go>,
    pub(super) go_by: u8,
    pub(super) go_clock: UtcMs,
    pub(super) held_until: Option<UtcMs>,
    /// Stops that came after step 3.
    pub(super) late_stops: Vec<Scope>,
    pub(super) interlock: Interlock,
    pub(super) handover: Option<(Handover, Vec<u8>)>,
}

/// The documents as the collector would give them.
#[derive(Clone)]
pub(super) struct Papers {
    pub(super) charters: Vec<Signed<Charter>>,
    pub(super) roster: Signed<Roster>,
    pub(super) assignment: Signed<Assignment>,
    pub(super) row: Vec<u8>,
    pub(super) row_proof: Proof,
    pub(super) approval: Signed<Approval>,
    pub(super) leaf: Vec<u8>,
    pub(super) leaf_proof: Proof,
    pub(super) go: Signed<Go>,
}

/// What was allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) approval: Approval,
    pub(super) place: AssignmentLeaf,
    pub(super) leaf: PlanLeaf,
    pub(super) slot: Interval,
    pub(super) used: Vec<Digest>,
}

impl Hospital {
    pub(super) fn new() -> Self {
        let rows = vec![documents::row(MACHINE), documents::row(OTHER_MACHINE)];
        let approval = documents::approval();
        Self {
            now: NOW,
            watermark: documents::watermark(),
            charters: vec![(documents::charter(), vec![1, 2])],
            roster: documents::roster(),
            roster_by: REGISTRAR,
            assignment: Assignment {
                number: 3,
                issued: NOW.plus_ms(-DAY_MS),
                machines: 0,
                root: Digest::default(),
            },
            rows,
            assignment_by: vec![ANNA, BEN],
            staged: approval
                .artifacts()
                .map(|a| (a.sha256, (a.sha256, a.length)))
                .collect(),
            targets: approval.artifacts().map(target).collect(),
            approval,
            leaves: vec![documents::leaf(MACHINE), documents::leaf(OTHER_MACHINE)],
            approval_by: vec![ANNA, BEN],
            stops: Vec::new(),
            lifts: Vec::new(),
            unsigned_stops: Vec::new(),
            refreshed: None,
            measured: Measured {
                os: Some("debian-13".into()),
                architecture: Some("x86_64".into()),
                version: Some("4.1".into()),
            },
            downgrades: Vec::new(),
            recipes: BTreeMap::new(),
            ask: None,
            go: None,
            go_by: GO,
            go_clock: NOW,
            held_until: None,
            late_stops: Vec::new(),
            interlock: Interlock::Idle,
            handover: None,
        }
    }

    /// The release of the approval.
    pub(super) fn release(&mut self) -> &mut ApprovedRelease {
        &mut self.approval.releases[0]
    }

    pub(super) fn charter(&mut self) -> &mut Charter {
        &mut self.charters[0].0
    }

    /// The person whose first key has this seed.
    pub(super) fn person(&mut self, seed: u8) -> &mut Person {
        let people = &mut self.roster.people;
        let found = people.iter_mut().find(|p| p.keys[0].key == public(seed));
        found.unwrap()
    }

    pub(super) fn set_class(&mut self, class: Class) {
        self.rows[0].class = class;
        self.leaves[0].class = class;
    }

    /// The digest of the approval as it would be signed now.
    pub(super) fn approval_digest(&self) -> Digest {
        self.papers().approval.digest()
    }

    pub(super) fn ask_now(&self) -> Ask {
        Ask {
            job: JobId::of(self.approval_digest(), MACHINE),
            machine: MACHINE,
            boot: BootId([7; 16]),
            nonce: Nonce([8; 32]),
            age_ms: 1_000,
        }
    }

    /// Signs everything.
    pub(super) fn papers(&self) -> Papers {
        let rows: Vec<Vec<u8>> = self.rows.iter().map(leaf_bytes).collect();
        let (row_tree, mut assignment) = (Tree::new(&rows), self.assignment.clone());
        (assignment.machines, assignment.root) = (rows.len() as u64, row_tree.root());
        let leaves: Vec<Vec<u8>> = self.leaves.iter().map(leaf_bytes).collect();
        let (leaf_tree, mut approval) = (Tree::new(&leaves), self.approval.clone());
        (approval.machines, approval.root) = (leaves.len() as u64, leaf_tree.root());
        let approval = sign(&approval, &self.approval_by);
        let go = Go {
            job: JobId::of(approval.digest(), MACHINE),
            machine: MACHINE,
            boot: BootId([7; 16]),
            nonce: Nonce([8; 32]),
            clock: self.go_clock,
        };
        Papers {
            charters: self.charters.iter().map(|(c, by)| sign(c, by)).collect(),
            roster: sign(&self.roster, &[self.roster_by]),
            assignment: sign(&assignment, &self.assignment_by),
            row_proof: row_tree.proof(0).unwrap(),
            row: rows[0].clone(),
            approval,
            leaf_proof: leaf_tree.proof(0).unwrap(),
            leaf: leaves[0].clone(),
            go: sign(self.go.as_ref().unwrap_or(&go), &[self.go_by]),
        }
    }

    pub(super) fn run(&self) -> Result<Outcome, Refusal> {
        self.judge(&self.papers())
    }

    pub(super) fn authority(&self) -> Result<Authority, Refusal> {
        let papers = self.papers();
        charter_and_roster(
            &self.watermark,
            None,
            &papers.charters,
            &papers.roster,
            self.now,
        )
    }

    /// All eleven steps over these papers.
    pub(super) fn judge(&self, papers: &Papers) -> Result<Outcome, Refusal> {
        let (watermark, now) = (&self.watermark, self.now);
        let authority = charter_and_roster(watermark, None, &papers.charters, &papers.roster, now)?;
        let place = assignment(
            &authority,
            watermark,
            &papers.assignment,
            &papers.row,
            &papers.row_proof,
            now,
        )?;
        place.may_prepare()?;
        let place = &place.leaf;
        let stops = Stops::in_force(&authority, Some(place), &self.stops, &self.lifts, now)
            .with_unsigned(self.unsigned_stops.iter().cloned());
        let approved = super::approval(&authority, place, &stops, &papers.approval, now)?;
        let leaf = placement(MACHINE, place, &approved, &papers.leaf, &papers.leaf_proof)?;
        let targets = self.refreshed.clone();
        let targets = targets.unwrap_or_else(|| self.refresh());
        let mut used = Vec::new();
        for release in &approved.releases {
            super::vendor(&authority, release, &targets)?;
            used.extend(applicability(
                watermark,
                place,
                &approved,
                release,
                &self.measured,
                &self.downgrades,
                &authority,
                now,
            )?);
        }
        super::artifacts(&approved, |digest| self.staged.get(&digest).copied())?;
        recipes(&approved, |name| self.recipes.get(name).copied())?;

        let ask = self.ask.clone().unwrap_or_else(|| self.ask_now());
        let go = go(&authority, &ask, &papers.go, now)?;
        let slot = time(
            watermark.time,
            (go.clock, ask.age_ms),
            &leaf,
            approved.longest_run_ms(),
            now,
        )?;
        let stops = stops.with_unsigned(self.late_stops.iter().cloned());
        let charter = &authority.charter;
        hold_and_stop(self.held_until, &stops, &approved, place, charter, now)?;
        match &self.handover {
            None => interlock(&self.interlock)?,
            Some((said, by)) => {
                handover(&authority, place, &ask, &sign(said, by), slot, now)?;
            }
        }
        Ok(Outcome {
            approval: approved.into_document(),
            place: place.clone(),
            leaf,
            slot,
            used,
        })
    }

    /// What a refresh of the vendor's repository finds.
    pub(super) fn refresh(&self) -> VerifiedTargets {
        let vendor = key(VENDOR);
        let far = NOW.plus_ms(300 * DAY_MS);
        let mut edition = Edition::new(1, far);
        edition.targets.clone_from(&self.targets);
        let files = edition
            .sign(&EditionKeys {
                timestamp: &[&vendor],
                snapshot: &[&vendor],
                targets: &[&vendor],
            })
            .unwrap();
        let root = vendor_root();
        let open = Repository::open(&root, Digest::of(&root), VendorWatermark::default(), NOW);
        let mut source = |name: &str, _: usize| Ok::<_, Unavailable>(files.get(name).cloned());
        let paths = self.approval.artifacts().map(|a| a.path.as_str());
        open.unwrap().verify(&mut source, paths).0.unwrap()
    }
}

fn vendor_root() -> Vec<u8> {
    let vendor = key(VENDOR);
    let root = RootSpec {
        version: 1,
        expires: NOW.plus_ms(300 * DAY_MS),
        consistent_snapshot: true,
        root: Holders::one(&vendor),
        timestamp: Holders::one(&vendor),
        snapshot: Holders::one(&vendor),
        targets: Holders::one(&vendor),
    };
    root.sign(&[&vendor]).unwrap()
}

fn target(artifact: &ArtifactRef) -> (String, TargetSpec) {
    let spec = TargetSpec {
        length: artifact.length,
        sha256: artifact.sha256,
        custom: None,
    };
    (artifact.path.clone(), spec)
}
