//! What a journal says of one job.

use super::{Event, State, Unexpected};
use crate::id::JobId;
use crate::time::UtcMs;
use std::fmt::Write as _;

/// A job's events so far.
#[derive(Clone, Debug)]
pub struct History {
    /// Each with its sequence and time.
    pub events: Vec<(u64, UtcMs, Event)>,
    /// Where they lead.
    pub state: State,
}

impl Default for History {
    /// An assigned job of which nothing is told yet.
    fn default() -> Self {
        Self {
            events: Vec::new(),
            state: State::Assigned,
        }
    }
}

impl History {
    /// Takes the next event. One that does not fit is kept, and the state stays.
    ///
    /// # Errors
    /// Where it does not fit.
    pub fn take(&mut self, sequence: u64, at: UtcMs, event: Event) -> Result<(), Unexpected> {
        let after = self.state.after(&event);
        self.events.push((sequence, at, event));
        self.state = after?;
        Ok(())
    }

    /// Why the job stands where it stands, in words; `held` is what else stands in its way.
    pub fn told(&self, job: JobId, held: &str) -> String {
        let mut text = format!("Job {job} is {}.\n", self.state.word());
        if let Some(reason) = self.state.reason() {
            let step = reason.step.map(|step| format!(" (step {})", step.number()));
            // Writing to a String has no error, here and below.
            let _ = writeln!(text, "Why: {}{}", reason.text, step.unwrap_or_default());
        }
        text.push_str(held);
        for (sequence, at, event) in &self.events {
            let more = event.detail();
            let _ = writeln!(text, "{sequence:6} {at} {} {more}", event.word());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Reason;

    #[test]
    fn events_are_taken_in_order_and_told() {
        let mut history = History::default();
        assert!(history.take(1, UtcMs(0), Event::Prepared).is_ok());
        // What does not fit is told all the same.
        let stray = Event::RecoveryBegan(Reason::new("it broke"));
        assert!(history.take(2, UtcMs(0), stray).is_err());
        assert_eq!(history.state, State::Staged);
        let text = history.told(JobId([1; 16]), "Held.\n");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(
            lines[0].ends_with("is staged.") && lines[1] == "Held.",
            "{text}"
        );
        assert!(
            lines[2].contains("prepared") && lines[3].contains("it broke"),
            "{text}"
        );
    }
}
