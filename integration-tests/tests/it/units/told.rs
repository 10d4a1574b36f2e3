//! What the programs tell systemd while they run, heard as systemd hears it.

use patchward_common::trust::assignment::Mode;
use patchward_integration_tests::hospital::{Hospital, Row};
use patchward_integration_tests::process::{Daemon, PATIENCE};
use patchward_integration_tests::programs::Program;
use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Longer than an agent that comes every second goes without a sign.
const SILENCE: Duration = Duration::from_secs(5);
/// More than an agent says between two waits.
const MANY: usize = 50;

/// The socket that a unit of `Type=notify` is given.
struct Ear {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Ear {
    fn at(path: &Path) -> Self {
        Self {
            socket: UnixDatagram::bind(path).unwrap(),
            path: path.to_owned(),
        }
    }

    /// What a unit with a watchdog finds in its environment.
    fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [
            ("NOTIFY_SOCKET", self.path.clone()),
            ("WATCHDOG_USEC", "300000000".into()),
        ]
    }

    /// The next words, where they come in time.
    fn next(&self, within: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(within)).unwrap();
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    /// Listens until words are as wanted.
    fn hears(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let mut heard = Vec::new();
        while let Some(words) = self.next(PATIENCE) {
            if wanted(&words) {
                return;
            }
            heard.push(words);
            assert!(heard.len() < 1_000, "{what} is not among {heard:?}");
        }
        panic!("{what} was not heard, but {heard:?}");
    }
}

/// In how many seconds the next sign comes, by a sign of life.
fn promised(words: &str) -> Option<u64> {
    let mut lines = words.lines();
    let is_sign = lines.clone().any(|line| line == "WATCHDOG=1");
    let micros = lines.find_map(|line| line.strip_prefix("WATCHDOG_USEC="));
    let micros: u64 = micros.filter(|_| is_sign)?.parse().ok()?;
    Some(micros / 1_000_000)
}

/// Who listens at a socket.
fn listener(socket: &Path) -> Pid {
    let stream = UnixStream::connect(socket).unwrap();
    socket_peercred(&stream).unwrap().pid
}

#[test]
fn agent_and_collector_tell_systemd_how_they_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found(folder.path(), &["icu"], &["viewer"]).unwrap();
    let row = Row {
        mode: Mode::Observe,
        ..Row::plain("pc", "icu")
    };
    hospital.add_machine(row).unwrap();
    let ear = Ear::at(&folder.path().join("agent.notify"));
    let machine = hospital.machine("pc").unwrap();
    machine.stop_agent().unwrap();
    machine.environment.extend(ear.environment());
    machine.start_agent().unwrap();
    ear.hears("that it is ready", |words| words.contains("READY=1"));
    ear.hears("a turn", |words| promised(words) == Some(600));
    // It comes every second here, and a minute later when it is slow.
    ear.hears("a wait", |words| {
        promised(words).is_some_and(|seconds| (61..=75).contains(&seconds))
    });
    // An installer that hangs holds the loop up: no sign comes from anywhere else.
    let installer = listener(&machine.path("installer.sock"));
    kill_process(installer, Signal::STOP).unwrap();
    let last = std::iter::from_fn(|| ear.next(SILENCE)).take(MANY);
    let signs: Vec<String> = last.collect();
    assert!(signs.len() < MANY, "it goes on saying {signs:?}");
    kill_process(installer, Signal::CONT).unwrap();
    ear.hears("the next sign", |words| promised(words).is_some());
    machine.stop_agent().unwrap();
    ear.hears("that it ends", |words| words.contains("STOPPING=1"));

    hospital.stop_collector().unwrap();
    let ear = Ear::at(&folder.path().join("collector.notify"));
    let collector = Daemon::start(
        "collector",
        Command::new(Program::Collector.path().unwrap())
            .arg("--folder")
            .arg(hospital.collector_folder())
            .arg("serve")
            .envs(ear.environment()),
        &folder.path().join("again.log"),
    )
    .unwrap();
    ear.hears("that it is ready", |words| words.contains("READY=1"));
    ear.hears("a sign of life", |words| words.contains("WATCHDOG=1"));
    collector.terminate().unwrap();
    ear.hears("that it ends", |words| words.contains("STOPPING=1"));
}
