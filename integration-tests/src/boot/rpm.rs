//! The agent's .rpm, installed, upgraded, downgraded and erased by rpm on a machine that runs: its
//! scripts do there what those of the .deb do elsewhere.

use super::life::{AGENT_SETTINGS, PROBE, SESSIONS};
use super::patience::{doing, until};
use super::{Machine, NAME, debs};
use crate::packages::{self, Effort, Package, Tree};
use crate::process::run;
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// rpm, with its database where it is on systems of rpm's own; Debian puts it into root's home.
const RPM: &str = "rpm --dbpath=/var/lib/rpm";
/// What begins by itself, once it is installed.
const ENABLED: [&str; 4] = [
    "patchward-agent.service",
    "patchward-installer.socket",
    "patchward-installer-resume.service",
    NOTICES,
];
/// What a hospital may not want.
const NOTICES: &str = "patchward-notice.service";
const AGENT: &str = "patchward-agent.service";
const SOCKET: &str = "patchward-installer.socket";
/// The folders that are made before anything runs, with owner and mode.
const FOLDERS: &str = "stat --format='%n %U:%G %a' /var/lib/patchward-agent \
    /var/lib/patchward-installer /run/patchward /etc/patchward/probes.d";
const AS_THEY_ARE: &str = "/var/lib/patchward-agent patchward:patchward 700\n\
    /var/lib/patchward-installer root:root 700\n/run/patchward root:root 755\n\
    /etc/patchward/probes.d root:root 755\n";
/// What the machine is, by its content, and what was said to it.
const STATE: &str = "find /var/lib/patchward-agent/credentials /var/lib/patchward-installer/pin \
    /var/lib/patchward-installer/machine.key /etc/patchward/agent.toml \
    /etc/patchward/installer.toml -type f | sort | xargs sha256sum";
/// What rpm lays beside settings, where it finds others.
const BESIDE: &str = "find /etc/patchward -name '*.rpm*' | sort";
/// What of the package is left, beside state and settings.
const LEFT: &str = "find /etc/systemd /etc/xdg /usr /run/systemd -path '*patchward*' \
    -not -path '*patchward-collector*' -not -path '*patchward-relay*' \
    -not -path '*patchward-sign*' 2>/dev/null || true";

impl Machine {
    /// What an administrator of such a system types: the agent by rpm. The collector, which is packed
    /// for Debian alone, comes as it does elsewhere.
    pub(super) fn rpm_install(&mut self) -> anyhow::Result<()> {
        let collector = self.put(&self.choice.collector)?;
        doing("installing the collector's .deb", || {
            self.container.run(&["dpkg", "--install", &collector])
        })?;
        let rpm = self.put(&self.choice.rpm)?;
        self.rpm(&["--install", &rpm])?;
        self.container
            .run(&["getent", "passwd", "patchward"])
            .context("nobody made the agent's user")?;
        self.container.run(&["getent", "group", "patchward-ward"])?;
        let folders = self.container.shell(FOLDERS)?;
        ensure!(folders == AS_THEY_ARE, "the folders are {folders}");
        for unit in ENABLED {
            self.is_enabled(unit, "enabled")?;
        }
        self.is(SOCKET, "active")?;
        self.is(NOTICES, "active")?;
        for waits in [AGENT, "patchward-installer.service"] {
            self.is(waits, "inactive")?;
        }
        self.say_where_the_boot_id_is()?;
        self.nothing_failed()
    }

    /// A next version and back again, while the agent runs. What IT switched off stays off, and what
    /// IT wrote stays as it is.
    pub(super) fn rpm_newer(&mut self) -> anyhow::Result<()> {
        self.reported_by_rpm()?;
        let work = tempfile::tempdir()?;
        let (own, next) = self.versions()?;
        let package = doing("packing the next .rpm", || {
            rpm_of(&self.choice.agent, &next, work.path())
        })?;
        let off = ["systemctl", "disable", "--now", "--quiet", NOTICES];
        self.container.run(&off)?;
        let state = self.container.shell(STATE)?;
        let steps = [
            (next, package, &["--upgrade"][..]),
            (
                own,
                self.choice.rpm.clone(),
                &["--upgrade", "--oldpackage"][..],
            ),
        ];
        for (version, package, how) in steps {
            let agent = self.property(AGENT, "MainPID")?;
            let socket = self.property(SOCKET, "InvocationID")?;
            let package = self.put(&package)?;
            self.rpm(&[how, &[&package]].concat())?;
            let stands = self.rpm_knows("%{VERSION}")?;
            ensure!(stands == version, "{stands} is installed");
            self.is(AGENT, "active")?;
            let new = self.property(AGENT, "MainPID")?;
            ensure!(new != agent, "the old agent still runs");
            let program = format!("/proc/{new}/exe");
            let program = self.container.run(&["readlink", &program])?;
            ensure!(!program.contains("deleted"), "{program} runs");
            ensure!(
                socket == self.property(SOCKET, "InvocationID")?,
                "the installer's socket was begun anew"
            );
            self.is_enabled(NOTICES, "disabled")?;
            self.is(NOTICES, "inactive")?;
            let now = self.container.shell(STATE)?;
            ensure!(now == state, "its state was {state}, and is {now}");
            let beside = self.container.shell(BESIDE)?;
            ensure!(beside.is_empty(), "rpm put beside settings: {beside}");
            self.in_contact()?;
        }
        let on = ["systemctl", "enable", "--now", "--quiet", NOTICES];
        self.container.run(&on)?;
        self.nothing_failed()
    }

    /// Erased while logins are refused, it stops, lets people log in again and keeps what the machine
    /// is; installed again, it is the machine that it was.
    pub(super) fn rpm_erase(&mut self) -> anyhow::Result<()> {
        self.container.write(PROBE, SESSIONS)?;
        let refusal = "echo 'Patchward: This computer is being updated.' > /run/nologin";
        self.container.shell(refusal)?;
        let state = self.container.shell(STATE)?;
        self.rpm(&["--erase", debs::OWN])?;
        self.nothing_runs()?;
        self.hears_of_it("nobody hears of the machine", false)?;
        let refuses = self.container.run(&["test", "-e", "/run/nologin"]);
        ensure!(refuses.is_err(), "nobody can log in any more");
        let left = self.container.shell(LEFT)?;
        ensure!(left.trim().is_empty(), "left: {left}");
        self.container.run(&["getent", "passwd", "patchward"])?;
        // What was changed lies beside its place, and what people added where it was.
        let beside = self.container.shell(BESIDE)?;
        let wanted = AGENT_SETTINGS.map(|file| format!("/etc/patchward/{file}.rpmsave\n"));
        ensure!(beside == wanted.concat(), "rpm kept {beside}");
        ensure!(self.container.path(PROBE).exists(), "{PROBE} went");
        self.is("patchward-collector", "active")?;
        self.nothing_failed()?;
        let put_back = "cd /etc/patchward; for one in *.rpmsave; do mv $one ${one%.rpmsave}; done";
        self.container.shell(put_back)?;
        let rpm = self.put(&self.choice.rpm)?;
        self.rpm(&["--install", &rpm])?;
        for unit in ENABLED {
            self.is_enabled(unit, "enabled")?;
        }
        self.is(AGENT, "active")?;
        self.is(NOTICES, "active")?;
        let now = self.container.shell(STATE)?;
        ensure!(now == state, "its state was {state}, and is {now}");
        self.in_contact()?;
        self.nothing_failed()
    }

    /// What rpm does. What the package needs is here by dpkg, so that rpm knows nothing of it.
    fn rpm(&self, words: &[&str]) -> anyhow::Result<()> {
        let words = words.join(" ");
        doing(&format!("rpm {words}"), || {
            let said = self
                .container
                .shell(&format!("{RPM} --nodeps {words} 2>&1"))?;
            // rpm goes on where a script failed, and says so.
            ensure!(!said.contains("scriptlet failed"), "rpm says: {said}");
            Ok(())
        })
    }

    /// What rpm knows of the package that is installed.
    fn rpm_knows(&self, format: &str) -> anyhow::Result<String> {
        let asks = format!("{RPM} --query --queryformat='{format}' {}", debs::OWN);
        self.container.shell(&asks)
    }

    /// The inventory has the package as rpm knows it.
    fn reported_by_rpm(&self) -> anyhow::Result<()> {
        let version = self.rpm_knows("%{VERSION}-%{RELEASE}")?;
        until(&format!("{} {version} is reported", debs::OWN), || {
            let found = self.json(&["machine", "components", NAME]);
            let found = found.ok().and_then(|found| found.as_array().cloned());
            let is_it =
                |one: &Value| one["component"] == debs::OWN && one["version"] == version.as_str();
            found.into_iter().flatten().any(|one| is_it(&one))
        })
    }

    /// The version of the package that was given, and the next one.
    fn versions(&self) -> anyhow::Result<(String, String)> {
        let mut query = Command::new("rpm");
        query.args(["--query", "--queryformat=%{VERSION}", "--package"]);
        let own = run(query.arg(&self.choice.rpm))?;
        let next = format!("{own}+next");
        Ok((own, next))
    }
}

/// The agent's .rpm in another version, of what its .deb holds: both are packed of one tree.
fn rpm_of(deb: &Path, version: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let tree = Tree {
        package: Package::Agent,
        folder: folder.join("tree"),
        date: packages::source_date()?,
        is_static: false,
    };
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .args([deb, &tree.folder]))?;
    packages::rpm(&tree, version, Effort::Least, folder)
}
