//! The hostile program's scene: everything is there but the collector's yes, and afterwards
//! nothing is other than it was.

use super::hostile::{ACHIEVED, IN_VAIN, PLACE, TRIED};
use super::patience::until;
use super::{Machine, debs};
use crate::process::run;
use anyhow::{Context as _, ensure};
use patchward_common::job::{Event, JobEvent};
use std::process::Command;

/// Everything that root alone may change, with what is in it. The agent's program is left out:
/// it is what was exchanged.
const ALL: &str = "find /usr /etc /opt /srv /root /var/lib/patchward-collector/go.key \
    /var/lib/patchward-installer/jobs /var/lib/patchward-installer/machine.key /var/lib/dpkg \
    -type f -not -name 'patchward-agent*' -not -name '*.pyc' -printf '%p %s %m %u %T@ %C@\\n' \
    | sort";

impl Machine {
    /// HTM approved a job, the machine prepared it, and nobody uses it: now the agent's program
    /// is a hostile one.
    pub(super) fn hostile(&mut self) -> anyhow::Result<()> {
        // In use until the true agent has brought everything that the job needs.
        self.logs_in()?;
        self.says("nurse is logged in")?;
        let plan = self.rollout(debs::VIEWER, "4.0")?;
        self.wait_for_job(&plan, "deferred")?;
        self.container
            .run(&["systemctl", "stop", "patchward-agent"])?;
        self.put_instead_of_the_agent(&own_program()?)?;
        self.logs_out()?;
        let events = self.events()?.len();
        let before = self.container.shell(ALL)?;
        // Its unit ends with it, in error: it says no word to systemd.
        let _ = self
            .container
            .run(&["systemctl", "start", "patchward-agent"]);
        let mut told = String::new();
        until("the hostile program has tried everything", || {
            let journal = ["journalctl", "--boot", "--output=cat"];
            let unit = ["--unit=patchward-agent"];
            let said = self.container.run(&[&journal[..], &unit].concat());
            told = said.unwrap_or_default();
            told.contains(TRIED)
        })
        .with_context(|| told.clone())?;
        self.container
            .run(&["systemctl", "stop", "patchward-agent"])?;
        for line in told.lines().filter(|line| line.starts_with(IN_VAIN)) {
            println!("          {line}");
        }
        let achieved: Vec<&str> = told
            .lines()
            .filter(|line| line.starts_with(ACHIEVED))
            .collect();
        ensure!(achieved.is_empty(), "it achieved:\n{}", achieved.join("\n"));
        let changed = difference(&before, &self.container.shell(ALL)?);
        ensure!(changed.is_empty(), "it changed:\n{}", changed.join("\n"));
        // What the journal tells of it is that it was refused.
        let events = self.events()?.split_off(events);
        let harmless =
            |event: &JobEvent| matches!(event.event, Event::Refused(_) | Event::Prepared);
        ensure!(events.iter().all(harmless), "the job got on: {events:?}");
        self.serves("3.0")?;
        // Nothing is broken either: with its own agent back, the machine does what was approved.
        self.put_the_agent_back()?;
        self.wait_for_job(&plan, "verified")?;
        self.serves("4.0")
    }
}

/// This very program, without what only debuggers read: called by the agent's name, it is the
/// hostile one.
fn own_program() -> anyhow::Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let small = folder.path().join("hostile");
    run(Command::new("strip")
        .arg("-o")
        .arg(&small)
        .arg(std::env::current_exe()?))?;
    std::fs::read(small).with_context(|| format!("the program for {PLACE}"))
}

/// The lines of one that are not in the other.
fn difference(before: &str, after: &str) -> Vec<String> {
    let lines = |text: &str| {
        text.lines()
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (before, after) = (lines(before), lines(after));
    before.symmetric_difference(&after).cloned().collect()
}
