//! What happened, in words, for whoever replays a seed.

use super::world::World;
use patchward_common::job::{Event, Verdict};

/// Lines that are kept; a month of 500 machines would fill the memory.
const MAX_LINES: usize = 200_000;

/// The first bytes of an id: enough to tell one from another.
pub(super) fn short(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(3)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// An event in words, with what was measured.
pub(super) fn word(event: &Event) -> &'static str {
    match event {
        Event::Measured(measured) => match &measured.verdict {
            Verdict::Verified => "measured, verified",
            Verdict::RolledBack(_) => "measured, rolled back",
            Verdict::Failed(_) => "measured, failed",
        },
        other => other.word(),
    }
}

impl World {
    /// Notes a line, where somebody wants to read it.
    pub(super) fn trace(&mut self, line: impl FnOnce() -> String) {
        if self.wants_trace && self.lines.len() < MAX_LINES {
            let line = format!("{} {}", self.now, line());
            self.lines.push(line);
        }
    }
}
