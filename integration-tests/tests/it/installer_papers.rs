//! Documents that carefully allow, through the installer's socket: a downgrade, a
//! handover, a time reset. Keys that follow one another. And a hold, whose reason is from a list.

use patchward_common::id::{JobId, MachineId};
use patchward_common::job::State;
use patchward_common::time::{DAY_MS, HOUR_MS, UtcMs};
use patchward_common::trust::charter::{Charter, TimeReset};
use patchward_common::trust::check::Step;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::stop::{Downgrade, Handover};
use patchward_common::wire::local::{Answer, Documents, Hold, Request};
use patchward_integration_tests::fixture::{Hospital, interval, job_of, label, name, sign};
use patchward_integration_tests::machine::{Machine, archive, now, until};
use std::path::Path;

struct Setting {
    _folder: tempfile::TempDir,
    hospital: Hospital,
    machine: Machine,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hospital = Hospital::new(1, now());
        let program = Path::new(env!("CARGO_BIN_EXE_killable-installer"));
        let mut machine = Machine::new(folder.path(), program, &hospital.token()).unwrap();
        assert!(machine.start(None).unwrap());
        Self {
            _folder: folder,
            hospital,
            machine,
        }
    }

    /// Approves the viewer of a version, with everything that it needs at hand.
    fn approve(&self, edition: u64, version: &str, counter: u64) -> (JobId, Documents) {
        let bytes = archive(&[("viewer", version)]);
        let mut release = self.hospital.release(version, counter, &bytes);
        // Another edition is another approval, also of the same release.
        release.install_minutes += u32::try_from(edition).unwrap();
        let approval = self.hospital.approval(vec![release]);
        let files = self.hospital.repository(edition, &approval.releases);
        self.machine
            .put_metadata(&name("acme"), &files.unwrap())
            .unwrap();
        self.machine.put_artifact(&bytes).unwrap();
        let row = self.hospital.row(self.machine.id);
        let leaf = self.hospital.leaf(&row);
        let alice = [&self.hospital.alice];
        let placed = self.hospital.approve(&approval, &[leaf], &alice);
        let job = job_of(&placed[0], self.machine.id);
        let documents = self.hospital.documents(&row, placed);
        assert_eq!(self.machine.give(&documents).unwrap(), [""; 0]);
        (job, documents)
    }

    fn start(&self, job: JobId) -> Answer {
        // The job before it may just be settling.
        until("no job is under way", || {
            let go = self.hospital.go(&self.machine.draw(job).ok()?, now());
            let answer = self.machine.ask(&Request::Start(job, go)).ok()?;
            let waits = matches!(&answer, Answer::Error(text) if text.contains("under way"));
            (!waits).then_some(answer)
        })
        .unwrap()
    }

    fn install(&self, job: JobId) {
        let answer = self.start(job);
        assert!(matches!(answer, Answer::Started), "{answer:?}");
        let state = self.machine.wait_for(job, State::is_final).unwrap();
        assert_eq!(state, State::Verified);
    }
}

#[track_caller]
fn refused_at(answer: &Answer, step: Step) {
    assert!(
        matches!(answer, Answer::Refused(reason) if reason.step == Some(step)),
        "{answer:?}"
    );
}

#[test]
fn a_signed_downgrade_passes_the_counter_once() {
    let setting = Setting::new();
    let hospital = &setting.hospital;
    setting.install(setting.approve(1, "2.0", 2).0);
    let (back, mut documents) = setting.approve(2, "1.0", 1);
    refused_at(&setting.start(back), Step::Applicability);
    let downgrade = Downgrade {
        machines: vec![setting.machine.id],
        product: name("viewer"),
        from: "2.0".into(),
        to: "1.0".into(),
        reason: label("the pictures are dark"),
        issued: now(),
        expires: now().plus_ms(DAY_MS),
    };
    let other = Downgrade {
        machines: vec![MachineId([9; 32])],
        ..downgrade.clone()
    };
    let both = [&hospital.alice, &hospital.bob];
    for (what, signed) in [
        ("signed by one", sign(&downgrade, &[&hospital.alice])),
        ("of another machine", sign(&other, &both)),
    ] {
        documents.downgrades = vec![signed];
        setting.machine.give(&documents).unwrap();
        let answer = setting.start(back);
        assert!(!matches!(answer, Answer::Started), "{what}");
        refused_at(&answer, Step::Applicability);
    }
    documents.downgrades = vec![sign(&downgrade, &both)];
    setting.machine.give(&documents).unwrap();
    setting.install(back);
    setting.install(setting.approve(3, "2.0", 2).0);
    let (again, _) = setting.approve(4, "1.0", 1);
    refused_at(&setting.start(again), Step::Applicability);
}

#[test]
fn a_signed_handover_is_for_one_machine_job_and_slot() {
    let setting = Setting::new();
    let hospital = &setting.hospital;
    let profile = "kind = \"handover\"\npurpose = \"interlock\"\n";
    setting
        .machine
        .write("probes.d/interlock.toml", profile)
        .unwrap();
    let (job, mut documents) = setting.approve(1, "1.0", 1);
    let row = hospital.row(setting.machine.id);
    let good = Handover {
        machine: setting.machine.id,
        job,
        slot: hospital.leaf(&row).slots[0],
        stand_in: label("Station 8"),
        issued: now(),
    };
    let bad = [
        Handover {
            machine: MachineId([9; 32]),
            ..good.clone()
        },
        Handover {
            job: JobId([9; 16]),
            ..good.clone()
        },
        Handover {
            slot: interval(UtcMs(0), UtcMs(i64::MAX)),
            ..good.clone()
        },
    ];
    documents.handovers = bad.iter().map(|one| sign(one, &[&hospital.tom])).collect();
    // Carol answers for another unit.
    documents.handovers.push(sign(&good, &[&hospital.carol]));
    setting.machine.give(&documents).unwrap();
    refused_at(&setting.start(job), Step::Interlock);
    documents.handovers = vec![sign(&good, &[&hospital.tom])];
    setting.machine.give(&documents).unwrap();
    setting.install(job);
}

#[test]
fn a_time_reset_lets_the_time_fall_once_here() {
    let setting = Setting::new();
    let hospital = &setting.hospital;
    let (job, mut documents) = setting.approve(1, "1.0", 1);
    let in_use = "echo in_use";
    let machine = &setting.machine;
    machine.says("interlock", "interlock", in_use).unwrap();
    // The go raises the time, although nothing starts.
    refused_at(&setting.start(job), Step::Interlock);
    let raised = setting.machine.status().unwrap().watermark;
    let reset = TimeReset {
        machine: setting.machine.id,
        to: now().plus_ms(-DAY_MS),
        issued: now(),
    };
    let other = TimeReset {
        machine: MachineId([9; 32]),
        ..reset.clone()
    };
    let mut give = |signed| {
        documents.time_resets = vec![signed];
        setting.machine.give(&documents).unwrap()
    };
    for (signed, why) in [
        (
            sign(&other, &[&hospital.root]),
            "does not name this machine",
        ),
        (sign(&reset, &[&hospital.registrar]), "not signed"),
    ] {
        let refused = give(signed);
        assert!(
            refused.len() == 1 && refused[0].contains(why),
            "{refused:?}"
        );
        assert_eq!(setting.machine.status().unwrap().watermark, raised);
    }
    let signed = sign(&reset, &[&hospital.root]);
    assert_eq!(give(signed.clone()), [""; 0]);
    let fallen = setting.machine.status().unwrap().watermark;
    assert_ne!(fallen, raised);
    let refused = give(signed);
    assert!(
        refused.len() == 1 && refused[0].starts_with("time reset"),
        "{refused:?}"
    );
    assert_eq!(setting.machine.status().unwrap().watermark, fallen);
}

/// The same hospital once its root, its registrar and its go-key were replaced: people, vendors and
/// machines stay.
fn rotated(hospital: &Hospital) -> (Hospital, Charter, Roster) {
    let other = Hospital::new(2, hospital.now);
    let next = Hospital {
        root: other.root,
        registrar: other.registrar,
        go_key: other.go_key,
        ..hospital.clone()
    };
    let (mut charter, mut roster) = (next.charter(), next.roster());
    (charter.number, roster.number) = (2, 2);
    (next, charter, roster)
}

/// Root, registrar and go-key follow one another on the machine itself: what the old ones sign
/// then counts no more, and it installs by the new ones alone.
#[test]
fn root_registrar_and_go_key_are_replaced_and_the_machine_installs_by_the_new_ones() {
    let mut setting = Setting::new();
    setting.install(setting.approve(1, "1.0", 1).0);
    let (job, mut documents) = setting.approve(2, "2.0", 2);
    let old = setting.hospital.clone();
    let (next, mut charter, roster) = rotated(&old);
    let first = sign(&old.charter(), &[&old.root]);
    let numbers = |setting: &Setting| {
        let (charter, roster, _) = setting.machine.status().unwrap().numbers;
        (charter, roster)
    };
    // Either root alone says nothing.
    for alone in [&old.root, &next.root] {
        documents.charters = vec![first.clone(), sign(&charter, &[alone])];
        assert_ne!(setting.machine.give(&documents).unwrap(), [""; 0]);
        assert_eq!(numbers(&setting), (1, 1));
    }
    // The registrar who left signs nothing any more, and what they signed counts no more.
    let second = sign(&charter, &[&old.root, &next.root]);
    documents.charters = vec![first.clone(), second.clone()];
    documents.roster = Some(sign(&roster, &[&old.registrar]));
    assert_ne!(setting.machine.give(&documents).unwrap(), [""; 0]);
    assert_eq!(numbers(&setting), (2, 1));
    refused_at(&setting.start(job), Step::Roster);
    documents.roster = Some(sign(&roster, &[&next.registrar]));
    assert_eq!(setting.machine.give(&documents).unwrap(), [""; 0]);
    assert_eq!(numbers(&setting), (2, 2));
    // A go by the key that no roster names any more.
    refused_at(&setting.start(job), Step::Go);
    setting.hospital = next;
    setting.install(job);
    // From then on the new root writes charters alone, and the old one none.
    charter.number = 3;
    for (key, counts) in [(&old.root, 2), (&setting.hospital.root, 3)] {
        documents.charters = vec![first.clone(), second.clone(), sign(&charter, &[key])];
        let refused = setting.machine.give(&documents).unwrap();
        assert_eq!(refused.is_empty(), counts == 3, "{refused:?}");
        assert_eq!(numbers(&setting), (counts, 2));
    }
}

#[test]
fn a_hold_has_one_of_the_listed_reasons() {
    let setting = Setting::new();
    let hold = |reason| {
        let until = now().plus_ms(HOUR_MS);
        let reason = name(reason);
        setting.machine.ask(&Request::Hold(Hold { until, reason }))
    };
    let answer = hold("mr-smith").unwrap();
    assert!(
        matches!(&answer, Answer::Error(text) if text.contains("patient_waiting")),
        "{answer:?}"
    );
    assert_eq!(setting.machine.status().unwrap().hold, None);
    for reason in ["rounds", "clinic"] {
        assert!(matches!(hold(reason).unwrap(), Answer::Done), "{reason}");
    }
}
