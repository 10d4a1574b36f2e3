//! A hospital for measuring: its collector runs at a chosen pace, its process is known,
//! and its one machine may report packages that are not this computer's.

use crate::hospital::{Hospital, Row};
use crate::process::Daemon;
use crate::programs::Program;
use anyhow::Context as _;
use patchward_common::id::MachineId;
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

/// The unit of every machine here.
pub const UNIT: &str = "reading-room-2";
/// The one machine with processes of its own.
pub const MACHINE: &str = "station-1";
/// Name, version and architecture of 900 packages: what `task-xfce-desktop` of Debian 12
/// brings, and Debian's packages of priority required, important and standard.
const PACKAGES: &str = include_str!("debian-12-desktop.txt");

/// The hospital.
pub struct Setting {
    /// The hospital; its collector is the one below.
    pub hospital: Hospital,
    collector: Option<Daemon>,
    // Last: the folder goes after the processes.
    folder: tempfile::TempDir,
}

impl Setting {
    /// Founds it. Machines come every `pace_seconds`, a quarter more or less.
    pub fn found(pace_seconds: u32) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("making a folder")?;
        let mut hospital = Hospital::found(folder.path(), &[UNIT], &["viewer"])?;
        hospital.kill_collector();
        let mut setting = Self {
            hospital,
            collector: None,
            folder,
        };
        setting.change_setting("pace_seconds", &pace_seconds.to_string())?;
        setting.start_collector()?;
        Ok(setting)
    }

    fn settings_file(&self) -> PathBuf {
        self.hospital.collector_folder().join("collector.toml")
    }

    /// Gives a setting that `init` wrote another value, in TOML; it holds from the next start.
    pub fn change_setting(&self, key: &str, value: &str) -> anyhow::Result<()> {
        let path = self.settings_file();
        let text = std::fs::read_to_string(&path)?;
        let lines = text.lines().map(|line| match line.split_once('=') {
            Some((found, _)) if found.trim() == key => format!("{key} = {value}\n"),
            _ => format!("{line}\n"),
        });
        Ok(std::fs::write(&path, lines.collect::<String>())?)
    }

    /// Where machines reach the collector.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        let text = std::fs::read_to_string(self.settings_file())?;
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        let listen = lines.find(|(key, _)| key.trim() == "listen");
        let (_, listen) = listen.context("the settings have no `listen`")?;
        Ok(listen.trim().trim_matches('"').parse()?)
    }

    /// Starts the collector and waits until it answers.
    pub fn start_collector(&mut self) -> anyhow::Result<()> {
        let mut daemon = Daemon::start(
            "collector",
            Command::new(Program::Collector.path()?)
                .arg("--folder")
                .arg(self.hospital.collector_folder())
                .arg("serve"),
            &self.folder.path().join("collector.log"),
        )?;
        daemon.wait_until("it answers", || {
            self.hospital.ask(&["site", "list"]).is_ok()
        })?;
        self.collector = Some(daemon);
        Ok(())
    }

    /// Tells the collector to end, as systemd does, and starts it again.
    pub fn restart_collector(&mut self) -> anyhow::Result<()> {
        if let Some(mut daemon) = self.collector.take() {
            let pid = i32::try_from(daemon.pid()).ok().and_then(Pid::from_raw);
            kill_process(pid.context("a process id")?, Signal::TERM)?;
            crate::process::wait_until("the collector has ended", || !daemon.is_running())?;
        }
        self.start_collector()
    }

    /// The collector's process.
    pub fn collector_pid(&self) -> anyhow::Result<u32> {
        let daemon = self.collector.as_ref();
        Ok(daemon.context("the collector does not run")?.pid())
    }

    /// Adds the machine, assigned and active, and waits until it has reported.
    pub fn add_machine(&mut self) -> anyhow::Result<()> {
        self.hospital.add_machine(Row::plain(MACHINE, UNIT))?;
        self.hospital.assign()
    }

    /// Assigns machines of a crowd: each standard, active and in no group.
    pub fn assign(&self, machines: impl Iterator<Item = (usize, MachineId)>) -> anyhow::Result<()> {
        let mut text = String::from("number = 1\n");
        for (number, id) in machines {
            writeln!(
                text,
                "[[machines]]\nmachine = \"{id}\"\nname = \"crowd-{number}\"\n\
                 unit = \"{UNIT}\"\nclass = \"standard\"\ngroups = []\n\
                 model = \"workstation\"\nmode = \"active\""
            )?;
        }
        let people = self.hospital.people();
        std::fs::write(people.join("assignment.toml"), text)?;
        let from = [
            "assignment",
            "--from",
            "assignment.toml",
            "--out",
            "crowd.cbor",
        ];
        let keys = ["--yes", "--key", "ada.pem", "--key", "ben.pem"];
        self.hospital.sign(&[&from[..], &keys].concat())?;
        let signed = people.join("crowd.cbor");
        self.hospital
            .ask(&["document", "add", &signed.to_string_lossy()])?;
        Ok(())
    }

    /// Starts the machine's agent anew with settings changed: a line of TOML replaces
    /// the one with its key, or is added.
    pub fn restart_agent(&mut self, changes: &[String]) -> anyhow::Result<()> {
        let machine = self.hospital.machine(MACHINE)?;
        machine.kill_agent();
        let path = machine.path("agent.toml");
        let key = |line: &str| line.split('=').next().unwrap_or("").trim().to_owned();
        let old = std::fs::read_to_string(&path)?;
        let kept = old
            .lines()
            .filter(|line| changes.iter().all(|change| key(change) != key(line)));
        let lines: Vec<&str> = kept.chain(changes.iter().map(String::as_str)).collect();
        std::fs::write(&path, lines.join("\n"))?;
        machine.start_agent()
    }

    /// A path in the machine's folder.
    pub fn machine_path(&mut self, below: &str) -> anyhow::Result<PathBuf> {
        Ok(self.hospital.machine(MACHINE)?.path(below))
    }
}

/// A root folder that is this computer's but for the packages: those of a Debian 12
/// desktop.
pub struct Root {
    /// The folder.
    pub path: PathBuf,
}

impl Root {
    /// Makes it in `path`.
    pub fn make(path: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path.join("var/lib/dpkg/updates"))?;
        for same in ["proc", "sys", "etc", "usr", "run"] {
            symlink(format!("/{same}"), path.join(same))?;
        }
        let root = Self { path };
        root.write(0)?;
        Ok(root)
    }

    /// Writes the packages; in `edition` n the first n have another revision.
    pub fn write(&self, edition: usize) -> anyhow::Result<()> {
        let mut text = String::new();
        for (at, line) in PACKAGES.lines().enumerate() {
            let fields: Vec<&str> = line.split(' ').collect();
            let [name, version, arch] = fields[..] else {
                anyhow::bail!("{line:?} is no package");
            };
            let newer = if at < edition { "+deb12u1" } else { "" };
            writeln!(
                text,
                "Package: {name}\nStatus: install ok installed\nArchitecture: {arch}\n\
                 Version: {version}{newer}\nDescription: one of 900\n"
            )?;
        }
        // As dpkg does: whole or not at all.
        let folder = self.path.join("var/lib/dpkg");
        std::fs::write(folder.join("status-new"), text)?;
        Ok(std::fs::rename(
            folder.join("status-new"),
            folder.join("status"),
        )?)
    }

    /// How many packages there are.
    pub fn count() -> usize {
        PACKAGES.lines().count()
    }
}
