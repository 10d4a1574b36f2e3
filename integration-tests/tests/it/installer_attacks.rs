//! The rows of trust.md's table of attacks at the installer's socket: whoever owns the
//! agent, the network and the collector brings these papers and files. Each shows the
//! step that refuses, and that nothing ran.

mod authority;
mod stolen;
mod vendor;

use patchward_common::id::JobId;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::approval::{Approval, ApprovedRelease, PlanLeaf};
use patchward_common::trust::assignment::AssignmentLeaf;
use patchward_common::trust::check::Step;
use patchward_common::trust::tuf_author::{Edition, EditionKeys, Files, TargetSpec};
use patchward_common::wire::local::{Answer, Documents, Request};
use patchward_common::wire::token::EnrolmentToken;
use patchward_integration_tests::fixture::{Hospital, job_of, name};
use patchward_integration_tests::machine::{Machine, archive, now};
use serde_json::json;
use std::path::Path;

struct Scene {
    // Dropped first: the process ends before its folder goes.
    machine: Machine,
    hospital: Hospital,
    _folder: tempfile::TempDir,
}

/// Work that HTM approved, and everything that it takes.
struct Work {
    row: AssignmentLeaf,
    leaf: PlanLeaf,
    approval: Approval,
    bytes: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        Self::at(now())
    }

    /// A hospital whose documents were written at `written`.
    fn at(written: UtcMs) -> Self {
        let hospital = Hospital::new(1, written);
        let token = hospital.token();
        Self::pinned(hospital, &token)
    }

    /// A machine of a hospital, pinned by a token.
    fn pinned(hospital: Hospital, token: &EnrolmentToken) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_killable-installer"));
        let mut machine = Machine::new(folder.path(), program, token).unwrap();
        assert!(machine.start(None).unwrap());
        Self {
            machine,
            hospital,
            _folder: folder,
        }
    }

    fn work(&self) -> Work {
        let bytes = archive(&[("viewer", "1.0")]);
        let row = self.hospital.row(self.machine.id);
        let release = self.hospital.release("1.0", 1, &bytes);
        Work {
            leaf: self.hospital.leaf(&row),
            approval: self.hospital.approval(vec![release]),
            row,
            bytes,
        }
    }

    /// Approves work by alice, and brings all of it to the machine.
    fn bring(&self, work: &Work) -> JobId {
        self.bring_edition(1, work)
    }

    fn bring_edition(&self, version: u64, work: &Work) -> JobId {
        let release = &work.approval.releases[0];
        // The same bytes, whichever second they are brought in.
        let expires = self.hospital.now.plus_ms(DAY_MS);
        self.put(&self.edition(version, expires, release));
        self.machine.put_artifact(&work.bytes).unwrap();
        let (job, documents) = self.approved(work);
        assert_eq!(self.machine.give(&documents).unwrap(), [""; 0]);
        job
    }

    fn approved(&self, work: &Work) -> (JobId, Documents) {
        let alice = [&self.hospital.alice];
        let leaves = [work.leaf.clone()];
        let placed = self.hospital.approve(&work.approval, &leaves, &alice);
        let job = job_of(&placed[0], self.machine.id);
        (job, self.hospital.documents(&work.row, placed))
    }

    /// The vendor's repository with one release.
    fn edition(&self, version: u64, expires: UtcMs, release: &ApprovedRelease) -> Files {
        let mut edition = Edition::new(version, expires);
        let target = TargetSpec {
            length: release.length,
            sha256: release.sha256,
            custom: Some(json!({ "patchward": release.release })),
        };
        edition.targets.insert(release.path.clone(), target);
        let below = [&self.hospital.vendor[1]];
        let keys = EditionKeys {
            timestamp: &below,
            snapshot: &below,
            targets: &below,
        };
        let mut files = edition.sign(&keys).unwrap();
        files.insert("1.root.json".to_owned(), self.hospital.vendor_root());
        files
    }

    fn put(&self, files: &Files) {
        let folder = self.machine.path("agent/metadata/acme");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        self.machine.put_metadata(&name("acme"), files).unwrap();
    }

    fn prepare(&self, job: JobId) -> Answer {
        self.machine.ask(&Request::Prepare(job)).unwrap()
    }

    /// Asserts that a step refuses to prepare and to start, that its words say why, and
    /// that nothing ran.
    #[track_caller]
    fn refuses(&self, job: JobId, step: Step, why: &str) {
        let go = self.hospital.go(&self.machine.draw(job).unwrap(), now());
        let start = self.machine.ask(&Request::Start(job, go)).unwrap();
        for answer in [self.prepare(job), start] {
            match &answer {
                Answer::Refused(reason)
                    if reason.step == Some(step) && reason.text.contains(why) => {}
                _ => panic!("{why:?} at {step:?} was expected, and came {answer:?}"),
            }
        }
        self.untouched();
    }

    /// Asserts that documents are refused for this reason, and are not kept either.
    #[track_caller]
    fn does_not_take(&self, job: JobId, documents: &Documents, why: &str) {
        let refused = self.machine.give(documents).unwrap();
        let found = refused.iter().any(|reason| reason.contains(why));
        assert!(found, "{why:?} was expected, and came {refused:?}");
        let answer = self.prepare(job);
        let is_unknown = matches!(&answer, Answer::Error(text) if text.contains("no approval"));
        assert!(is_unknown, "{answer:?}");
        self.untouched();
    }

    #[track_caller]
    fn untouched(&self) {
        let trees = std::fs::read_dir(self.machine.path("trees")).unwrap();
        assert_eq!(trees.count(), 0, "something was installed");
    }

    /// Asserts that the same work is accepted once nobody attacks.
    #[track_caller]
    fn is_prepared(&self, job: JobId) {
        let answer = self.prepare(job);
        assert!(matches!(answer, Answer::Prepared), "{answer:?}");
    }
}
