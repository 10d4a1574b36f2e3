//! What interlocks said between two writes: spans per machine, put together from hellos
//! in memory. A crash loses them; forecasts need no more.

use crate::store::prospects::Spans;
use patchward_common::id::MachineId;
use patchward_common::time::{Interval, MINUTE_MS, UtcMs};
use patchward_common::wire::machine::InterlockWord;
use std::collections::{BTreeMap, HashMap};

/// Longest time for which a word counts: five hellos. After it nothing is known.
const WORD_COUNTS_MS: i64 = 10 * MINUTE_MS;
/// Most spans of a machine between two writes, beside what a usual one has: an interlock
/// that changes with every hello is joined up, not kept.
const MOST_SPANS: usize = 64;

/// The spans of all machines since they were last taken.
#[derive(Debug, Default)]
pub(super) struct Watch {
    machines: HashMap<MachineId, Watched>,
}

#[derive(Debug)]
struct Watched {
    at: UtcMs,
    word: InterlockWord,
    spans: Spans,
}

impl Watch {
    /// A machine said a word. What it said before counts until now.
    pub(super) fn heard(&mut self, machine: MachineId, word: InterlockWord, now: UtcMs) {
        let watched = self.machines.entry(machine).or_insert_with(|| Watched {
            at: now,
            word,
            spans: Vec::new(),
        });
        let until = now.min(watched.at.plus_ms(WORD_COUNTS_MS));
        if let Ok(span) = Interval::new(watched.at, until) {
            add(&mut watched.spans, span, watched.word);
        }
        watched.at = watched.at.max(now);
        watched.word = word;
    }

    /// Takes the spans so far; the last word of each machine counts on. Machines that
    /// were not heard any more are forgotten.
    pub(super) fn take(&mut self, now: UtcMs) -> BTreeMap<MachineId, Spans> {
        let mut taken = BTreeMap::new();
        self.machines.retain(|machine, watched| {
            if !watched.spans.is_empty() {
                taken.insert(*machine, std::mem::take(&mut watched.spans));
            }
            now.since_ms(watched.at) < WORD_COUNTS_MS
        });
        taken
    }
}

fn add(spans: &mut Spans, span: Interval, word: InterlockWord) {
    let is_full = spans.len() >= MOST_SPANS;
    if let Some((last, said)) = spans.last_mut()
        && last.end() == span.start()
        && (*said == word || is_full)
        && let Ok(joined) = Interval::new(last.start(), span.end())
    {
        *last = joined;
        if *said != word {
            *said = InterlockWord::Unknown;
        }
    } else if !is_full {
        spans.push((span, word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use InterlockWord::{Idle, InUse};

    fn span(start: i64, end: i64) -> Interval {
        Interval::new(UtcMs(start * MINUTE_MS), UtcMs(end * MINUTE_MS)).unwrap()
    }

    #[test]
    fn a_word_counts_until_the_next_and_not_for_ever() {
        let id = MachineId([1; 32]);
        let mut watch = Watch::default();
        let mut heard = |minute, word| watch.heard(id, word, UtcMs(minute * MINUTE_MS));
        for minute in [0, 2, 4] {
            heard(minute, Idle);
        }
        heard(6, InUse);
        heard(8, Idle);
        heard(60, Idle);
        let at = |minute: i64| UtcMs(minute * MINUTE_MS);
        let taken = watch.take(at(61));
        let expected = vec![(span(0, 6), Idle), (span(6, 8), InUse), (span(8, 18), Idle)];
        assert_eq!(taken[&id], expected);
        // The last word counts on after the write, and a machine that left is forgotten.
        watch.heard(id, Idle, at(62));
        assert_eq!(watch.take(at(80))[&id], vec![(span(60, 62), Idle)]);
        assert!(watch.machines.is_empty());
    }

    #[test]
    fn what_changes_all_the_time_takes_no_room_and_counts_as_unknown() {
        let id = MachineId([1; 32]);
        let mut watch = Watch::default();
        for minute in 0..500 {
            let word = if minute % 2 == 0 { Idle } else { InUse };
            watch.heard(id, word, UtcMs(minute * MINUTE_MS));
        }
        let taken = watch.take(UtcMs(0));
        assert_eq!(taken[&id].len(), MOST_SPANS);
        let last = taken[&id].last().unwrap();
        assert_eq!(
            (last.0.end(), last.1),
            (UtcMs(499 * MINUTE_MS), InterlockWord::Unknown)
        );
    }
}
