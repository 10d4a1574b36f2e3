//! A machine's life beside its rollouts: from the first package to the last purge.

use super::patience::{doing, until};
use super::rollout::Vendors;
use super::signed::People;
use super::{Machine, NAME, UNIT, as_user, debs, root};
use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::path::Path;

/// Where the collector is reached from within.
const ADDRESS: &str = "127.0.0.1:9443";
/// How often it reports: what is waited for here waits for that.
const PACE_SECONDS: &str = "5";
/// The interlock of most machines: whoever is logged in uses it.
const SESSIONS: &str = include_str!("../../../configs/probes.d/sessions.toml");
/// Where it lies at the machine.
const PROBE: &str = "/etc/patchward/probes.d/sessions.toml";
/// Somebody who works at the machine.
const PERSON: &str = "nurse";
/// What is there only while a package is installed, or until it is purged.
const STATE: [&str; 3] = [
    "/var/lib/patchward-agent",
    "/var/lib/patchward-installer",
    "/var/lib/patchward-collector",
];

impl Machine {
    pub(super) fn boot(&mut self) -> anyhow::Result<()> {
        self.container.boot()
    }

    /// Installs both packages as an administrator does, and looks at what runs by itself.
    pub(super) fn install(&mut self) -> anyhow::Result<()> {
        for package in [&self.choice.agent, &self.choice.collector] {
            let name = package.file_name().context("a package is a file")?;
            let inside = Path::new("/root").join(name);
            std::fs::copy(package, self.container.path(&inside))
                .with_context(|| format!("reading {}", package.display()))?;
            doing(&format!("installing {}", name.to_string_lossy()), || {
                self.container
                    .run(&["dpkg", "--install", &inside.to_string_lossy()])
            })?;
        }
        // A container's services see the boot id of the computer below it; so they are told
        // where this boot's stands.
        for settings in ["agent.toml", "installer.toml"] {
            let path = self
                .container
                .path(Path::new("/etc/patchward").join(settings));
            let text = std::fs::read_to_string(&path)?;
            let boot_id = format!("boot_id_file = \"{}\"\n{text}", root::BOOT_ID);
            std::fs::write(&path, boot_id)?;
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
    pub(super) fn init(&mut self) -> anyhow::Result<()> {
        let page = ["--second-factor", "offered"];
        let pace = ["--pace-seconds", PACE_SECONDS];
        let init = [&["init", "--address", ADDRESS][..], &page, &pace];
        self.collector(&init.concat())?;
        self.container
            .run(&["systemctl", "start", "patchward-collector"])?;
        let vendors = Vendors::new(&self.container)?;
        let documents = People(&self.container).begin(&vendors.granted())?;
        self.vendors = Some(vendors);
        for document in documents {
            self.collector(&["document", "add", &document])?;
        }
        self.collector(&["site", "add", "main"])?;
        let unit = ["unit", "add", UNIT, "--site", "main", "--class", "standard"];
        self.collector(&unit)?;
        let made = self.json(&["token", "new", "first", "--unit", UNIT])?;
        self.token = made["token"].as_str().context("a token")?.to_owned();
        Ok(())
    }

    /// What the administrator types at the machine, and what at the collector.
    pub(super) fn enrol(&mut self) -> anyhow::Result<()> {
        // The natural first question; the installer that answers it is not pinned yet.
        if self.agent(&["doctor"]).is_ok() {
            bail!("a machine without a certificate is well");
        }
        let pinned = self
            .container
            .run(&["patchward-installer", "pin", &self.token])?;
        let id = pinned.split_whitespace().last();
        self.id = id.context("pin says the id")?.to_owned();
        let enrols = ["patchward-agent", "enroll", "--token", &self.token];
        let enrols = [&as_user("patchward")[..], &enrols].concat();
        let enrolment = self.container.begin("enrolment", &enrols)?;
        until("a person can accept it", || {
            self.collector(&["machine", "accept", &self.id, "--name", NAME])
                .is_ok()
        })?;
        enrolment.wait_for_end()?;
        self.container
            .run(&["systemctl", "start", "patchward-agent"])?;
        self.is("patchward-agent", "active")
    }

    /// The machine is known with what is installed on it, among that our own packages.
    pub(super) fn report(&mut self) -> anyhow::Result<()> {
        for package in ["systemd", "patchward-agent", "patchward-collector"] {
            self.known(package)?;
        }
        self.nothing_failed()
    }

    /// Everything comes back by itself, and the machine speaks of another boot.
    pub(super) fn reboot(&mut self) -> anyhow::Result<()> {
        let before = self.boot_id()?;
        self.container.reboot()?;
        ensure!(before != self.boot_id()?, "the boot id is the same");
        for unit in ["patchward-collector", "patchward-agent"] {
            self.is(unit, "active")?;
        }
        self.in_contact()
    }

    /// Logind, asked from within the installer's sandbox: somebody logs in, and out again.
    pub(super) fn in_use(&mut self) -> anyhow::Result<()> {
        self.container.write(PROBE, SESSIONS)?;
        self.says("idle")?;
        self.container.run(&["useradd", "--create-home", PERSON])?;
        self.logs_in()?;
        self.says("nurse is logged in")?;
        self.logs_out()?;
        self.says("idle")
    }

    /// Somebody sits down at the machine.
    pub(super) fn logs_in(&self) -> anyhow::Result<()> {
        let words = [
            "systemd-run",
            "--quiet",
            "--collect",
            "--unit=nurse",
            "--property=User=nurse",
            "--property=PAMName=login",
            // Without a terminal logind would take it for a service of hers.
            "--property=Environment=XDG_SESSION_CLASS=user",
            "sleep",
            "infinity",
        ];
        self.container.run(&words).map(drop)
    }

    /// And leaves.
    pub(super) fn logs_out(&self) -> anyhow::Result<()> {
        self.container.run(&["systemctl", "stop", PERSON]).map(drop)
    }

    /// Waits until the installer says this of the interlock.
    pub(super) fn says(&self, wanted: &str) -> anyhow::Result<()> {
        until(&format!("the interlock says: {wanted}"), || {
            let said = self.agent(&["status"]).unwrap_or_default();
            let mut lines = said.lines().filter(|line| line.starts_with("Interlock"));
            lines.any(|line| line.contains(wanted))
        })
    }

    /// An agent that neither ends nor gets on is ended by its watchdog: after the minute and
    /// the pace that it promised its next sign within.
    pub(super) fn hang(&mut self) -> anyhow::Result<()> {
        let before = self.property("patchward-agent", "NRestarts")?;
        self.container
            .run(&["systemctl", "kill", "--signal=STOP", "patchward-agent"])?;
        until("it is started anew", || {
            let now = self.property("patchward-agent", "NRestarts");
            now.is_ok_and(|now| now != before)
        })?;
        self.is("patchward-agent", "active")?;
        let journal = ["journalctl", "--boot", "--unit=patchward-agent"];
        if !self.container.run(&journal)?.contains("Watchdog timeout") {
            bail!("it was started anew, and not by its watchdog");
        }
        self.in_contact()
    }

    /// Removed, it stops and keeps its state; installed again, it is the machine that it was.
    pub(super) fn again(&mut self) -> anyhow::Result<()> {
        let package = Path::new("/root").join(self.choice.agent.file_name().unwrap_or_default());
        doing("removing the agent's package", || {
            self.container.run(&["dpkg", "--remove", debs::OWN])
        })?;
        let runs = "pgrep() { ls /proc/[0-9]*/exe -l 2>/dev/null | grep -q \"$1\"; }; \
                    ! pgrep patchward-agent && ! pgrep patchward-installer";
        self.container.shell(runs).context("something still runs")?;
        let [agent, installer, _] = STATE;
        for kept in [agent, installer, "/etc/patchward/agent.toml", PROBE] {
            ensure!(self.container.path(kept).exists(), "{kept} did not stay");
        }
        doing("installing it again", || {
            self.container
                .run(&["dpkg", "--install", &package.to_string_lossy()])
        })?;
        self.is("patchward-agent", "active")?;
        self.in_contact()?;
        self.nothing_failed()
    }

    /// Purged, only what people wrote and what was installed by rollouts stays.
    pub(super) fn purge(&mut self) -> anyhow::Result<()> {
        let collector = "patchward-collector";
        doing("purging both packages", || {
            self.container
                .run(&["dpkg", "--purge", debs::OWN, collector])
        })?;
        for gone in STATE.iter().chain(&["/etc/patchward/agent.toml"]) {
            ensure!(!self.container.path(gone).exists(), "{gone} is left");
        }
        ensure!(self.container.path(PROBE).exists(), "{PROBE} went");
        let left = "find /etc/systemd /usr/lib/systemd /var/lib/systemd/deb-systemd-helper-* \
                    /run/systemd/system /run/patchward /usr/bin /usr/sbin /usr/libexec \
                    /usr/lib/sysusers.d /usr/lib/tmpfiles.d -name '*patchward*' 2>/dev/null || true";
        let left = self.container.shell(left)?;
        ensure!(left.trim().is_empty(), "left: {left}");
        let units = ["systemctl", "list-units", "--all", "--plain", "--no-legend"];
        let units = self
            .container
            .run(&[&units[..], &["patchward*"]].concat())?;
        ensure!(units.trim().is_empty(), "units are left: {units}");
        self.serves("4.0")?;
        // It boots without it, too.
        self.container.reboot()?;
        self.nothing_failed()
    }

    /// The collector hears of the machine.
    pub(super) fn in_contact(&self) -> anyhow::Result<()> {
        until("it is in contact again", || {
            let shown = self.json(&["machine", "show", NAME]);
            shown.is_ok_and(|shown| shown["connected"] == Value::Bool(true))
        })
    }

    fn nothing_failed(&self) -> anyhow::Result<()> {
        let failed = ["systemctl", "--failed", "--plain", "--no-legend"];
        let failed = self.container.run(&failed)?;
        ensure!(failed.trim().is_empty(), "units have failed: {failed}");
        Ok(())
    }
}
