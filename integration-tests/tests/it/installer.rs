//! The installer as a process, over its socket: the whole way, refusals on it, and a
//! kill at every durable change.

use patchward_common::id::{BootId, JobId, MachineId};
use patchward_common::job::{Event, State, Verdict};
use patchward_common::time::{HOUR_MS, MINUTE_MS};
use patchward_common::trust::approval::{Approval, ApprovedRelease};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::check::Step;
use patchward_common::trust::release::Reboot;
use patchward_common::wire::local::{Answer, Hold, Placed, Request};
use patchward_integration_tests::fixture::{Hospital, job_of, name};
use patchward_integration_tests::machine::{Machine, archive, now, until};
use std::path::{Path, PathBuf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_killable-installer");

/// A hospital and one of its machines, with version 1.0 of a viewer installed.
struct Setting {
    folder: tempfile::TempDir,
    hospital: Hospital,
    machine: Machine,
}

/// One job, ready to be prepared.
struct Work {
    job: JobId,
    placed: Placed<Approval>,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hospital = Hospital::new(1, now());
        let program = Path::new(PROGRAM);
        let machine = Machine::new(folder.path(), program, &hospital.token()).unwrap();
        Self {
            folder,
            hospital,
            machine,
        }
    }

    fn running() -> Self {
        let mut setting = Self::new();
        assert!(setting.machine.start(None).unwrap());
        setting
    }

    fn id(&self) -> MachineId {
        self.machine.id
    }

    fn release(&self, version: &str, counter: u64) -> ApprovedRelease {
        let archive = viewer(version);
        self.machine.put_artifact(&archive).unwrap();
        self.hospital.release(version, counter, &archive)
    }

    /// Approves releases for this machine and hands over all that belongs to it.
    fn approve(&self, edition: u64, releases: Vec<ApprovedRelease>) -> Work {
        let row = self.hospital.row(self.id());
        let approval = self.hospital.approval(releases);
        let leaf = self.hospital.leaf(&row);
        let mut placed = self
            .hospital
            .approve(&approval, &[leaf], &[&self.hospital.alice]);
        let placed = placed.pop().unwrap();
        let files = self
            .hospital
            .repository(edition, &approval.releases)
            .unwrap();
        self.machine.put_metadata(&name("acme"), &files).unwrap();
        let documents = self.hospital.documents(&row, vec![placed.clone()]);
        assert_eq!(self.machine.give(&documents).unwrap(), [""; 0]);
        Work {
            job: job_of(&placed, self.id()),
            placed,
        }
    }

    fn go(&self, job: JobId) -> Answer {
        let ask = self.machine.draw(job).unwrap();
        let go = self.hospital.go(&ask, now());
        self.machine.ask(&Request::Start(job, go)).unwrap()
    }

    /// Prepares and starts a job, and waits for its end.
    fn install(&self, work: &Work) -> State {
        let prepared = self.machine.ask(&Request::Prepare(work.job)).unwrap();
        assert!(matches!(prepared, Answer::Prepared), "{prepared:?}");
        let started = self.go(work.job);
        assert!(matches!(started, Answer::Started), "{started:?}");
        self.machine.wait_for(work.job, State::is_final).unwrap()
    }

    fn current(&self) -> Option<PathBuf> {
        std::fs::read_link(self.folder.path().join("trees/viewer/current")).ok()
    }
}

fn viewer(version: &str) -> Vec<u8> {
    archive(&[
        ("bin/viewer", &format!("#!/bin/sh\necho {version}\n")),
        ("data/a", version),
    ])
}

fn refused_at(answer: &Answer) -> Option<Step> {
    match answer {
        Answer::Refused(reason) => reason.step,
        _ => None,
    }
}

#[test]
fn a_tree_goes_the_whole_way_to_verified() {
    let setting = Setting::running();
    let work = setting.approve(1, vec![setting.release("1.0", 1)]);
    assert_eq!(setting.install(&work), State::Verified);
    assert_eq!(setting.current(), Some("1.0".into()));
    let words = setting.machine.words(work.job).unwrap();
    assert_eq!(
        words,
        [
            "prepared",
            "started",
            "step_ended",
            "step_ended",
            "measured"
        ]
    );
    // The job's folder is gone, its evidence is not.
    let jobs = setting.folder.path().join("state/jobs");
    until("the folder is gone", || {
        std::fs::read_dir(&jobs)
            .unwrap()
            .next()
            .is_none()
            .then_some(())
    })
    .unwrap();
    let again = setting.machine.ask(&Request::Prepare(work.job)).unwrap();
    assert!(
        matches!(&again, Answer::Error(text) if text.contains("ended")),
        "{again:?}"
    );
    let next = setting.approve(2, vec![setting.release("2.0", 2)]);
    assert_eq!(setting.install(&next), State::Verified);
    assert_eq!(setting.current(), Some("2.0".into()));
    let explained = setting
        .machine
        .command(&["explain", &next.job.to_string()])
        .unwrap();
    assert!(explained.contains("is verified"), "{explained}");
}

#[test]
fn a_check_that_fails_goes_back_and_quarantines() {
    let setting = Setting::running();
    let good = setting.approve(1, vec![setting.release("1.0", 1)]);
    assert_eq!(setting.install(&good), State::Verified);
    let mut release = setting.release("2.0", 2);
    release.release.checks_after = vec![name("works")];
    setting.machine.says("works", "ready", "exit 1").unwrap();
    let bad = setting.approve(2, vec![release.clone()]);
    let state = setting.install(&bad);
    assert!(
        matches!(&state, State::RolledBack(why) if why.text.contains("works")),
        "{state:?}"
    );
    assert_eq!(setting.current(), Some("1.0".into()));
    // The same bytes in another plan do not start here.
    release.install_minutes += 1;
    let again = setting.approve(3, vec![release]);
    let answer = until("it is settled", || {
        let answer = setting.machine.ask(&Request::Prepare(again.job)).unwrap();
        (!matches!(answer, Answer::Error(_))).then_some(answer)
    });
    assert_eq!(refused_at(&answer.unwrap()), Some(Step::Applicability));
}

#[test]
fn nothing_starts_in_use_held_stopped_or_with_another_go() {
    let setting = Setting::running();
    let machine = &setting.machine;
    let work = setting.approve(1, vec![setting.release("1.0", 1)]);
    machine
        .says("interlock", "interlock", "echo in_use")
        .unwrap();
    assert_eq!(refused_at(&setting.go(work.job)), Some(Step::Interlock));
    machine.says("interlock", "interlock", "exit 1").unwrap();
    assert_eq!(refused_at(&setting.go(work.job)), Some(Step::Interlock));
    machine.says("interlock", "interlock", "echo idle").unwrap();
    let until = now().plus_ms(HOUR_MS);
    let hold = Hold {
        until,
        reason: name("procedure"),
    };
    machine.ask(&Request::Hold(hold)).unwrap();
    assert_eq!(refused_at(&setting.go(work.job)), Some(Step::HoldAndStop));
    machine.command(&["end-hold"]).unwrap();
    machine.command(&["stop"]).unwrap();
    assert_eq!(refused_at(&setting.go(work.job)), Some(Step::Approval));
    machine.command(&["end-stops"]).unwrap();
    let ask = machine.draw(work.job).unwrap();
    let late = setting.hospital.go(&ask, now().plus_ms(-3 * MINUTE_MS));
    let answer = machine.ask(&Request::Start(work.job, late)).unwrap();
    assert_eq!(refused_at(&answer), Some(Step::Time));
    let ask = machine.draw(work.job).unwrap();
    let replayed = setting.hospital.go(&ask, now());
    machine.draw(work.job).unwrap();
    let answer = machine.ask(&Request::Start(work.job, replayed)).unwrap();
    assert_eq!(refused_at(&answer), Some(Step::Go));
    // What was refused says which nonce it used up.
    let events = setting.machine.events().unwrap();
    let nonces = events.iter().filter_map(|event| match &event.event {
        Event::Refused(refused) => Some((refused.reason.step, refused.nonce.is_some())),
        _ => None,
    });
    let nonces: Vec<_> = nonces.collect();
    assert!(
        nonces.contains(&(Some(Step::Interlock), true)),
        "{nonces:?}"
    );
    assert!(nonces.contains(&(Some(Step::Go), true)), "{nonces:?}");
    let again = setting.hospital.go(&ask, now());
    let answer = machine.ask(&Request::Start(work.job, again)).unwrap();
    assert!(
        matches!(answer, Answer::Error(_)),
        "a nonce answers once: {answer:?}"
    );
    assert_eq!(setting.current(), None, "nothing ran");
    assert_eq!(setting.install(&work), State::Verified);
}

#[test]
fn rehearse_goes_all_the_way_but_installs_nothing() {
    let setting = Setting::running();
    let work = setting.approve(1, vec![setting.release("1.0", 1)]);
    let mut row = setting.hospital.row(setting.id());
    for (number, mode) in [(2, Mode::Observe), (3, Mode::Rehearse)] {
        row.mode = mode;
        let mut documents = setting.hospital.documents(&row, vec![work.placed.clone()]);
        documents.assignment = setting.hospital.assignment(number, &[row.clone()]).pop();
        assert_eq!(setting.machine.give(&documents).unwrap(), [""; 0]);
        let answer = setting.go(work.job);
        match mode {
            Mode::Observe => assert_eq!(refused_at(&answer), Some(Step::Assignment)),
            _ => assert!(matches!(answer, Answer::Done), "{answer:?}"),
        }
    }
    let words = || setting.machine.words(work.job).unwrap();
    assert_eq!(words(), ["refused", "would_have_started"]);
    assert_eq!(setting.current(), None);
    // Once in a slot: no nonce is drawn, so no go is asked for, and the slot is not offered.
    let answer = setting.machine.ask(&Request::Nonce(work.job)).unwrap();
    assert!(matches!(answer, Answer::Error(_)), "{answer:?}");
    let slots = || {
        let status = setting.machine.status().unwrap();
        status.jobs.first().map_or(0, |job| job.slots.len())
    };
    assert_eq!(slots(), 0);
    assert_eq!(words(), ["refused", "would_have_started"]);
    // Once HTM signs `active`, the slot counts again.
    row.mode = Mode::Active;
    let mut documents = setting.hospital.documents(&row, vec![work.placed.clone()]);
    documents.assignment = setting.hospital.assignment(4, &[row]).pop();
    assert_eq!(setting.machine.give(&documents).unwrap(), [""; 0]);
    assert_eq!(slots(), 1);
    assert_eq!(setting.install(&work), State::Verified);
}

#[test]
fn a_restart_is_waited_for_and_measured_in_the_next_boot() {
    let mut setting = Setting::running();
    let mut release = setting.release("1.0", 1);
    release.release.reboot = Reboot::Machine;
    let work = setting.approve(1, vec![release]);
    setting.machine.next_boot(BootId([2; 16])).unwrap();
    // It becomes busy between the switch and the restart.
    let flag = setting.folder.path().join("trees/viewer/current");
    let script = format!("test -e {} && echo in_use || echo idle", flag.display());
    setting
        .machine
        .says("interlock", "interlock", &script)
        .unwrap();
    assert!(matches!(setting.go(work.job), Answer::Started));
    let waits = |state: &State| *state == State::RebootPending;
    setting.machine.wait_for(work.job, waits).unwrap();
    // A restart of the installer alone changes nothing.
    setting.machine.start(None).unwrap();
    setting.machine.wait_for(work.job, waits).unwrap();
    setting
        .machine
        .says("interlock", "interlock", "echo idle")
        .unwrap();
    let ask = setting.machine.draw(work.job).unwrap();
    let go = setting.hospital.go(&ask, now());
    let answer = setting.machine.ask(&Request::Reboot(work.job, go)).unwrap();
    assert!(matches!(answer, Answer::Started), "{answer:?}");
    let boot = setting.folder.path().join("boot_id");
    until("it restarts", || {
        std::fs::read_to_string(&boot)
            .ok()?
            .starts_with("02")
            .then_some(())
    })
    .unwrap();
    setting.machine.start(None).unwrap();
    assert_eq!(
        setting.machine.wait_for(work.job, State::is_final).unwrap(),
        State::Verified
    );
    let events = setting.machine.events().unwrap();
    let Some(Event::Measured(measured)) = events.last().map(|event| &event.event) else {
        panic!("{events:?}");
    };
    assert_eq!(
        (measured.boot, &measured.verdict),
        (BootId([2; 16]), &Verdict::Verified)
    );
}

#[test]
fn an_unpinned_machine_and_a_lost_watermark_refuse_everything() {
    let mut setting = Setting::new();
    for copy in ["watermark.a", "watermark.b"] {
        std::fs::remove_file(setting.folder.path().join("state").join(copy)).unwrap();
    }
    setting.machine.start(None).unwrap();
    for request in [
        Request::Identity,
        Request::Status,
        Request::Nonce(JobId([1; 16])),
    ] {
        let answer = setting.machine.ask(&request).unwrap();
        assert!(matches!(&answer, Answer::Error(text) if text.contains("enrol it anew")));
    }
    setting.machine.kill().unwrap();
    std::fs::remove_dir_all(setting.folder.path().join("state")).unwrap();
    setting.machine.start(None).unwrap();
    let answer = setting.machine.ask(&Request::Identity).unwrap();
    assert!(
        matches!(&answer, Answer::Error(text) if text.contains("pin TOKEN")),
        "{answer:?}"
    );
}
