//! A root shell at a machine, into which a person types: what they type is not echoed, and a
//! command that fails ends the shell.

use super::container::Container;
use super::guide::shows;
use super::patience::until;
use anyhow::{Context as _, bail};
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Longest session, in seconds.
const SESSION_SECONDS: &str = "900";

/// A shell that reads what is typed, a byte at a time, as at a terminal: a command that asks
/// something reads what is typed next.
pub(super) struct Terminal {
    name: String,
    shell: Child,
    keys: ChildStdin,
    log: PathBuf,
    /// How much had been printed when the last block was typed.
    seen: usize,
    /// How many blocks were typed; the shell says that each is done.
    blocks: u32,
}

impl Terminal {
    /// Opens one at a machine that runs.
    pub(super) fn open(name: &str, container: &Container, log: PathBuf) -> anyhow::Result<Self> {
        let shell = ["env", "--chdir=/root", "bash", "-e"];
        let mut command: Command = container.command_for(SESSION_SECONDS, &shell)?;
        let file = File::create(&log).context("opening a log")?;
        let mut shell = command
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("starting a shell")?;
        let keys = shell.stdin.take().context("a shell reads")?;
        Ok(Self {
            name: name.to_owned(),
            shell,
            keys,
            log,
            seen: 0,
            blocks: 0,
        })
    }

    /// All that it has printed.
    pub(super) fn printed(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What it has printed since the last block was typed.
    fn news(&self) -> String {
        self.printed().split_off(self.seen)
    }

    /// Types a line or more.
    pub(super) fn types(&mut self, text: &str) -> anyhow::Result<()> {
        let written = writeln!(self.keys, "{text}").and_then(|()| self.keys.flush());
        written.with_context(|| self.story(text))
    }

    /// Types a block; what it asks is typed next, and then that it is whole.
    pub(super) fn begins(&mut self, text: &str) -> anyhow::Result<()> {
        self.seen = self.printed().len();
        self.blocks += 1;
        self.types(text)
    }

    /// Says that all of a block is typed: only now it can be done.
    pub(super) fn typed(&mut self) -> anyhow::Result<()> {
        let word = self.word();
        self.types(&format!("echo {word}"))
    }

    /// Waits until a line is seen; `false` where all of the block is done without it.
    pub(super) fn shows(&mut self, line: &str) -> anyhow::Result<bool> {
        let (mut is_seen, mut is_over) = (false, false);
        let waited = until(&format!("{} shows: {line}", self.name), || {
            // Asked first: what it printed at its end is still looked at.
            is_over = self.is_over();
            is_seen = shows(&self.news(), line);
            is_seen || is_over
        });
        waited.with_context(|| self.story(line))?;
        match is_seen {
            false if self.has_ended() => bail!(self.story(line)),
            is_seen => Ok(is_seen),
        }
    }

    /// Waits until every command of the last block is done.
    pub(super) fn done(&mut self) -> anyhow::Result<()> {
        let what = format!("{} is done", self.name);
        let waited = until(&what, || self.is_over());
        waited.with_context(|| self.story(&what))?;
        match self.has_ended() {
            true => bail!(self.story("a command failed")),
            false => Ok(()),
        }
    }

    fn word(&self) -> String {
        format!("-- block-{}-is-done", self.blocks)
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.shell.try_wait(), Ok(None))
    }

    fn is_over(&mut self) -> bool {
        let word = self.word();
        let is_done = self.blocks == 0 || self.printed().lines().any(|line| line == word);
        is_done || self.has_ended()
    }

    fn story(&self, what: &str) -> String {
        format!("at {}, {what}; it shows:\n{}", self.name, self.news())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
