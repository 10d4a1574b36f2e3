//! The installer, and the supervisors of its steps, killed at every durable change: no
//! job is lost, started twice, or left half done in silence.

use patchward_common::id::JobId;
use patchward_common::job::{Event, State};
use patchward_common::wire::local::{Answer, Documents, Request};
use patchward_integration_tests::fixture::{Hospital, job_of, name};
use patchward_integration_tests::machine::{Machine, archive, now, until};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_killable-installer");
/// More durable changes than any job makes; a run that reaches it never ends.
const MAX_CHANGES: usize = 500;

struct Setting {
    _folder: tempfile::TempDir,
    hospital: Hospital,
    machine: Machine,
    documents: Documents,
    job: JobId,
}

impl Setting {
    /// A pinned machine and one approved release, whose check afterwards says `check`.
    fn new(check: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hospital = Hospital::new(1, now());
        let machine = Machine::new(folder.path(), Path::new(PROGRAM), &hospital.token()).unwrap();
        let archive = archive(&[("viewer", "new")]);
        machine.put_artifact(&archive).unwrap();
        machine.says("works", "ready", check).unwrap();
        let mut release = hospital.release("2.0", 2, &archive);
        release.release.checks_after = vec![name("works")];
        let files = hospital
            .repository(1, std::slice::from_ref(&release))
            .unwrap();
        machine.put_metadata(&name("acme"), &files).unwrap();
        let row = hospital.row(machine.id);
        let approval = hospital.approval(vec![release]);
        let leaf = hospital.leaf(&row);
        let placed = hospital.approve(&approval, &[leaf], &[&hospital.alice]);
        let job = job_of(&placed[0], machine.id);
        let documents = hospital.documents(&row, placed);
        Self {
            _folder: folder,
            hospital,
            machine,
            documents,
            job,
        }
    }

    /// What an agent does next; an error where the installer is gone.
    fn carry_on(&self) -> anyhow::Result<State> {
        self.machine.give(&self.documents)?;
        let state = || -> anyhow::Result<Option<State>> {
            let jobs = self.machine.status()?.jobs;
            Ok(jobs
                .into_iter()
                .find(|one| one.job == self.job)
                .map(|one| one.state))
        };
        let found = state()?.unwrap_or(State::Assigned);
        if found.is_final() || found.is_open() {
            return Ok(found);
        }
        if let Answer::Error(problem) = self.machine.ask(&Request::Prepare(self.job))? {
            anyhow::bail!(problem);
        }
        let ask = self.machine.draw(self.job)?;
        let go = self.hospital.go(&ask, now());
        self.machine.ask(&Request::Start(self.job, go))?;
        Ok(state()?.unwrap_or(State::Assigned))
    }

    /// Goes on, with a new installer whenever it died, until the job has ended and its
    /// record is gone. Says whether it died.
    fn finish(&mut self, kill_at: Option<usize>) -> (State, bool) {
        let mut died = !self.machine.start(kill_at).unwrap();
        let state = until("the job ends", || {
            if !self.machine.is_alive() {
                died = true;
                assert!(self.machine.start(None).unwrap(), "it did not come back");
            }
            self.carry_on().ok().filter(State::is_final)
        })
        .unwrap();
        let record = self.machine.path(&format!("state/jobs/{}/start", self.job));
        until("it is settled", || {
            if !self.machine.is_alive() {
                died = true;
                assert!(self.machine.start(None).unwrap(), "it did not come back");
            }
            (!record.exists()).then_some(())
        })
        .unwrap();
        if !self.machine.is_alive() {
            died = true;
            assert!(self.machine.start(None).unwrap(), "it did not come back");
        }
        (state, died)
    }

    fn current(&self) -> Option<PathBuf> {
        std::fs::read_link(self.machine.path("trees/viewer/current")).ok()
    }

    /// Whatever happened: one start, every step ended once, one measurement, and the
    /// folder as the journal says. Says whether the installer died only now: its last
    /// durable changes come after the job is settled.
    fn check(&mut self, state: &State) -> bool {
        let mut died = false;
        let events = until("the journal is read", || {
            if !self.machine.is_alive() {
                died = true;
                assert!(self.machine.start(None).unwrap(), "it did not come back");
            }
            self.machine.events().ok()
        })
        .unwrap();
        let count = |word: &str| {
            events
                .iter()
                .filter(|event| event.event.word() == word)
                .count()
        };
        assert_eq!(count("started"), 1, "{events:?}");
        assert_eq!(count("measured"), 1, "{events:?}");
        let steps: Vec<&str> = events
            .iter()
            .filter_map(|event| match &event.event {
                Event::StepEnded(end) => Some(end.step.as_str()),
                _ => None,
            })
            .collect();
        let different: BTreeSet<&&str> = steps.iter().collect();
        assert_eq!(
            different.len(),
            steps.len(),
            "a step ended twice: {events:?}"
        );
        let expected = match state {
            State::Verified => Some(PathBuf::from("2.0")),
            State::RolledBack(_) => None,
            other => panic!("it ended as {other:?}: {events:?}"),
        };
        assert_eq!(self.current(), expected, "{events:?}");
        died
    }
}

/// Kills at the 1st, 2nd, 3rd … durable change, until a run needs no more of them.
fn at_every_change(check: &str, expected: &str) {
    for kill_at in 1..MAX_CHANGES {
        let mut setting = Setting::new(check);
        let (state, mut died) = setting.finish(Some(kill_at));
        assert_eq!(state.word(), expected, "killed at change {kill_at}");
        died |= setting.check(&state);
        if !died {
            assert!(
                kill_at > 20,
                "only {kill_at} durable changes: who makes the others?"
            );
            return;
        }
    }
    panic!("more than {MAX_CHANGES} durable changes");
}

#[test]
fn an_install_survives_a_kill_at_every_durable_change() {
    at_every_change("exit 0", "verified");
}

#[test]
fn a_way_back_survives_a_kill_at_every_durable_change() {
    at_every_change("exit 1", "rolled_back");
}

#[test]
fn a_supervisor_that_is_killed_leaves_no_doubt() {
    // Before it wrote that it began, the step is run; between that and its result, how far
    // it came is not known, and the job goes back.
    let mut ends = Vec::new();
    for kill_at in 1..=6 {
        let mut setting = Setting::new("exit 0");
        let order = setting.machine.path("state/kill-step-at");
        std::fs::write(&order, kill_at.to_string()).unwrap();
        let (state, _) = setting.finish(None);
        assert!(!order.exists(), "no supervisor was killed at {kill_at}");
        setting.check(&state);
        ends.push(state.word());
    }
    assert!(
        ends.contains(&"rolled_back") && ends.contains(&"verified"),
        "{ends:?}"
    );
}
