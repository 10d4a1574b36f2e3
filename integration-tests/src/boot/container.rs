//! A root that systemd-nspawn boots, driven from outside by nsenter: neither of them needs
//! systemd on this computer to be running.

use super::patience::until;
use crate::process::{Daemon, run};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where commands are looked for within.
const SEARCH_PATH: &str = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
/// Longest run of one command within, in seconds; the slowest installs a package.
const COMMAND_SECONDS: &str = "180";
/// How much of the journal is shown where something failed.
const JOURNAL_LINES: usize = 150;
/// The network that containers share: nspawn makes its bridge, and leaves it to others to
/// switch it on.
const ZONE: &str = "--network-zone=hospital";
const BRIDGE: &str = "vz-hospital";
/// Lines that say no more than that the harness ran a command.
const NOISE: &str = "pam_unix(runuser:session)";

/// Which network a machine is in, beside its own computer. Never in that of this computer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire {
    /// In none.
    Nothing,
    /// In a new one, which others may join.
    New,
    /// In that which was made for another machine, whose nspawn is this process.
    Of(u32),
}

impl Wire {
    /// The words that run nspawn in it. Each program becomes the next, so the process stays
    /// the same, and the network goes with the last one in it.
    fn nspawn(self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        match self {
            Self::Nothing => words(&["systemd-nspawn", "--private-network"]),
            Self::New => words(&["unshare", "--net", "systemd-nspawn", ZONE]),
            Self::Of(process) => words(&["nsenter", &net(process), "systemd-nspawn", ZONE]),
        }
    }
}

/// The word with which nsenter enters the network of a process.
fn net(process: u32) -> String {
    format!("--net=/proc/{process}/ns/net")
}

/// A container; it runs between `boot` and `power_off`, and its folder goes with it.
pub(super) struct Container {
    root: PathBuf,
    log: PathBuf,
    wire: Wire,
    running: Option<Running>,
}

struct Running {
    nspawn: Daemon,
    /// The first process within, as this computer counts.
    leader: u32,
}

impl Container {
    pub(super) fn new(root: &Path, log: &Path, wire: Wire) -> Self {
        Self {
            root: root.to_owned(),
            log: log.to_owned(),
            wire,
            running: None,
        }
    }

    /// The network that it is in, for others to join while it runs.
    pub(super) fn network(&self) -> anyhow::Result<Wire> {
        let running = self.running.as_ref().context("the machine is off")?;
        Ok(Wire::Of(running.nspawn.pid()))
    }

    /// Where a path of the container's lies on this computer.
    pub(super) fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        self.root.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Boots, and waits until all of the boot is done.
    pub(super) fn boot(&mut self) -> anyhow::Result<()> {
        let nspawn = Daemon::start(
            "systemd-nspawn",
            // Whatever ends the test, by whichever signal: nspawn is told, and has the machine
            // power off. Killed, it would leave it behind.
            Command::new("setpriv")
                .args(["--pdeathsig", "TERM"])
                .args(self.wire.nspawn())
                .args(["--register=no", "--keep-unit", "--boot"])
                .args(["--link-journal=no", "--console=pipe", "--directory"])
                .arg(&self.root),
            &self.log,
        )?;
        // From here on it is ended with the test, however far it comes.
        let running = self.running.insert(Running { nspawn, leader: 0 });
        let id = running.nspawn.pid();
        let mut leader = None;
        running.nspawn.wait_until("it has a first process", || {
            leader = children(id).into_iter().find(|one| is_systemd(*one));
            leader.is_some()
        })?;
        running.leader = leader.context("a first process")?;
        if matches!(self.wire, Wire::New) {
            let mut switch = Command::new("nsenter");
            switch.args([&net(id), "ip", "link", "set", BRIDGE, "up"]);
            run(&mut switch)?;
        }
        until("its systemd says that the boot is done", || {
            // It says `degraded` with an error; which units those are is asked elsewhere.
            let state = self.output(&["systemctl", "is-system-running"]);
            state.is_ok_and(|said| ["running", "degraded"].contains(&said.trim()))
        })
    }

    /// Restarts it as `systemctl reboot` does, and waits until it is up again.
    pub(super) fn reboot(&mut self) -> anyhow::Result<()> {
        self.end("reboot")?;
        self.boot()
    }

    /// Ends it in order.
    pub(super) fn power_off(&mut self) -> anyhow::Result<()> {
        self.end("poweroff")
    }

    fn end(&mut self, verb: &str) -> anyhow::Result<()> {
        // The connection may end before the answer comes.
        let _ = self.output(&["systemctl", verb]);
        self.wait_for_end(&format!("{verb} is done"))
    }

    /// Waits until the machine is off; nspawn ends also where it was told to restart.
    pub(super) fn wait_for_end(&mut self, what: &str) -> anyhow::Result<()> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        let waited = until(what, || !running.nspawn.is_running());
        if waited.is_err() {
            // What it said is still wanted.
            self.running = Some(running);
        }
        waited
    }

    /// Runs a command within, as root, and gives back what it printed.
    pub(super) fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        run(&mut self.command(words)?)
    }

    /// Runs a text of the shell within.
    pub(super) fn shell(&self, text: &str) -> anyhow::Result<String> {
        self.run(&["sh", "-ec", text])
    }

    /// The same, whatever it ends with.
    fn output(&self, words: &[&str]) -> anyhow::Result<String> {
        let output = self.command(words)?.stdin(Stdio::null()).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Begins a command within; what it prints goes to a file of its own.
    pub(super) fn begin(&self, name: &str, words: &[&str]) -> anyhow::Result<Daemon> {
        let log = self.log.with_file_name(format!("{name}.log"));
        Daemon::start(name, &mut self.command(words)?, &log)
    }

    /// The content of a file within, as it is seen there.
    pub(super) fn read(&self, path: &str) -> anyhow::Result<String> {
        self.run(&["cat", path])
    }

    /// Writes a file within, with the folders above it.
    pub(super) fn write(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path(path);
        if let Some(above) = path.parent() {
            std::fs::create_dir_all(above)?;
        }
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    fn command(&self, words: &[&str]) -> anyhow::Result<Command> {
        self.command_for(COMMAND_SECONDS, words)
    }

    /// A command within that ends after so many seconds at the latest.
    pub(super) fn command_for(&self, seconds: &str, words: &[&str]) -> anyhow::Result<Command> {
        let running = self.running.as_ref().context("the machine is off")?;
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", seconds, "nsenter"])
            .args(["--target", &running.leader.to_string()])
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"])
            .args(["--root", "--wd", "--", "env", "-i", SEARCH_PATH])
            .args(["HOME=/root", "LC_ALL=C.UTF-8"])
            .args(["DEBIAN_FRONTEND=noninteractive"])
            .args(words);
        Ok(command)
    }

    /// What people want to see where something failed: the end of the console and of the
    /// journal, also of earlier boots and of a machine that is off.
    pub(super) fn story(&self) -> String {
        let console = std::fs::read_to_string(&self.log).unwrap_or_default();
        let mut journal = Command::new("journalctl");
        journal.args(["--no-pager", "--output=short-precise", "--lines=1000"]);
        journal.arg("--directory").arg(self.path("var/log/journal"));
        let journal = run(&mut journal).unwrap_or_else(|error| error.to_string());
        let units = self.output(&["systemctl", "--failed", "--no-pager"]);
        format!(
            "--- console\n{}\n--- failed units\n{}\n--- journal\n{}",
            last(&console, 20),
            units.unwrap_or_else(|error| error.to_string()),
            last(&journal, JOURNAL_LINES)
        )
    }

    /// Ends it at once, with all that is in it.
    fn kill(&mut self) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        // They outlive nspawn; and all others in the container end with its first.
        let mut left = children(running.nspawn.pid());
        left.extend(Some(running.leader).filter(|one| is_systemd(*one)));
        running.nspawn.kill();
        for one in &left {
            let id = i32::try_from(*one).ok();
            if let Some(id) = id.and_then(rustix::process::Pid::from_raw) {
                // One that is gone already is what is wanted.
                let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            }
        }
        let _ = until("nothing of the machine runs", || {
            !left.iter().any(|one| is_systemd(*one))
        });
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.kill();
        if let Err(error) = super::root::remove(&self.root) {
            eprintln!("{error:#}");
        }
    }
}

/// The last lines that say something.
fn last(text: &str, most: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains(NOISE)).collect();
    lines[lines.len().saturating_sub(most)..].join("\n")
}

/// The children of a process.
fn children(process: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let listed = listed.unwrap_or_default();
    let ids = listed.split_whitespace().filter_map(|id| id.parse().ok());
    ids.collect()
}

/// nspawn's child becomes systemd only after it has laid everything out.
fn is_systemd(process: u32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm"));
    name.is_ok_and(|name| name.trim() == "systemd")
}
