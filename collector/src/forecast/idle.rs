//! When a machine is idle: seconds by the interlock's word and hour of the week in UTC,
//! and the newest changes of the word.

use patchward_common::time::{HOUR_MS, Interval, SECOND_MS, UtcMs};
use patchward_common::wire::machine::InterlockWord;

/// Hours of a week; hour 0 is Monday 00:00 UTC.
pub const HOURS: usize = 168;
/// Days from Monday 1969-12-29 to 1970-01-01.
const EPOCH_DAYS_AFTER_MONDAY: i64 = 3;
const HOUR_SECONDS: u32 = 3_600;
/// Where an hour of the week has more than this, all of it is halved, so that what a
/// ward did half a year ago weighs less than last month.
const MOST_SECONDS: u32 = 26 * HOUR_SECONDS;
/// Least seconds in which the interlock was asked before a share is believed.
pub const LEAST_SECONDS: u32 = HOUR_SECONDS;
/// Newest changes that are kept: two nights of a machine that is touched every ten minutes.
const MOST_CHANGES: usize = 256;
const HOUR_BYTES: usize = 12;
const CHANGE_BYTES: usize = 9;

/// Seconds of one hour of the week, by word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seconds {
    /// Nobody used it.
    pub idle: u32,
    /// Somebody did.
    pub in_use: u32,
    /// It could not tell, or was not heard.
    pub unknown: u32,
}

impl Seconds {
    /// All of them.
    pub fn total(self) -> u32 {
        self.idle
            .saturating_add(self.in_use)
            .saturating_add(self.unknown)
    }

    fn add(&mut self, word: InterlockWord, seconds: u32) {
        let cell = match word {
            InterlockWord::Idle => &mut self.idle,
            InterlockWord::InUse => &mut self.in_use,
            InterlockWord::Unknown => &mut self.unknown,
        };
        *cell = cell.saturating_add(seconds);
        if self.total() > MOST_SECONDS {
            self.idle /= 2;
            self.in_use /= 2;
            self.unknown /= 2;
        }
    }
}

/// From `at` on the interlock said `word`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Since when.
    pub at: UtcMs,
    /// What it said.
    pub word: InterlockWord,
}

/// What is known of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    hours: Vec<Seconds>,
    changes: Vec<Change>,
    /// Until when it is known.
    until: UtcMs,
}

impl Default for History {
    fn default() -> Self {
        Self {
            hours: vec![Seconds::default(); HOURS],
            changes: Vec::new(),
            until: UtcMs(i64::MIN),
        }
    }
}

/// The hour of the week of an instant, in UTC.
pub fn hour_of_week(at: UtcMs) -> usize {
    let hours = at.0.div_euclid(HOUR_MS) + EPOCH_DAYS_AFTER_MONDAY * 24;
    usize::try_from(hours.rem_euclid(HOURS as i64)).unwrap_or(0)
}

/// The parts of an interval by hour of the week; of one longer than a week its last week.
fn parts(span: Interval) -> impl Iterator<Item = (usize, i64)> {
    let week = HOURS as i64 * HOUR_MS;
    let mut at = span.start().max(span.end().plus_ms(-week));
    std::iter::from_fn(move || {
        let hour = hour_of_week(at);
        let next = UtcMs((at.0.div_euclid(HOUR_MS) + 1) * HOUR_MS).min(span.end());
        let length = next.since_ms(at);
        at = next;
        (length > 0).then_some((hour, length))
    })
}

impl History {
    /// Adds a span in which the interlock said `word`. One before what is known already
    /// adds nothing.
    pub fn record(&mut self, span: Interval, word: InterlockWord) {
        let start = span.start().max(self.until);
        let Ok(span) = Interval::new(start, span.end()) else {
            return;
        };
        for (hour, ms) in parts(span) {
            let seconds = u32::try_from(ms / SECOND_MS).unwrap_or(0);
            if let Some(cell) = self.hours.get_mut(hour) {
                cell.add(word, seconds);
            }
        }
        if self.until < span.start() && !self.changes.is_empty() {
            let gap = Change {
                at: self.until,
                word: InterlockWord::Unknown,
            };
            self.change(gap);
        }
        let at = span.start();
        self.change(Change { at, word });
        self.until = span.end();
    }

    fn change(&mut self, change: Change) {
        if self.changes.last().map(|last| last.word) != Some(change.word) {
            self.changes.push(change);
        }
        let excess = self.changes.len().saturating_sub(MOST_CHANGES);
        self.changes.drain(..excess);
    }

    /// How much of the time it is idle in these hours of the week, from 0 to 1; `None`
    /// where too little is known. What the interlock could not tell counts as in use.
    pub fn idle_share(&self, within: Interval) -> Option<f64> {
        let (mut idle, mut length, mut known) = (0.0, 0.0, 0u32);
        for (hour, ms) in parts(within) {
            let cell = self.hours.get(hour).copied().unwrap_or_default();
            known = known.saturating_add(cell.total());
            if cell.total() > 0 {
                idle += f64::from(cell.idle) / f64::from(cell.total()) * ms as f64;
                length += ms as f64;
            }
        }
        (known >= LEAST_SECONDS && length > 0.0).then(|| idle / length)
    }

    /// The seconds of each hour of the week, Monday 00:00 UTC first.
    pub fn hours(&self) -> &[Seconds] {
        &self.hours
    }

    /// Hours idle, in use and unknown of a usual day, Monday first, in a zone that is
    /// `offset_hours` ahead of UTC. Hours in which it was never asked are in none.
    pub fn weekdays(&self, offset_hours: i64) -> [[f64; 3]; 7] {
        let mut days = [[0.0; 3]; 7];
        for (hour, cell) in self.hours.iter().enumerate() {
            let local = (hour as i64 + offset_hours).rem_euclid(HOURS as i64) / 24;
            let day = usize::try_from(local).ok().and_then(|d| days.get_mut(d));
            let (Some(day), 1..) = (day, cell.total()) else {
                continue;
            };
            let total = f64::from(cell.total());
            for (sum, part) in day.iter_mut().zip([cell.idle, cell.in_use, cell.unknown]) {
                *sum += f64::from(part) / total;
            }
        }
        days
    }

    /// When within an interval the machine was first found in use.
    pub fn first_in_use(&self, within: Interval) -> Option<UtcMs> {
        let ends = self.changes.iter().skip(1).map(|next| next.at);
        let ends = ends.chain([self.until]);
        let spans = self.changes.iter().zip(ends);
        let mut used = spans.filter(|(change, end)| {
            change.word == InterlockWord::InUse && change.at < within.end() && *end > within.start()
        });
        used.next().map(|(change, _)| change.at.max(within.start()))
    }

    /// Whether the machine was heard at all within an interval.
    pub fn was_heard(&self, within: Interval) -> bool {
        let ends = self.changes.iter().skip(1).map(|next| next.at);
        let ends = ends.chain([self.until]);
        let mut spans = self.changes.iter().zip(ends);
        spans.any(|(change, end)| {
            change.word != InterlockWord::Unknown
                && change.at < within.end()
                && end > within.start()
        })
    }

    /// As it is stored: 168 times three numbers, when it ends, and the changes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HOURS * HOUR_BYTES + 8);
        for cell in &self.hours {
            for number in [cell.idle, cell.in_use, cell.unknown] {
                bytes.extend(number.to_be_bytes());
            }
        }
        bytes.extend(self.until.0.to_be_bytes());
        for change in &self.changes {
            bytes.extend(change.at.0.to_be_bytes());
            bytes.push(match change.word {
                InterlockWord::Idle => 0,
                InterlockWord::InUse => 1,
                InterlockWord::Unknown => 2,
            });
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` where it is something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (hours, rest) = bytes.split_at_checked(HOURS * HOUR_BYTES)?;
        let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_be_bytes);
        let instant = |bytes: &[u8]| bytes.try_into().ok().map(|b| UtcMs(i64::from_be_bytes(b)));
        let hours = hours.chunks_exact(HOUR_BYTES).map(|cell| {
            Some(Seconds {
                idle: number(cell.get(..4)?)?,
                in_use: number(cell.get(4..8)?)?,
                unknown: number(cell.get(8..)?)?,
            })
        });
        let (until, changes) = rest.split_at_checked(8)?;
        if changes.len() % CHANGE_BYTES != 0 || changes.len() > MOST_CHANGES * CHANGE_BYTES {
            return None;
        }
        let changes = changes.chunks_exact(CHANGE_BYTES).map(|change| {
            Some(Change {
                at: instant(change.get(..8)?)?,
                word: match change.get(8)? {
                    0 => InterlockWord::Idle,
                    1 => InterlockWord::InUse,
                    2 => InterlockWord::Unknown,
                    _ => return None,
                },
            })
        });
        Some(Self {
            hours: hours.collect::<Option<_>>()?,
            changes: changes.collect::<Option<_>>()?,
            until: instant(until)?,
        })
    }
}

/// How much of an interval these machines are usually idle, from 0 to 1, and of how many
/// of them enough is known to say so.
pub fn share_of_all(machines: &[History], within: Interval) -> Option<(f64, usize)> {
    let known = machines.iter().filter_map(|one| one.idle_share(within));
    let shares: Vec<f64> = known.collect();
    let count = shares.len();
    (count > 0).then(|| (shares.iter().sum::<f64>() / count as f64, count))
}

#[cfg(test)]
mod tests;
