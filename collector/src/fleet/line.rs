//! Who waits for a handshake. They are let in in the order in which they came, until the first has
//! waited for half as long as a machine waits. Then more come than can be served, and who came last
//! is let in first: in the other order each handshake would begin just when its machine gives up,
//! and the next one as well.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Who waits, and since when; the first comes first.
#[derive(Debug)]
pub(super) struct Line<T> {
    waiting: VecDeque<(Instant, T)>,
    patience: Duration,
}

impl<T> Line<T> {
    /// A line in which nobody waits for longer than this.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            waiting: VecDeque::new(),
            patience,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Somebody waits from now on.
    pub(super) fn joins(&mut self, who: T, now: Instant) {
        self.waiting.push_back((now, who));
    }

    /// Whose turn it is.
    pub(super) fn next(&mut self, now: Instant) -> Option<T> {
        let (since, _) = self.waiting.front()?;
        let next = match now.duration_since(*since) < self.patience / 2 {
            true => self.waiting.pop_front(),
            false => self.waiting.pop_back(),
        };
        next.map(|(_, who)| who)
    }

    /// Somebody who does not wait any more.
    pub(super) fn late(&mut self, now: Instant) -> Option<T> {
        let patience = self.patience;
        let is_late = |(since, _): &mut (Instant, T)| now.duration_since(*since) >= patience;
        self.waiting.pop_front_if(is_late).map(|(_, who)| who)
    }

    /// Everybody.
    pub(super) fn leave(&mut self) -> impl Iterator<Item = T> + '_ {
        self.waiting.drain(..).map(|(_, who)| who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn where_too_many_wait_who_came_last_is_let_in_first_and_who_has_gone_never() {
        let begun = clock::begin();
        let mut line = Line::new(10 * SECOND);
        for number in 0..7 {
            line.joins(number, begun + number * SECOND);
        }
        let next = |line: &mut Line<u32>, seconds| line.next(begun + seconds * SECOND);
        let late = |line: &mut Line<u32>, seconds| line.late(begun + seconds * SECOND);
        assert_eq!(next(&mut line, 4), Some(0));
        assert_eq!(next(&mut line, 6), Some(6), "the first waits since 1");
        assert_eq!(late(&mut line, 10), None);
        assert_eq!(late(&mut line, 12), Some(1));
        assert_eq!(late(&mut line, 12), Some(2));
        assert_eq!(late(&mut line, 12), None);
        assert_eq!(next(&mut line, 12), Some(5));
        assert_eq!(Vec::from_iter(line.leave()), [3, 4]);
        assert_eq!(next(&mut line, 12), None);
        assert!(line.is_empty());
    }
}
