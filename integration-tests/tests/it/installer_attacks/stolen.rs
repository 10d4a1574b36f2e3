//! One key stolen, wherever two must sign: the charter, the lift of a stop, an emergency, and
//! each role of a vendor's repository.

use super::Scene;
use ed25519_dalek::SigningKey;
use patchward_common::digest::Digest;
use patchward_common::time::DAY_MS;
use patchward_common::trust::approval::Emergency;
use patchward_common::trust::charter::{Charter, RootKeys};
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::PublicKey;
use patchward_common::trust::stop::{Lift, Scope, Stop};
use patchward_common::trust::tuf_author::{
    Edition, EditionKeys, Files, Holders, RootSpec, TargetSpec,
};
use patchward_common::wire::local::Documents;
use patchward_common::wire::token::EnrolmentToken;
use patchward_integration_tests::fixture::{Hospital, job_of, label, sign};
use patchward_integration_tests::machine::now;
use serde_json::json;

/// Who signs beside the fixture's one key.
fn second() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

#[test]
fn one_of_two_root_keys_writes_no_charter() {
    let hospital = Hospital::new(1, now());
    let both = [&hospital.root.clone(), &second()];
    let root = RootKeys {
        keys: both.map(PublicKey::of).to_vec(),
        threshold: 2,
    };
    let token = EnrolmentToken {
        root: root.clone(),
        ..hospital.token()
    };
    let charter = |number| Charter {
        number,
        root: root.clone(),
        ..hospital.charter()
    };
    let (first, next) = (charter(1), charter(2));
    let scene = Scene::pinned(hospital, &token);
    let work = scene.work();
    scene.put(&scene.edition(1, now().plus_ms(DAY_MS), &work.approval.releases[0]));
    scene.machine.put_artifact(&work.bytes).unwrap();
    let (job, mut documents) = scene.approved(&work);
    let why = "charter: 1 of 2 people signed";
    for key in both {
        documents.charters = vec![sign(&first, &[key])];
        scene.does_not_take(job, &documents, why);
    }
    // The same key twice is one key.
    documents.charters = vec![sign(&first, &[both[0], both[0]])];
    scene.does_not_take(job, &documents, "sign");
    documents.charters = vec![sign(&first, &both)];
    assert_eq!(scene.machine.give(&documents).unwrap(), [""; 0]);
    scene.is_prepared(job);
    for key in both {
        let newer = Documents {
            charters: vec![sign(&first, &both), sign(&next, &[key])],
            ..documents.clone()
        };
        let refused = scene.machine.give(&newer).unwrap();
        assert!(refused.iter().any(|one| one.contains(why)), "{refused:?}");
        assert_eq!(scene.machine.status().unwrap().numbers.0, 1);
    }
    scene.untouched();
}

#[test]
fn one_of_two_approvers_lifts_no_stop_of_a_critical_machine() {
    let scene = Scene::new();
    let hospital = &scene.hospital;
    let both = [&hospital.alice, &hospital.bob];
    let mut work = scene.work();
    work.row.class = Class::Critical;
    work.leaf.class = Class::Critical;
    scene.put(&scene.edition(1, now().plus_ms(DAY_MS), &work.approval.releases[0]));
    scene.machine.put_artifact(&work.bytes).unwrap();
    let placed = hospital.approve(&work.approval, &[work.leaf.clone()], &both);
    let job = job_of(&placed[0], scene.machine.id);
    let mut documents = hospital.documents(&work.row, placed);
    let stop = Stop {
        scope: Scope::All,
        reason: label("ask me first"),
        issued: now(),
    };
    let stop = sign(&stop, &[&hospital.alice]);
    let lift = |reason: &str| Lift {
        stop: stop.digest(),
        reason: label(reason),
        issued: now(),
    };
    documents.stops = vec![stop.clone()];
    assert_eq!(scene.machine.give(&documents).unwrap(), [""; 0]);
    scene.refuses(job, Step::Approval, "ask me first");
    // Each says it for a reason of their own: nobody signs what another signed.
    for (reason, key) in [
        ("alice says so", &hospital.alice),
        ("bob says so", &hospital.bob),
        ("the collector says so", &hospital.go_key),
        ("the root says so", &hospital.root),
    ] {
        documents.lifts = vec![sign(&lift(reason), &[key])];
        scene.machine.give(&documents).unwrap();
        scene.refuses(job, Step::Approval, "ask me first");
    }
    documents.lifts = vec![sign(&lift("both say so"), &both)];
    assert_eq!(scene.machine.give(&documents).unwrap(), [""; 0]);
    scene.is_prepared(job);
}

#[test]
fn one_approver_declares_no_emergency() {
    let scene = Scene::new();
    let hospital = &scene.hospital;
    let mut work = scene.work();
    work.approval.emergency = Some(Emergency {
        reason: label("exploited"),
        freezes: vec![label("theatre")],
    });
    scene.put(&scene.edition(1, now().plus_ms(DAY_MS), &work.approval.releases[0]));
    scene.machine.put_artifact(&work.bytes).unwrap();
    let approved = |keys: &[&SigningKey]| {
        let placed = hospital.approve(&work.approval, &[work.leaf.clone()], keys);
        let job = job_of(&placed[0], scene.machine.id);
        (job, hospital.documents(&work.row, placed))
    };
    for key in [&hospital.alice, &hospital.bob] {
        let (job, documents) = approved(&[key]);
        scene.does_not_take(job, &documents, "1 of 2 people signed");
    }
    let (job, documents) = approved(&[&hospital.alice, &hospital.bob]);
    assert_eq!(scene.machine.give(&documents).unwrap(), [""; 0]);
    scene.is_prepared(job);
}

/// The vendor's repository, whose roles need two keys each, as whoever has these keys of
/// each role signs it.
struct Vendor<'a> {
    hospital: &'a Hospital,
    second: SigningKey,
}

impl Vendor<'_> {
    fn keys(&self) -> [&SigningKey; 2] {
        [&self.hospital.vendor[1], &self.second]
    }

    fn root(&self, version: u64, signers: &[&SigningKey]) -> Vec<u8> {
        let both = || Holders::of(2, &self.keys());
        let spec = RootSpec {
            version,
            expires: self.hospital.now.plus_ms(DAY_MS),
            consistent_snapshot: true,
            root: Holders::of(2, &[&self.hospital.vendor[0], &self.second]),
            timestamp: both(),
            snapshot: both(),
            targets: both(),
        };
        spec.sign(signers).unwrap()
    }

    fn first_root(&self) -> Vec<u8> {
        self.root(1, &[&self.hospital.vendor[0], &self.second])
    }

    /// An edition that lacks one signature of the role `thin`.
    fn edition(&self, version: u64, thin: &str, work: &super::Work) -> Files {
        let release = &work.approval.releases[0];
        let mut edition = Edition::new(version, now().plus_ms(DAY_MS));
        let target = TargetSpec {
            length: release.length,
            sha256: release.sha256,
            custom: Some(json!({ "patchward": release.release })),
        };
        edition.targets.insert(release.path.clone(), target);
        let both = self.keys();
        let of = |role: &str| if role == thin { &both[..1] } else { &both[..] };
        let keys = EditionKeys {
            timestamp: of("timestamp"),
            snapshot: of("snapshot"),
            targets: of("targets"),
        };
        let mut files = edition.sign(&keys).unwrap();
        files.insert("1.root.json".to_owned(), self.first_root());
        files
    }
}

#[test]
fn one_of_two_keys_of_a_vendors_role_publishes_nothing() {
    let scene = Scene::new();
    let vendor = Vendor {
        hospital: &scene.hospital,
        second: second(),
    };
    let work = scene.work();
    scene.machine.put_artifact(&work.bytes).unwrap();
    let (job, mut documents) = scene.approved(&work);
    let mut charter = scene.hospital.charter();
    charter.vendors[0].root = Digest::of(&vendor.first_root());
    documents.charters = vec![sign(&charter, &[&scene.hospital.root])];
    assert_eq!(scene.machine.give(&documents).unwrap(), [""; 0]);
    let why = "signed by 1 of its keys";
    for (version, thin) in [(1, "timestamp"), (2, "snapshot"), (3, "targets")] {
        scene.put(&vendor.edition(version, thin, &work));
        scene.refuses(job, Step::Vendor, why);
    }
    // A next root by one of two, which would name his own keys.
    for key in [&scene.hospital.vendor[0], &vendor.second] {
        let mut files = vendor.edition(4, "", &work);
        files.insert("2.root.json".to_owned(), vendor.root(2, &[key]));
        scene.put(&files);
        scene.refuses(job, Step::Vendor, why);
    }
    scene.put(&vendor.edition(5, "", &work));
    scene.is_prepared(job);
}
