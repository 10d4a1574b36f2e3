//! A terminal at the machine, on which somebody lets others write, and what `patchward-notice` shows
//! there from within its unit.

use super::Machine;
use super::patience::until;
use anyhow::{Context as _, ensure};

/// The unit that looks for what is to be told.
const NOTICES: &str = "patchward-notice";
/// The terminal's own unit, and where all that it shows is kept.
const TERMINAL: &str = "terminal";
const SHOWN: &str = "/run/terminal.shown";
/// What a terminal shows while the machine is worked on, and when that is over.
const UNDER_WAY: &str = "*** This computer is being updated: not for clinical use ***";
const DONE: &str = "*** The update of this computer is done ***";

impl Machine {
    /// Opens a terminal. Its person did not log in, so nobody counts as using the machine.
    pub(super) fn terminal_opens(&self) -> anyhow::Result<()> {
        let unit = format!("--unit={TERMINAL}");
        let words = ["systemd-run", "--quiet", "--collect", &unit];
        let script = ["script", "--quiet", "--flush", "--command"];
        let shows = ["sleep infinity", SHOWN];
        self.container
            .run(&[&words[..], &script, &shows].concat())?;
        until("the terminal is open", || {
            // The device is there, and others may write to it, as after `mesg y`.
            let open = "find /dev/pts -name '[0-9]*' -group tty -perm -g=w | grep -q .";
            self.container.shell(open).is_ok()
        })
    }

    /// The terminal shows that this job is being worked on.
    pub(super) fn is_told_under_way(&self, title: &str) -> anyhow::Result<()> {
        self.terminal_shows(&[UNDER_WAY, title, "running until"])
    }

    /// The terminal shows that it is done, and is closed; the unit told both in one life.
    pub(super) fn is_told_done(&self) -> anyhow::Result<()> {
        self.terminal_shows(&[UNDER_WAY, DONE])?;
        let told = self.container.read(SHOWN)?;
        ensure!(
            told.matches(UNDER_WAY).count() == 1,
            "it was told more than once: {told}"
        );
        self.is(NOTICES, "active")?;
        let restarts = self.property(NOTICES, "NRestarts")?;
        ensure!(restarts == "0", "{NOTICES} began anew {restarts} times");
        // It is a user of its own, and not root, who may write anywhere.
        let main = self.property(NOTICES, "MainPID")?;
        let whose = ["stat", "--format=%u", &format!("/proc/{main}")];
        let whose = self.container.run(&whose)?;
        ensure!(whose.trim() != "0", "{NOTICES} runs as root");
        self.container.run(&["systemctl", "stop", TERMINAL])?;
        self.container.run(&["rm", SHOWN]).map(drop)
    }

    fn terminal_shows(&self, wanted: &[&str]) -> anyhow::Result<()> {
        let mut shown = String::new();
        let waited = until(&format!("a terminal shows: {}", wanted.join(", ")), || {
            shown = self.container.read(SHOWN).unwrap_or_default();
            // A line ends where the terminal does, not where the sentence does.
            let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            wanted.iter().all(|one| words.contains(one))
        });
        waited.with_context(|| format!("it shows {shown:?}"))
    }
}
