//! A Debian machine that really boots, in a container of systemd's: packages, units, users,
//! restarts, as a hospital has them. Needs root.
//!
//! Collector and machine are one here: what lies between two computers is the business of
//! other tests.

mod container;
mod root;
mod signed;

use crate::process::wait_until;
use anyhow::{Context as _, bail};
use container::Container;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where the collector is reached from within.
const ADDRESS: &str = "127.0.0.1:9443";
/// How often it reports: what is waited for here waits for that.
const PACE_SECONDS: &str = "5";
/// The interlock of most machines: whoever is logged in uses it.
const SESSIONS: &str = include_str!("../../../configs/probes.d/sessions.toml");
/// Until the unit of an agent that hangs was started anew: the minute and the pace that it
/// promised its next sign within, and the restart.
const RESTARTED: &str = "until [ \"$(systemctl show --value --property=NRestarts patchward-agent)\" \
                         -ge 1 ]; do sleep 1; done";
/// What the machine is called.
const NAME: &str = "reading-1";

/// What is booted.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The folder of everything; it is kept for the next run.
    pub folder: PathBuf,
    /// The package of agent and installer.
    pub agent: PathBuf,
    /// The package of collector and signer.
    pub collector: PathBuf,
}

/// One stage: its word, and what it does.
type Stage = (&'static str, fn(&mut Machine) -> anyhow::Result<()>);

/// In their order; each builds on those before it.
const STAGES: [Stage; 8] = [
    ("boot", Machine::boot),
    ("install", Machine::install),
    ("init", Machine::init),
    ("enrol by token", Machine::enrol),
    ("report", Machine::report),
    ("reboot", Machine::reboot),
    ("a session makes it in use", Machine::in_use),
    ("an agent that hangs is started anew", Machine::hang),
];

/// Runs every stage, with a line of each.
///
/// # Errors
/// The first that does not come out as it must, with the machine's journal.
#[expect(clippy::disallowed_methods, reason = "the harness is a driver")]
pub fn run(choice: &Choice) -> anyhow::Result<()> {
    let begun = Instant::now();
    let root = root::fresh(&choice.folder)?;
    println!("{:>5} s  root", begun.elapsed().as_secs());
    let mut machine = Machine {
        choice: choice.clone(),
        container: Container::new(&root, &choice.folder.join("console.log")),
        token: String::new(),
    };
    for (word, stage) in STAGES {
        if let Err(error) = stage(&mut machine) {
            let journal = machine
                .container
                .run(&["journalctl", "--no-pager", "--lines=60"]);
            println!("{}", journal.unwrap_or_else(|error| error.to_string()));
            return Err(error.context(format!("stage: {word}")));
        }
        println!("{:>5} s  {word}", begun.elapsed().as_secs());
    }
    machine.container.power_off()
}

/// The machine under test.
struct Machine {
    choice: Choice,
    container: Container,
    token: String,
}

impl Machine {
    fn boot(&mut self) -> anyhow::Result<()> {
        self.container.boot()
    }

    /// Installs both packages as an administrator does, and looks at what runs by itself.
    fn install(&mut self) -> anyhow::Result<()> {
        for package in [&self.choice.agent, &self.choice.collector] {
            let name = package.file_name().context("a package is a file")?;
            let inside = Path::new("/root").join(name);
            std::fs::copy(package, self.container.path(&inside))?;
            self.container
                .run(&["dpkg", "--install", &inside.to_string_lossy()])?;
        }
        // A container's services see the boot id of the computer below it; so they are told
        // where this boot's stands.
        for settings in ["agent.toml", "installer.toml"] {
            let path = Path::new("/etc/patchward").join(settings);
            let path = self.container.path(&path);
            let text = std::fs::read_to_string(&path)?;
            std::fs::write(
                &path,
                format!("boot_id_file = \"{}\"\n{text}", root::BOOT_ID),
            )?;
        }
        self.is("patchward-installer.socket", "active")?;
        for waits in [
            "patchward-agent",
            "patchward-collector",
            "patchward-installer",
        ] {
            self.is(waits, "inactive")?;
        }
        Ok(())
    }

    /// The collector, its documents, a unit and a token.
    fn init(&mut self) -> anyhow::Result<()> {
        let page = ["--second-factor", "offered"];
        let pace = ["--pace-seconds", PACE_SECONDS];
        let init = [&["init", "--address", ADDRESS][..], &page, &pace];
        self.collector(&init.concat())?;
        self.container
            .run(&["systemctl", "start", "patchward-collector"])?;
        signed::documents(&self.container)?;
        for document in ["charter", "roster"] {
            let path = format!("{}/{document}.cbor", signed::HANDED_OVER);
            self.collector(&["document", "add", &path])?;
        }
        self.collector(&["site", "add", "main"])?;
        self.collector(&[
            "unit", "add", "icu", "--site", "main", "--class", "standard",
        ])?;
        let made = self.json(&["token", "new", "first", "--unit", "icu"])?;
        self.token = made["token"].as_str().context("a token")?.to_owned();
        Ok(())
    }

    /// What the administrator types at the machine, and what at the collector.
    fn enrol(&mut self) -> anyhow::Result<()> {
        // The natural first question; the installer that answers it is not pinned yet.
        if self.agent(&["doctor"]).is_ok() {
            bail!("a machine without a certificate is well");
        }
        let pinned = self
            .container
            .run(&["patchward-installer", "pin", &self.token])?;
        let id = pinned
            .split_whitespace()
            .last()
            .context("pin says the id")?;
        let token = self.token.clone();
        let enrols = ["patchward-agent", "enroll", "--token", &token];
        let mut enrolment = self
            .container
            .begin(&[&as_user("patchward")[..], &enrols].concat())?;
        wait_until("it is accepted", || {
            self.collector(&["machine", "accept", id, "--name", NAME])
                .is_ok()
        })?;
        if !enrolment.wait()?.success() {
            bail!("the agent was not enrolled");
        }
        self.container
            .run(&["systemctl", "start", "patchward-agent"])?;
        self.is("patchward-agent", "active")
    }

    /// The machine is known with what is installed on it, among that our own packages.
    fn report(&mut self) -> anyhow::Result<()> {
        wait_until("it has reported", || {
            let shown = self.json(&["machine", "show", NAME]);
            shown.is_ok_and(|shown| !shown["inventory"].is_null())
        })?;
        let failed = self
            .container
            .run(&["systemctl", "--failed", "--plain", "--no-legend"])?;
        if !failed.trim().is_empty() {
            bail!("units have failed: {failed}");
        }
        Ok(())
    }

    /// Everything comes back by itself, and the machine speaks of another boot.
    fn reboot(&mut self) -> anyhow::Result<()> {
        let before = self.container.read(root::BOOT_ID)?;
        self.container.reboot()?;
        let after = self.container.read(root::BOOT_ID)?;
        if before == after {
            bail!("the boot id is the same: {after}");
        }
        for unit in ["patchward-collector", "patchward-agent"] {
            self.is(unit, "active")?;
        }
        wait_until("it is in contact again", || {
            let shown = self.json(&["machine", "show", NAME]);
            shown.is_ok_and(|shown| shown["connected"] == Value::Bool(true))
        })
    }

    /// Logind, asked from within the installer's sandbox: somebody logs in, and out again.
    fn in_use(&mut self) -> anyhow::Result<()> {
        let probe = Path::new("/etc/patchward/probes.d/sessions.toml");
        std::fs::write(self.container.path(probe), SESSIONS)?;
        self.says("idle")?;
        self.container.run(&["useradd", "--create-home", "nurse"])?;
        self.container.run(&[
            "systemd-run",
            "--quiet",
            "--collect",
            "--unit=nurse",
            "--property=User=nurse",
            "--property=PAMName=login",
            // Without a terminal logind would take it for a service of hers.
            "--property=Environment=XDG_SESSION_CLASS=user",
            "sleep",
            "600",
        ])?;
        self.says("nurse is logged in")?;
        self.container.run(&["systemctl", "stop", "nurse"])?;
        self.says("idle")
    }

    /// Waits until the installer says this of the interlock.
    fn says(&self, wanted: &str) -> anyhow::Result<()> {
        wait_until(&format!("the interlock says: {wanted}"), || {
            let said = self.agent(&["status"]).unwrap_or_default();
            let mut lines = said.lines().filter(|line| line.starts_with("Interlock"));
            lines.any(|line| line.contains(wanted))
        })
    }

    /// An agent that neither ends nor gets on is ended by its watchdog.
    fn hang(&mut self) -> anyhow::Result<()> {
        self.container
            .run(&["systemctl", "kill", "--signal=STOP", "patchward-agent"])?;
        self.container
            .run(&["timeout", "180", "sh", "-c", RESTARTED])
            .context("it was not started anew")?;
        self.is("patchward-agent", "active")?;
        let journal = ["journalctl", "--no-pager", "--unit=patchward-agent"];
        if !self.container.run(&journal)?.contains("Watchdog timeout") {
            bail!("it was started anew, and not by its watchdog");
        }
        Ok(())
    }

    /// Asserts a unit's state.
    fn is(&self, unit: &str, state: &str) -> anyhow::Result<()> {
        let mut found = String::new();
        wait_until(&format!("{unit} is {state}"), || {
            // It ends with an error where a unit is not active, and says the state all the same.
            let shown = [
                "systemctl",
                "show",
                "--value",
                "--property=ActiveState",
                unit,
            ];
            found = self.container.run(&shown).unwrap_or_default();
            found.trim() == state
        })
        .with_context(|| format!("it is {}", found.trim()))
    }

    fn agent(&self, words: &[&str]) -> anyhow::Result<String> {
        let user = as_user("patchward");
        self.container
            .run(&[&user[..], &["patchward-agent"], words].concat())
    }

    fn collector(&self, words: &[&str]) -> anyhow::Result<String> {
        let user = as_user("patchward-collector");
        self.container
            .run(&[&user[..], &["patchward-collector"], words].concat())
    }

    fn json(&self, words: &[&str]) -> anyhow::Result<Value> {
        let said = self.collector(&[words, &["--json"]].concat())?;
        serde_json::from_str(&said).with_context(|| format!("reading {said}"))
    }
}

/// The words that run others as this user.
fn as_user(user: &str) -> [&str; 4] {
    ["runuser", "--user", user, "--"]
}
