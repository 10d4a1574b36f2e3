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
pub(super) const SESSIONS: &str = include_str!("../../../configs/probes.d/sessions.toml");
/// Where it lies at the machine.
pub(super) const PROBE: &str = "/etc/patchward/probes.d/sessions.toml";
/// The settings that say where it stands which boot this is.
pub(super) const AGENT_SETTINGS: [&str; 2] = ["agent.toml", "installer.toml"];
/// Somebody who works at the machine.
const PERSON: &str = "nurse";
/// What is there only while a package is installed, or until it is purged.
const STATE: [&str; 4] = [
    "/var/lib/patchward-agent",
    "/var/lib/patchward-installer",
    "/var/lib/patchward-collector",
    "/var/lib/patchward-relay",
];

impl Machine {
    pub(super) fn boot(&mut self) -> anyhow::Result<()> {
        self.container.boot()
    }

    /// Installs both packages as an administrator does, and looks at what runs by itself.
    pub(super) fn install(&mut self) -> anyhow::Result<()> {
        for package in [&self.choice.agent, &self.choice.collector] {
            let inside = self.put(package)?;
            doing(&format!("installing {inside}"), || {
                self.container.run(&["dpkg", "--install", &inside])
            })?;
        }
        self.say_where_the_boot_id_is()?;
        for runs in [
            "patchward-installer.socket",
            "patchward-notice",
            "patchward-collector-backup.timer",
        ] {
            self.is(runs, "active")?;
        }
        for waits in [
            "patchward-agent",
            "patchward-collector",
            "patchward-installer",
            "patchward-relay",
        ] {
            self.is(waits, "inactive")?;
        }
        Ok(())
    }

    /// Puts a package where the administrator is, and says where.
    pub(super) fn put(&self, package: &Path) -> anyhow::Result<String> {
        let name = package.file_name().context("a package is a file")?;
        let inside = Path::new("/root").join(name);
        std::fs::copy(package, self.container.path(&inside))
            .with_context(|| format!("reading {}", package.display()))?;
        let inside = inside.to_str().context("a package has a plain name")?;
        Ok(inside.to_owned())
    }

    /// A container's services see the boot id of the computer below it; so they are told where this
    /// boot's stands.
    pub(super) fn say_where_the_boot_id_is(&self) -> anyhow::Result<()> {
        for settings in AGENT_SETTINGS {
            let path = self
                .container
                .path(Path::new("/etc/patchward").join(settings));
            let text = std::fs::read_to_string(&path)?;
            let boot_id = format!("boot_id_file = \"{}\"\n{text}", root::BOOT_ID);
            std::fs::write(&path, boot_id)?;
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

    /// Removed, it stops and keeps its state; installed again, it is the machine that it was.
    pub(super) fn again(&mut self) -> anyhow::Result<()> {
        let package = Path::new("/root").join(self.choice.agent.file_name().unwrap_or_default());
        doing("removing the agent's package", || {
            self.container.run(&["dpkg", "--remove", debs::OWN])
        })?;
        self.nothing_runs()?;
        let [agent, installer, ..] = STATE;
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
        ensure!(!self.backups()?.is_empty(), "the backups went");
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

    /// No program of the agent's package runs.
    pub(super) fn nothing_runs(&self) -> anyhow::Result<()> {
        let program = "patchward-(agent|installer|notice)";
        let runs = format!("! ls -l /proc/[0-9]*/exe 2>/dev/null | grep -E '{program}'");
        let found = self.container.shell(&runs);
        found.map(drop).context("something still runs")
    }

    /// The collector hears of the machine.
    pub(super) fn in_contact(&self) -> anyhow::Result<()> {
        self.hears_of_it("it is in contact again", true)
    }

    /// The collector does not hear of the machine, or does.
    pub(super) fn hears_of_it(&self, what: &str, wanted: bool) -> anyhow::Result<()> {
        until(what, || {
            let shown = self.json(&["machine", "show", NAME]);
            shown.is_ok_and(|shown| shown["connected"] == Value::Bool(wanted))
        })
    }

    pub(super) fn nothing_failed(&self) -> anyhow::Result<()> {
        let failed = ["systemctl", "--failed", "--plain", "--no-legend"];
        let failed = self.container.run(&failed)?;
        ensure!(failed.trim().is_empty(), "units have failed: {failed}");
        Ok(())
    }
}
