//! A Debian machine that really boots, in a container of systemd's: packages, units, users,
//! restarts, as a hospital has them. Needs root.
//!
//! First two of them, joined by a network of their own, are led through the README's quick
//! start (`quick_start`); then a machine that is its own collector goes through its life, and
//! another through that of an .rpm.

mod apt;
mod consoles;
mod container;
mod debs;
mod guide;
mod hang;
pub mod hostile;
mod life;
mod newer;
mod patience;
mod quick_start;
mod rollout;
mod root;
mod rpm;
mod signed;
mod standing;
mod system;
mod terminal;
mod thief;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use container::{Container, Wire};
use patience::{Since, until};
use rollout::Vendors;
use serde_json::Value;
use std::path::PathBuf;

/// What the machine is called, and where it stands.
const NAME: &str = "reading-1";
const UNIT: &str = "icu";

/// What is booted.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The folder of everything; what Debian brings is kept there for the next run.
    pub folder: PathBuf,
    /// The package of agent and installer.
    pub agent: PathBuf,
    /// The package of collector and signer.
    pub collector: PathBuf,
    /// The package of agent and installer, for rpm.
    pub rpm: PathBuf,
    /// One part alone.
    pub only: Option<Part>,
}

/// The parts of the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The README's quick start, on two machines
    QuickStart,
    /// The life of one machine
    Life,
    /// What the .rpm does, on another
    Rpm,
}

/// One stage: its word, and what it does.
type Stage = (&'static str, fn(&mut Machine) -> anyhow::Result<()>);

/// A machine's life, in its order; each stage builds on those before it.
const LIFE: [Stage; 19] = [
    ("it boots", Machine::boot),
    ("both packages are installed", Machine::install),
    ("the collector begins", Machine::init),
    ("the machine is enrolled by token", Machine::enrol),
    ("it reports", Machine::report),
    (
        "systemd hands the collector a credential",
        Machine::credential,
    ),
    ("the timer of every night makes a backup", Machine::backup),
    ("a relay stands beside the machine", Machine::relay),
    ("all of it comes back after a restart", Machine::reboot),
    ("a session at the screen makes it in use", Machine::in_use),
    ("it may be worked on", Machine::prepare),
    (
        "a rollout upgrades a package with a service",
        Machine::service,
    ),
    (
        "one restarts the machine, whose agent is broken",
        Machine::restart,
    ),
    ("what hangs is started anew", Machine::hang),
    (
        "a hostile program in the agent's place achieves nothing",
        Machine::hostile,
    ),
    ("Patchward updates itself", Machine::own_update),
    ("the collector is upgraded and downgraded", Machine::newer),
    ("removed and installed again, it goes on", Machine::again),
    ("purged, nothing of it is left", Machine::purge),
];

/// What the .rpm does; its machine is begun as the other is.
const RPM: [Stage; 6] = [
    ("it boots", Machine::boot),
    ("the agent is installed by rpm", Machine::rpm_install),
    ("the collector begins", Machine::init),
    ("the machine is enrolled by token", Machine::enrol),
    ("its .rpm is upgraded and downgraded", Machine::rpm_newer),
    ("erased and installed again, it goes on", Machine::rpm_erase),
];

/// Runs every stage, with a line of each.
///
/// # Errors
/// The first that does not come out as it must, with the machine's journal.
pub fn run(choice: &Choice) -> anyhow::Result<()> {
    let since = Since::now();
    let says = |text: &str| println!("{:>5.0} s  {text}", since.seconds());
    let wanted = |part| choice.only.is_none_or(|only| only == part);
    if wanted(Part::QuickStart) {
        quick_start::run(choice, &says)?;
    }
    for (part, stages) in [(Part::Life, &LIFE[..]), (Part::Rpm, &RPM)] {
        if wanted(part) {
            live(choice, &says, stages)?;
        }
    }
    says("all of it came out as it must");
    Ok(())
}

/// One machine from its first boot to its end.
fn live(choice: &Choice, says: &dyn Fn(&str), stages: &[Stage]) -> anyhow::Result<()> {
    says("a Debian machine is laid out");
    let root = root::fresh(&choice.folder, NAME)?;
    let console = choice.folder.join("console.log");
    std::fs::write(&console, "")?;
    let mut machine = Machine {
        choice: choice.clone(),
        container: Container::new(&root, &console, Wire::Nothing),
        token: String::new(),
        id: String::new(),
        vendors: None,
    };
    for (word, stage) in stages {
        says(word);
        if let Err(error) = stage(&mut machine) {
            println!("{}", machine.container.story());
            return Err(error.context(format!("stage: {word}")));
        }
    }
    machine.container.power_off()
}

/// The machine under test.
struct Machine {
    choice: Choice,
    container: Container,
    token: String,
    id: String,
    vendors: Option<Vendors>,
}

impl Machine {
    /// Waits for a unit's state.
    fn is(&self, unit: &str, state: &str) -> anyhow::Result<()> {
        let mut found = String::new();
        until(&format!("{unit} is {state}"), || {
            found = self.property(unit, "ActiveState").unwrap_or_default();
            found == state
        })
        .with_context(|| format!("it is {found}"))
    }

    /// A property of a unit, as systemd shows it.
    fn property(&self, unit: &str, name: &str) -> anyhow::Result<String> {
        let property = format!("--property={name}");
        let shown = self
            .container
            .run(&["systemctl", "show", "--value", &property, unit])?;
        Ok(shown.trim().to_owned())
    }

    /// A unit begins by itself, or does not: `enabled` or `disabled`.
    fn is_enabled(&self, unit: &str, wanted: &str) -> anyhow::Result<()> {
        let found = self.property(unit, "UnitFileState")?;
        ensure!(found == wanted, "{unit} is {found}, not {wanted}");
        Ok(())
    }

    /// What is typed at the machine, as the agent's user.
    fn agent(&self, words: &[&str]) -> anyhow::Result<String> {
        let user = as_user("patchward");
        self.container
            .run(&[&user[..], &["patchward-agent"], words].concat())
    }

    /// What is typed at the collector, as its user.
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
