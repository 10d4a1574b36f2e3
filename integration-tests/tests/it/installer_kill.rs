//! The installer, and the supervisors of its steps, killed at every durable change: no
//! job is lost, started twice, or left half done in silence.

mod cases;
mod full;
mod older;
mod said;

use cases::Case;
use patchward_common::id::JobId;
use patchward_common::job::{Event, JobEvent, State};
use patchward_common::wire::local::{Answer, Documents, Request};
use patchward_integration_tests::fixture::{Hospital, job_of, name};
use patchward_integration_tests::machine::{Machine, now, until};
use std::collections::BTreeSet;

const PROGRAM: &str = env!("CARGO_BIN_EXE_killable-installer");
/// More durable changes than any job makes; a run that reaches it never ends.
const MAX_CHANGES: usize = 500;

struct Setting {
    // Dropped first: the process ends before its folder goes.
    machine: Machine,
    _folder: tempfile::TempDir,
    hospital: Hospital,
    documents: Documents,
    job: JobId,
    case: &'static Case,
    /// The boot that the installer runs in, and the how manieth it is.
    boot: String,
    boots: usize,
    kill_at: Option<usize>,
    died: bool,
}

impl Setting {
    /// A pinned machine and one approved release.
    fn new(case: &'static Case) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hospital = Hospital::new(1, now());
        let program = (case.program)(folder.path());
        let mut machine = Machine::new(folder.path(), &program, &hospital.token()).unwrap();
        let release = (case.lay_out)(&mut machine, &hospital);
        let files = hospital
            .repository(1, std::slice::from_ref(&release))
            .unwrap();
        machine.put_metadata(&name("acme"), &files).unwrap();
        let mut row = hospital.row(machine.id);
        row.mode = case.mode;
        let approval = hospital.approval(vec![release]);
        let leaf = hospital.leaf(&row);
        let placed = hospital.approve(&approval, &[leaf], &[&hospital.alice]);
        let job = job_of(&placed[0], machine.id);
        let documents = hospital.documents(&row, placed);
        let mut setting = Self {
            machine,
            _folder: folder,
            hospital,
            documents,
            job,
            case,
            boot: String::new(),
            boots: 1,
            kill_at: None,
            died: false,
        };
        setting.boot = setting.booted();
        if case.is_prepared {
            setting.prepare();
        }
        setting
    }

    fn booted(&self) -> String {
        std::fs::read_to_string(self.machine.path("boot_id")).unwrap()
    }

    /// Goes through steps 1 to 7 in a process that nobody kills.
    fn prepare(&mut self) {
        assert!(self.machine.start(None).unwrap());
        assert_eq!(self.machine.give(&self.documents).unwrap(), [""; 0]);
        let answer = self.machine.ask(&Request::Prepare(self.job)).unwrap();
        assert!(matches!(answer, Answer::Prepared), "{answer:?}");
        self.machine.kill().unwrap();
    }

    fn state(&self) -> anyhow::Result<State> {
        let mut jobs = self.machine.status()?.jobs.into_iter();
        let found = jobs.find(|one| one.job == self.job);
        Ok(found.map_or(State::Assigned, |one| one.state))
    }

    /// Whether nothing more comes of the job.
    fn is_over(state: &State) -> bool {
        let rehearsed =
            |state: &State| matches!(state, State::Deferred(why) if why.text.contains("rehearsed"));
        state.is_final() || rehearsed(state)
    }

    /// What an agent does next; an error where the installer is gone.
    fn carry_on(&self) -> anyhow::Result<State> {
        self.machine.give(&self.documents)?;
        let found = self.state()?;
        if found == State::RebootPending {
            // The user went home.
            std::fs::write(self.machine.path("free"), "")?;
            let go = self.hospital.go(&self.machine.draw(self.job)?, now());
            self.machine.ask(&Request::Reboot(self.job, go))?;
        }
        if Self::is_over(&found) || found.is_open() {
            return Ok(found);
        }
        if let Answer::Error(problem) = self.machine.ask(&Request::Prepare(self.job))? {
            anyhow::bail!(problem);
        }
        let go = self.hospital.go(&self.machine.draw(self.job)?, now());
        if let Answer::Error(problem) = self.machine.ask(&Request::Start(self.job, go))? {
            anyhow::bail!(problem);
        }
        self.state()
    }

    /// A new installer where it died, and where the machine restarted meanwhile.
    fn revive(&mut self) {
        let boot = self.booted();
        if boot != self.boot {
            (self.boot, self.boots) = (boot, self.boots + 1);
            let kill_at = self.kill_at.filter(|_| self.boots == self.case.boot);
            self.died |= !self.machine.start(kill_at).unwrap();
        }
        if !self.machine.is_alive() {
            self.died = true;
            // One that died between a fork and its exec leaves its lock for a moment to the
            // child; systemd starts the next one again as well.
            let comes = || self.machine.start(None).ok().filter(|came| *came);
            until("it comes back", comes).unwrap();
        }
    }

    /// Starts the installer and goes on until the job has ended and its record is gone.
    fn finish(&mut self, kill_at: Option<usize>) -> State {
        self.kill_at = kill_at;
        let kill_at = kill_at.filter(|_| self.case.boot == 1);
        self.died = !self.machine.start(kill_at).unwrap();
        self.until_settled()
    }

    fn until_settled(&mut self) -> State {
        let state = until("the job ends", || {
            self.revive();
            self.carry_on().ok().filter(Self::is_over)
        })
        .unwrap();
        let record = self.machine.path(&format!("state/jobs/{}/start", self.job));
        until("it is settled", || {
            self.revive();
            (!record.exists()).then_some(())
        })
        .unwrap();
        self.revive();
        state
    }

    /// Whatever happened: one start, every step ended once, one measurement, nothing told
    /// twice, and what is installed is as the journal says.
    fn check(&mut self, state: &State) {
        let events = until("the journal is read", || {
            // Its last durable changes come after the job is settled.
            self.revive();
            self.machine.events().ok()
        })
        .unwrap();
        let runs = usize::from(state.is_final());
        for (word, times) in [
            ("started", runs),
            ("measured", runs),
            ("would_have_started", 1 - runs),
        ] {
            let told = events.iter().filter(|event| event.event.word() == word);
            assert_eq!(told.count(), times, "{word}: {events:?}");
        }
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
        let told_again = |pair: &[JobEvent]| pair[0].event == pair[1].event;
        assert!(!events.windows(2).any(told_again), "{events:?}");
        let found = (self.case.found)(&self.machine);
        let expected = match state {
            State::Verified => self.case.after,
            State::RolledBack(_) | State::Deferred(_) => self.case.before,
            other => panic!("it ended as {other:?}: {events:?}"),
        };
        assert_eq!(found, expected, "{events:?}");
    }
}

/// Kills at the 1st, 2nd, 3rd … durable change, until a run needs no more of them.
fn at_every_change(case: &'static Case) {
    for kill_at in 1..MAX_CHANGES {
        let mut setting = Setting::new(case);
        let state = setting.finish(Some(kill_at));
        assert_eq!(state.word(), case.ends, "killed at change {kill_at}");
        setting.check(&state);
        if !setting.died {
            assert!(
                kill_at > case.least_changes,
                "only {kill_at} durable changes: who makes the others?"
            );
            return;
        }
    }
    panic!("more than {MAX_CHANGES} durable changes");
}

/// Kills a supervisor at the 1st, 2nd, 3rd … change of them all, until none is left to kill.
/// Before it wrote that it began, the step is run; between that and its result, how far it
/// came is not known, and the job goes back.
fn at_every_change_of_a_supervisor(case: &'static Case, steps: usize) {
    let mut ends = Vec::new();
    for kill_at in 1..MAX_CHANGES {
        let mut setting = Setting::new(case);
        let order = setting.machine.path("state/kill-step-at");
        std::fs::write(&order, kill_at.to_string()).unwrap();
        let state = setting.finish(None);
        setting.check(&state);
        if order.exists() {
            assert!(kill_at > 6 * steps, "only {kill_at} changes");
            break;
        }
        ends.push(state.word());
    }
    assert!(
        ends.contains(&"rolled_back") && ends.contains(&"verified"),
        "{ends:?}"
    );
}

#[test]
fn an_install_survives_a_kill_at_every_durable_change() {
    at_every_change(&cases::TREE);
}

#[test]
fn a_way_back_survives_a_kill_at_every_durable_change() {
    at_every_change(&cases::TREE_THAT_FAILS);
}

#[test]
fn a_staged_way_back_survives_a_kill_at_every_durable_change() {
    at_every_change(&cases::STAGED_WAY_BACK);
}

#[test]
fn a_job_that_restarts_survives_a_kill_at_every_change_before_the_restart() {
    at_every_change(&cases::BEFORE_THE_RESTART);
}

#[test]
fn a_job_that_restarts_survives_a_kill_at_every_change_after_the_restart() {
    at_every_change(&cases::AFTER_THE_RESTART);
}

#[test]
fn packages_survive_a_kill_at_every_durable_change() {
    at_every_change(&cases::PACKAGES);
}

/// Whoever is killed before the package is unpacked goes on as the same program; afterwards
/// its successor does, from the records of the one before it.
#[test]
fn a_job_of_one_installer_is_finished_by_the_next_at_every_durable_change() {
    at_every_change(&cases::ITSELF);
}

#[test]
fn a_recipe_survives_a_kill_at_every_durable_change() {
    at_every_change(&cases::RECIPE);
}

#[test]
fn a_rehearsal_survives_a_kill_at_every_durable_change() {
    at_every_change(&cases::REHEARSAL);
}

#[test]
fn a_supervisor_that_is_killed_leaves_no_doubt() {
    at_every_change_of_a_supervisor(&cases::TREE, 2);
}

#[test]
fn a_supervisor_of_dpkg_that_is_killed_leaves_no_doubt() {
    at_every_change_of_a_supervisor(&cases::PACKAGES, 2);
}
