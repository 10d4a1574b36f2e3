//! The collector's package in a next version, and back again, while it serves.

use super::patience::doing;
use super::{Machine, NAME, debs};
use anyhow::ensure;

const COLLECTOR: &str = "patchward-collector";
const RELAY: &str = "patchward-relay";
const TIMER: &str = "patchward-collector-backup.timer";
/// Where a package lies that is installed.
const PACKAGE: &str = "/root/patchward-collector.deb";
/// What is the hospital's in the folders of collector and relay, by its content.
const FILES: &str = "cd /var/lib && sha256sum patchward-collector/collector.toml \
    patchward-collector/go.key $(find patchward-collector/ca -type f | sort) \
    patchward-relay/relay.toml patchward-relay/relay.key patchward-relay/relay.crt";

impl Machine {
    /// Upgraded and downgraded, the collector is another process that knows all that it knew; its
    /// machines come back by themselves, and what IT switched off stays off.
    pub(super) fn newer(&mut self) -> anyhow::Result<()> {
        let work = tempfile::tempdir()?;
        let package = self.choice.collector.clone();
        let [own, next] = doing("packing the collector's next version", || {
            debs::next(work.path(), &package)
        })?;
        // Somebody makes backups in another way.
        self.container
            .run(&["systemctl", "disable", "--now", "--quiet", TIMER])?;
        let known = self.remembers()?;
        let backups = self.backups()?;
        for (version, bytes) in [next, own] {
            self.goes_over_to(&version, &bytes)?;
            let now = self.remembers()?;
            ensure!(now == known, "{version} knows other things: {known}\n{now}");
        }
        ensure!(self.backups()? == backups, "backups came or went");
        self.container
            .run(&["systemctl", "enable", "--now", "--quiet", TIMER])?;
        self.nothing_failed()
    }

    fn goes_over_to(&self, version: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut before = Vec::new();
        for unit in [COLLECTOR, RELAY] {
            before.push((unit, self.property(unit, "MainPID")?));
        }
        std::fs::write(self.container.path(PACKAGE), bytes)?;
        doing(&format!("installing {COLLECTOR} {version}"), || {
            self.container.run(&["dpkg", "--install", PACKAGE])
        })?;
        let query = ["dpkg-query", "--show", "--showformat=${Version}", COLLECTOR];
        let installed = self.container.run(&query)?;
        ensure!(installed == version, "{installed} is installed");
        for (unit, old) in before {
            self.is(unit, "active")?;
            let new = self.property(unit, "MainPID")?;
            ensure!(new != old, "the old {unit} still runs");
            let program = format!("/proc/{new}/exe");
            let program = self.container.run(&["readlink", &program])?;
            ensure!(!program.contains("deleted"), "{unit} runs {program}");
        }
        self.is(TIMER, "inactive")?;
        self.is_enabled(TIMER, "disabled")?;
        self.in_contact()
    }

    /// What the collector tells of its documents, its machine and its jobs, and its files.
    fn remembers(&self) -> anyhow::Result<String> {
        let mut told = vec![self.container.shell(FILES)?];
        for words in [
            &["document", "list"][..],
            &["token", "list"],
            &["plan", "list"],
            &["job", "list"],
        ] {
            told.push(self.json(words)?.to_string());
        }
        let shown = self.json(&["machine", "show", NAME])?;
        for lasting in ["id", "machine", "unit", "class", "mode"] {
            told.push(format!("{lasting}: {}", shown[lasting]));
        }
        Ok(told.join("\n"))
    }
}
