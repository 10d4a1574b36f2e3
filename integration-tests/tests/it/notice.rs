//! What people at a machine are told, and what they say: the installer's file for everybody,
//! logins that are refused, "not now" on its way to interlock and collector.

mod consoles;
mod desktop;
mod foreseen;
mod heard;

use patchward_common::codec;
use patchward_common::id::JobId;
use patchward_common::job::State;
use patchward_common::notice::{Found, MAX_SCREEN_BYTES, Screen, Stage};
use patchward_common::time::{HOUR_MS, MINUTE_MS};
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::check::Step;
use patchward_common::trust::release::Reboot;
use patchward_common::wire::local::{Answer, Request};
use patchward_integration_tests::fixture::{Hospital, job_of, name};
use patchward_integration_tests::machine::{Machine, archive, now, until};
use patchward_integration_tests::programs::Program;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_killable-installer");
/// What an installer of the tests is told to have people call.
const CALL: &str = "call = \"clinical engineering, 4711\"";
/// It looks until the test is done with looking at it.
const PATIENT: &str = "check_patience_seconds = 600";

/// A machine whose installer runs, with one approved job that anybody may start.
struct Setting {
    // Dropped first: the process ends before its folder goes.
    machine: Machine,
    folder: tempfile::TempDir,
    hospital: Hospital,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hospital = Hospital::new(1, now());
        let program = Path::new(PROGRAM);
        let mut machine = Machine::new(folder.path(), program, &hospital.token()).unwrap();
        machine.settings(&[CALL, PATIENT]).unwrap();
        assert!(machine.start(None).unwrap());
        Self {
            machine,
            folder,
            hospital,
        }
    }

    /// Approves a release for this machine, in this mode; its check passes once `passes` is
    /// called.
    fn approve(&self, mode: Mode, change: impl FnOnce(&mut ApprovedRelease)) -> JobId {
        let bytes = archive(&[("bin/viewer", "#!/bin/sh\necho 1.0\n")]);
        self.machine.put_artifact(&bytes).unwrap();
        let mut release = self.hospital.release("1.0", 1, &bytes);
        let waits = format!("test -e {}", self.flag().display());
        self.machine.says("works", "ready", &waits).unwrap();
        release.release.checks_after = vec![name("works")];
        change(&mut release);
        let mut row = self.hospital.row(self.machine.id);
        row.mode = mode;
        let approval = self.hospital.approval(vec![release]);
        let leaf = self.hospital.leaf(&row);
        let signed = self
            .hospital
            .approve(&approval, &[leaf], &[&self.hospital.alice]);
        let files = self.hospital.repository(1, &approval.releases).unwrap();
        self.machine.put_metadata(&name("acme"), &files).unwrap();
        let job = job_of(&signed[0], self.machine.id);
        let documents = self.hospital.documents(&row, signed);
        assert_eq!(self.machine.give(&documents).unwrap(), [""; 0]);
        job
    }

    fn flag(&self) -> PathBuf {
        self.folder.path().join("works.flag")
    }

    fn passes(&self) {
        std::fs::write(self.flag(), "").unwrap();
    }

    /// What comes of a start with a go.
    fn try_start(&self, job: JobId) -> Answer {
        let prepared = self.machine.ask(&Request::Prepare(job)).unwrap();
        assert!(matches!(prepared, Answer::Prepared), "{prepared:?}");
        let ask = self.machine.draw(job).unwrap();
        let go = self.hospital.go(&ask, now());
        self.machine.ask(&Request::Start(job, go)).unwrap()
    }

    fn start(&self, job: JobId) {
        let started = self.try_start(job);
        assert!(matches!(started, Answer::Started), "{started:?}");
    }

    fn screen(&self) -> Screen {
        let bytes = std::fs::read(self.machine.path("screen")).unwrap();
        codec::decode(&bytes, MAX_SCREEN_BYTES).unwrap()
    }

    /// The text that new logins are refused with.
    fn refusal(&self) -> Option<String> {
        std::fs::read_to_string(self.machine.path("nologin")).ok()
    }

    /// What the screen says of the job that is under way.
    fn stage(&self) -> Option<Stage> {
        self.screen().underway.map(|underway| underway.stage)
    }

    /// A program for people, of which IT wrote the settings.
    fn notice(&self, words: &[&str]) -> Command {
        let settings = self.folder.path().join("notice.toml");
        let (screen, socket) = (self.machine.path("screen"), self.machine.path("socket"));
        let text =
            format!("screen_file = {screen:?}\ninstaller_socket = {socket:?}\nlook_seconds = 1\n");
        std::fs::write(&settings, text).unwrap();
        let mut command = Command::new(Program::Notice.path().unwrap());
        command.arg("--config").arg(settings).args(words);
        command
    }
}

/// Runs a program for people, and gives back what it says.
#[track_caller]
fn say(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn logins_are_refused_from_the_start_record_to_the_measurement() {
    let mut setting = Setting::new();
    let job = setting.approve(Mode::Active, |_| {});
    assert_eq!(setting.refusal(), None);
    let planned = setting.screen().planned;
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0].title.as_str(), "Viewer update");
    let shown = say(&mut setting.notice(&["show"]));
    assert!(shown.contains("may be updated at any moment"), "{shown}");
    assert!(
        shown.contains("Call clinical engineering, 4711."),
        "{shown}"
    );

    setting.start(job);
    until("logins are refused", || setting.refusal()).unwrap();
    let text = setting.refusal().unwrap();
    for part in [
        "Patchward: This computer is being updated: not for clinical use.\n",
        "Viewer update: since ",
        "running until ",
        "Call clinical engineering, 4711.\n",
    ] {
        assert!(text.contains(part), "no {part:?} in {text:?}");
    }
    let mode =
        std::os::unix::fs::MetadataExt::mode(&setting.machine.path("nologin").metadata().unwrap());
    assert_eq!(mode & 0o777, 0o644, "everybody is shown it");
    until("it is installed", || {
        let words = setting.machine.words(job).ok()?;
        let steps = words.iter().filter(|word| **word == "step_ended");
        (steps.count() == 2).then_some(())
    })
    .unwrap();
    // A crash does not let people in, and its successor knows that the file is ours.
    setting.machine.kill().unwrap();
    assert!(setting.refusal().is_some());
    assert!(setting.machine.start(None).unwrap());
    assert_eq!(setting.stage(), Some(Stage::Works));
    // Neither does a boot, at the end of which systemd takes the file away.
    setting.machine.kill().unwrap();
    std::fs::remove_file(setting.machine.path("nologin")).unwrap();
    assert!(setting.machine.start(None).unwrap());
    assert_eq!(setting.refusal(), Some(text));

    setting.passes();
    setting.machine.wait_for(job, State::is_final).unwrap();
    until("people may log in", || {
        setting.refusal().is_none().then_some(())
    })
    .unwrap();
    until("it is told what came of it", || {
        let over = setting.screen().over?;
        assert_eq!((over.job, over.found), (job, Found::New));
        Some(())
    })
    .unwrap();
    assert_eq!(setting.screen().planned, []);
    let shown = say(&mut setting.notice(&["show"]));
    assert!(
        shown.contains("The update of this computer is done"),
        "{shown}"
    );
}

/// What an installer left that died after its last word is taken away by the next one; what
/// somebody else wrote stays.
#[test]
fn what_a_dead_installer_left_lets_people_in_again() {
    let mut setting = Setting::new();
    let path = setting.machine.path("nologin");
    for (text, stays) in [
        ("Patchward: This computer is being updated.\n", false),
        ("System is going down.\n", true),
    ] {
        setting.machine.kill().unwrap();
        std::fs::write(&path, text).unwrap();
        assert!(setting.machine.start(None).unwrap());
        assert_eq!(path.exists(), stays, "{text}");
    }
    let job = setting.approve(Mode::Active, |_| {});
    setting.start(job);
    until("it is under way", || setting.stage()).unwrap();
    assert_eq!(setting.refusal().unwrap(), "System is going down.\n");
    setting.passes();
    setting.machine.wait_for(job, State::is_final).unwrap();
    until("it is over", || setting.screen().over).unwrap();
    assert_eq!(setting.refusal().unwrap(), "System is going down.\n");
}

/// A file that cannot be written keeps no job from its end.
#[test]
fn a_screen_that_nobody_can_write_ends_no_job() {
    let mut setting = Setting::new();
    setting.machine.kill().unwrap();
    for file in ["screen", "nologin"] {
        let path = setting.machine.path(file);
        let _ = std::fs::remove_file(&path);
        std::fs::create_dir(&path).unwrap();
    }
    assert!(setting.machine.start(None).unwrap());
    setting.passes();
    let job = setting.approve(Mode::Active, |_| {});
    setting.start(job);
    let state = setting.machine.wait_for(job, State::is_final).unwrap();
    assert_eq!(state, State::Verified);
}

#[test]
fn a_restart_that_is_waited_for_is_told() {
    let setting = Setting::new();
    setting.passes();
    let job = setting.approve(Mode::Active, |release| {
        release.release.reboot = Reboot::Machine;
    });
    let installed = setting.folder.path().join("trees/viewer/current");
    let comes = format!(
        "test -e {} && echo in_use || echo idle",
        installed.display()
    );
    setting
        .machine
        .says("interlock", "interlock", &comes)
        .unwrap();
    setting.start(job);
    let waits = |state: &State| *state == State::RebootPending;
    setting.machine.wait_for(job, waits).unwrap();
    until("it is told", || {
        (setting.stage() == Some(Stage::WaitsForRestart)).then_some(())
    })
    .unwrap();
    let refusal = setting.refusal().unwrap();
    assert!(refusal.contains("waits for a restart"), "{refusal}");
}

/// Neither a rehearsal nor what nobody signed puts words on a screen.
#[test]
fn nothing_is_foreseen_where_nothing_will_be_installed() {
    let setting = Setting::new();
    setting.approve(Mode::Rehearse, |_| {});
    assert_eq!(setting.screen().planned, []);
    let shown = say(&mut setting.notice(&["show"]));
    assert!(shown.contains("Nothing is done here now"), "{shown}");
    let setting = Setting::new();
    setting.approve(Mode::Active, |_| {});
    assert_eq!(setting.screen().planned.len(), 1);
    setting.machine.command(&["stop"]).unwrap();
    assert_eq!(setting.screen().planned, [], "it was stopped");
    setting.machine.command(&["end-stops"]).unwrap();
    assert_eq!(setting.screen().planned.len(), 1);
}

#[test]
fn not_now_says_until_when_and_is_refused_in_words() {
    let setting = Setting::new();
    let job = setting.approve(Mode::Active, |_| {});
    let before = now();
    let words = ["not-now", "--for", "30m", "--reason", "patient"];
    let said = say(&mut setting.notice(&words));
    assert!(
        said.contains("Nothing starts on this computer before"),
        "{said}"
    );
    let hold = setting.machine.status().unwrap().hold.unwrap();
    assert_eq!(hold.reason, name("patient"));
    let ahead_ms = hold.until.since_ms(before);
    assert!((30 * MINUTE_MS..HOUR_MS).contains(&ahead_ms), "{ahead_ms}");
    assert_eq!(setting.screen().hold, Some(hold));
    let answer = setting.try_start(job);
    assert!(
        matches!(&answer, Answer::Refused(why) if why.step == Some(Step::HoldAndStop)),
        "{answer:?}"
    );
    let shown = say(&mut setting.notice(&["show"]));
    assert!(
        shown.contains("Nothing starts on this computer before"),
        "{shown}"
    );
    // Nobody listens.
    let mut alone = setting.notice(&words);
    std::fs::remove_file(setting.machine.path("socket")).unwrap();
    let output = alone.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(7), "{errors}");
    assert!(errors.contains("\"not now\" was not taken"), "{errors}");
}
