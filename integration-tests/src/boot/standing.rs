//! What else runs for years at a collector: the backup of every night, and a site's relay.

use super::patience::until;
use super::{Machine, UNIT, as_user, debs};
use anyhow::{Context as _, ensure};

const BACKUP: &str = "patchward-collector-backup";
const TIMER: &str = "patchward-collector-backup.timer";
/// It is night in a second, once. All else of the timer is as it is shipped.
const AT_ONCE: &str =
    "[Timer]\nOnCalendar=\nOnActiveSec=1s\nAccuracySec=1s\nRandomizedDelaySec=0\n";
/// Where the timer's backups go.
const BACKUPS: &str = "/var/backups/patchward";

const RELAY: &str = "patchward-relay";
const RELAY_FOLDER: &str = "/var/lib/patchward-relay";
/// The collector's word on the relay, and the relay's on the collector.
const NAMED: &str =
    "\n[[relays]]\nname = \"near\"\naddress = \"127.0.0.1:9444\"\nunits = [\"UNIT\"]\n";
const RELAY_SETTINGS: &str = "collectors = [\"127.0.0.1:9443\"]\nmost_megabytes = 200\n";
/// What the agent says when the relay was of no use to it.
const OF_NO_USE: &str = "the relay does not hand it out";

impl Machine {
    /// The timer of every night waits for its hour; it comes, and makes a backup that reads back,
    /// beside a collector that goes on serving.
    pub(super) fn backup(&mut self) -> anyhow::Result<()> {
        self.is(TIMER, "active")?;
        let next = self.property(TIMER, "NextElapseUSecRealtime")?;
        ensure!(!next.is_empty(), "{TIMER} waits for nothing");
        ensure!(self.backups()?.is_empty(), "there is a backup already");
        let main = self.property("patchward-collector", "MainPID")?;
        let folder = format!("/etc/systemd/system/{TIMER}.d");
        self.container
            .write(&format!("{folder}/at-once.conf"), AT_ONCE)?;
        self.timer_anew()?;
        until("the timer's backup is made", || {
            self.backups().is_ok_and(|made| made.len() == 1)
        })?;
        self.is(BACKUP, "inactive")?;
        self.container.run(&["rm", "-r", &folder])?;
        self.timer_anew()?;
        let result = self.property(BACKUP, "Result")?;
        ensure!(result == "success", "{BACKUP}: {result}");
        let backups = self.backups()?;
        let [backup] = &backups[..] else {
            anyhow::bail!("one night made {backups:?}");
        };
        self.collector(&["backup", "verify", backup])?;
        let after = self.property("patchward-collector", "MainPID")?;
        ensure!(main == after, "the collector began anew for a backup");
        let whose = self
            .container
            .shell(&format!("find {backup} -printf '%u %m\\n' | sort -u"))?;
        let is_private = |line: &str| {
            line.strip_prefix("patchward-collector ")
                .is_some_and(|mode| mode.ends_with("00"))
        };
        ensure!(
            whose.lines().all(is_private),
            "others may read a backup: {whose}"
        );
        Ok(())
    }

    fn timer_anew(&self) -> anyhow::Result<()> {
        self.container.run(&["systemctl", "daemon-reload"])?;
        self.container
            .run(&["systemctl", "restart", TIMER])
            .map(drop)
    }

    /// Every backup in the timer's folder that has its name, by its path.
    pub(super) fn backups(&self) -> anyhow::Result<Vec<String>> {
        let named = "-name 'collector-*' -not -name '*.partial'";
        let listed = format!("find {BACKUPS} -mindepth 1 -maxdepth 1 {named}");
        let listed = self.container.shell(&listed)?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// A relay, set up as docs/relay.md says; its doctor finds nothing, and its unit runs.
    pub(super) fn relay(&mut self) -> anyhow::Result<()> {
        let own = |words: &[&str]| {
            let user = as_user(RELAY);
            let program = ["patchward-collector", "--folder", RELAY_FOLDER];
            self.container.run(&[&user[..], &program, words].concat())
        };
        // Without settings there is nothing to run, and that is no failure.
        self.is(RELAY, "inactive")?;
        let request = own(&["relay", "--request"])?;
        self.container.write("/srv/near.csr", &request)?;
        let settings = self.container.path(super::system::SETTINGS);
        let named = std::fs::read_to_string(&settings)? + &NAMED.replace("UNIT", UNIT);
        std::fs::write(&settings, named)?;
        self.collector_anew()?;
        let certificate = self.collector(&["ca", "relay", "near", "/srv/near.csr"])?;
        for (name, text) in [("relay.crt", &*certificate), ("relay.toml", RELAY_SETTINGS)] {
            let path = format!("{RELAY_FOLDER}/{name}");
            self.container.write(&path, text)?;
            self.container
                .run(&["chown", "patchward-relay:patchward-relay", &path])?;
        }
        own(&["doctor"]).context("the relay's doctor, before it runs")?;
        self.container.run(&["systemctl", "start", RELAY])?;
        self.is(RELAY, "active")?;
        own(&["doctor"]).context("the relay's doctor, while it runs")?;
        self.in_contact()
    }

    /// What was installed came from the relay: it fetched it because the machine asked, and the
    /// machine had no reason to go to the collector instead.
    pub(super) fn came_by_the_relay(&self, version: &str) -> anyhow::Result<()> {
        // What an artifact is says only its content; some are no packages.
        let held = format!(
            "for one in {RELAY_FOLDER}/artifacts/*; do dpkg-deb --show \
             --showformat='${{Package}} ${{Version}}\\n' \"$one\" 2>/dev/null || true; done"
        );
        let held = self.container.shell(&held)?;
        let wanted = format!("{} {version}", debs::VIEWER);
        ensure!(
            held.lines().any(|one| one == wanted),
            "the relay has no {wanted}, but {held}"
        );
        let told = ["journalctl", "--boot", "--unit=patchward-agent"];
        let told = self.container.run(&told)?;
        ensure!(
            !told.contains(OF_NO_USE),
            "the agent went elsewhere: {told}"
        );
        let restarts = self.property(RELAY, "NRestarts")?;
        ensure!(restarts == "0", "{RELAY} began anew {restarts} times");
        Ok(())
    }
}
