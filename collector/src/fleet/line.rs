//! Who waits for a handshake. They are let in in the order in which they came. Who has waited for so
//! long that it would give up before its handshake ends is let in when nobody else waits: else,
//! where more come than can be served, each handshake would begin just when its machine gives up,
//! and the next one as well.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Who waits, and since when.
#[derive(Debug)]
pub(super) struct Line<T> {
    /// The first came first.
    waiting: VecDeque<(Instant, T)>,
    /// Those whose handshake might not end in time; they came before all others, the first first.
    overdue: VecDeque<(Instant, T)>,
    patience: Duration,
}

impl<T> Line<T> {
    /// A line in which nobody waits for longer than this.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            waiting: VecDeque::new(),
            overdue: VecDeque::new(),
            patience,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.overdue.is_empty()
    }

    /// Somebody waits from now on.
    pub(super) fn joins(&mut self, who: T, now: Instant) {
        self.waiting.push_back((now, who));
    }

    /// Whose turn it is. A quarter of the patience is left for the handshake itself.
    pub(super) fn next(&mut self, now: Instant) -> Option<T> {
        let in_time = self.patience / 4 * 3;
        let is_overdue = |(since, _): &mut (Instant, T)| now.duration_since(*since) >= in_time;
        while let Some(one) = self.waiting.pop_front_if(is_overdue) {
            self.overdue.push_back(one);
        }
        let next = self.waiting.pop_front();
        // Of them, who came last waits for longest still.
        let next = next.or_else(|| self.overdue.pop_back());
        next.map(|(_, who)| who)
    }

    /// Somebody who does not wait any more.
    pub(super) fn late(&mut self, now: Instant) -> Option<T> {
        let patience = self.patience;
        let is_late = |(since, _): &mut (Instant, T)| now.duration_since(*since) >= patience;
        let late = self.overdue.pop_front_if(is_late);
        let late = late.or_else(|| self.waiting.pop_front_if(is_late));
        late.map(|(_, who)| who)
    }

    /// Everybody.
    pub(super) fn leave(&mut self) -> impl Iterator<Item = T> + '_ {
        let all = self.overdue.drain(..).chain(self.waiting.drain(..));
        all.map(|(_, who)| who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn all_are_let_in_in_turn_but_who_would_give_up_before_the_end() {
        let begun = clock::begin();
        let mut line = Line::new(8 * SECOND);
        for number in 0..6 {
            line.joins(number, begun + number * SECOND);
        }
        let next = |line: &mut Line<u32>, seconds| line.next(begun + seconds * SECOND);
        let late = |line: &mut Line<u32>, seconds| line.late(begun + seconds * SECOND);
        assert_eq!(next(&mut line, 5), Some(0));
        assert_eq!(next(&mut line, 8), Some(3), "1 and 2 wait since 7 and 6");
        assert_eq!(late(&mut line, 8), None);
        assert_eq!(next(&mut line, 9), Some(4));
        assert_eq!(late(&mut line, 9), Some(1));
        assert_eq!(late(&mut line, 9), None);
        assert_eq!(next(&mut line, 9), Some(5));
        assert!(!line.is_empty());
        assert_eq!(next(&mut line, 9), Some(2), "nobody else waits");
        assert_eq!(next(&mut line, 9), None);
        assert!(line.is_empty());
    }

    #[test]
    fn who_is_looked_at_by_nobody_grows_late_all_the_same() {
        let begun = clock::begin();
        let mut line = Line::new(8 * SECOND);
        line.joins(0, begun);
        line.joins(1, begun + SECOND);
        assert_eq!(line.late(begun + 8 * SECOND), Some(0));
        assert_eq!(line.late(begun + 8 * SECOND), None);
        assert_eq!(line.next(begun + 8 * SECOND), Some(1));
        line.joins(2, begun + 9 * SECOND);
        line.joins(3, begun + 9 * SECOND);
        assert_eq!(line.next(begun + 15 * SECOND), Some(3), "both overdue");
        line.joins(4, begun + 15 * SECOND);
        assert_eq!(Vec::from_iter(line.leave()), [2, 4]);
        assert!(line.is_empty());
    }
}
