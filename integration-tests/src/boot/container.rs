//! A root that systemd-nspawn boots, driven from outside by nsenter: neither of them needs
//! systemd on this computer to be running.

use crate::process::{Daemon, run, wait_until};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where commands are looked for within.
const SEARCH_PATH: &str = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

/// A container; it runs between `boot` and `power_off`.
pub(super) struct Container {
    root: PathBuf,
    log: PathBuf,
    running: Option<Running>,
}

struct Running {
    nspawn: Daemon,
    /// The first process within, as this computer counts.
    leader: u32,
}

impl Container {
    pub(super) fn new(root: &Path, log: &Path) -> Self {
        Self {
            root: root.to_owned(),
            log: log.to_owned(),
            running: None,
        }
    }

    /// Where a path of the container's lies on this computer.
    pub(super) fn path(&self, inside: &Path) -> PathBuf {
        self.root.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Boots, and waits until all of the boot is done.
    pub(super) fn boot(&mut self) -> anyhow::Result<()> {
        let mut nspawn = Daemon::start(
            "systemd-nspawn",
            Command::new("systemd-nspawn")
                .args(["--register=no", "--keep-unit", "--boot"])
                .args(["--private-network", "--console=pipe", "--directory"])
                .arg(&self.root),
            &self.log,
        )?;
        let children = format!("/proc/{0}/task/{0}/children", nspawn.pid());
        let mut leader = None;
        nspawn.wait_until("it has a first process", || {
            let found = std::fs::read_to_string(&children).unwrap_or_default();
            leader = found
                .split_whitespace()
                .next()
                .and_then(|id| id.parse().ok());
            leader.is_some_and(is_systemd)
        })?;
        let leader = leader.context("a first process")?;
        self.running = Some(Running { nspawn, leader });
        wait_until("its systemd answers", || {
            // It says `degraded` with an error; which units those are is asked elsewhere.
            let state = self.output(&["systemctl", "is-system-running", "--wait"]);
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
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        wait_until(&format!("{verb} is done"), || !running.nspawn.is_running())
    }

    /// Runs a command within, as root, and gives back what it printed.
    pub(super) fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        run(&mut self.command(words)?)
    }

    /// The same, whatever it ends with.
    fn output(&self, words: &[&str]) -> anyhow::Result<String> {
        let output = self.command(words)?.stdin(Stdio::null()).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Begins a command within.
    pub(super) fn begin(&self, words: &[&str]) -> anyhow::Result<Child> {
        let mut command = self.command(words)?;
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command.spawn()?)
    }

    /// The content of a file within, as it is seen there.
    pub(super) fn read(&self, path: &str) -> anyhow::Result<String> {
        self.run(&["cat", path])
    }

    fn command(&self, words: &[&str]) -> anyhow::Result<Command> {
        let running = self.running.as_ref().context("the machine is off")?;
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &running.leader.to_string()])
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"])
            .args(["--root", "--wd", "--", "env", "-i", SEARCH_PATH])
            .args(["HOME=/root", "LC_ALL=C.UTF-8"])
            .args(words);
        Ok(command)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Killed, nspawn takes all that is in it along; in order it goes in `power_off`.
        if let Some(mut running) = self.running.take() {
            running.nspawn.kill();
        }
    }
}

/// nspawn's child becomes systemd only after it has laid everything out.
fn is_systemd(process: u32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm"));
    name.is_ok_and(|name| name.trim() == "systemd")
}
