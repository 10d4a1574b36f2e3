//! How many machines are done by when: the exact distribution of the count where each
//! machine has its own chance, or beyond a few hundred its normal approximation.

use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;

/// Machines up to which the distribution is computed exactly, in n² steps; beyond it the
/// normal approximation is off by less than one machine.
pub const MOST_EXACT: usize = 512;
/// Standard deviations of the 10th and 90th percentile.
const TENTH: f64 = 1.281_551_565_545;
/// A machine below this chance of being done when its last slot is over will be left
/// behind: one in five.
pub const STARVING_BELOW: f64 = 0.8;

/// A slot to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// When it is over.
    pub end: UtcMs,
    /// How likely the machine uses it, from 0 to 1.
    pub chance: f64,
}

/// What may be hoped of one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Hope {
    /// The machine.
    pub machine: MachineId,
    /// When it was done, where it is.
    pub done: Option<UtcMs>,
    /// Its slots to come, in their order. None where its job has ended without success.
    pub slots: Vec<Slot>,
}

impl Hope {
    /// How likely it is done at `at`.
    pub fn by(&self, at: UtcMs) -> f64 {
        if let Some(done) = self.done {
            return f64::from(u8::from(done <= at));
        }
        let over = self.slots.iter().filter(|slot| slot.end <= at);
        let missed: f64 = over.map(|slot| 1.0 - slot.chance.clamp(0.0, 1.0)).product();
        1.0 - missed
    }
}

/// How many machines are done at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// When.
    pub at: UtcMs,
    /// At least so many, nine times of ten.
    pub low: usize,
    /// As likely more as fewer.
    pub middle: usize,
    /// At most so many, nine times of ten.
    pub high: usize,
}

/// The points of the curve at these instants. Later ones never show fewer.
pub fn curve(hopes: &[Hope], at: &[UtcMs]) -> Vec<Point> {
    let mut times = at.to_vec();
    times.sort();
    let mut points: Vec<Point> = Vec::with_capacity(times.len());
    for at in times {
        let mut point = point(hopes, at);
        if let Some(before) = points.last() {
            // The normal approximation may dip by one where a chance nears 1.
            point.low = point.low.max(before.low);
            point.middle = point.middle.max(before.middle);
            point.high = point.high.max(before.high);
        }
        points.push(point);
    }
    points
}

fn point(hopes: &[Hope], at: UtcMs) -> Point {
    let chances: Vec<f64> = hopes.iter().map(|hope| hope.by(at)).collect();
    let [low, middle, high] = if chances.len() <= MOST_EXACT {
        let counts = distribution(&chances);
        [0.1, 0.5, 0.9].map(|share| quantile(&counts, share))
    } else {
        let mean: f64 = chances.iter().sum();
        let spread: f64 = chances.iter().map(|p| p * (1.0 - p)).sum::<f64>().sqrt();
        let most = chances.len() as f64;
        [-TENTH, 0.0, TENTH].map(|z| (mean + z * spread).round().clamp(0.0, most) as usize)
    };
    Point {
        at,
        low,
        middle,
        high,
    }
}

/// How likely each count from 0 to n is.
fn distribution(chances: &[f64]) -> Vec<f64> {
    let mut counts = vec![1.0];
    for p in chances {
        let shifted = std::iter::once(0.0).chain(counts.iter().copied());
        let stays = counts.iter().copied().chain(std::iter::once(0.0));
        counts = stays
            .zip(shifted)
            .map(|(n, m)| n * (1.0 - p) + m * p)
            .collect();
    }
    counts
}

/// The smallest count that is reached or stayed below with this probability.
fn quantile(counts: &[f64], share: f64) -> usize {
    // Sums of many small parts end a little below 1.
    const ROUNDING: f64 = 1e-9;
    let mut sum = 0.0;
    for (count, part) in counts.iter().enumerate() {
        sum += part;
        if sum + ROUNDING >= share {
            return count;
        }
    }
    counts.len().saturating_sub(1)
}

/// The machines that will probably not be done when their last slot is over, with their
/// chance, least first. What has ended, or has no slot left, is open for that already.
pub fn starving(hopes: &[Hope]) -> Vec<(MachineId, f64)> {
    let ends = UtcMs(i64::MAX);
    let waits = |hope: &&Hope| hope.done.is_none() && !hope.slots.is_empty();
    let waiting = hopes.iter().filter(waits);
    let chances = waiting.map(|hope| (hope.machine, hope.by(ends)));
    let mut starving: Vec<_> = chances.filter(|(_, p)| *p < STARVING_BELOW).collect();
    starving.sort_by(|(a, p), (b, q)| p.total_cmp(q).then(a.cmp(b)));
    starving
}

/// What is said of a due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// All are done in nine cases of ten.
    Kept,
    /// All may be done, and so many may not.
    AtRisk(usize),
    /// As likely as not so many are not done.
    Missed(usize),
}

/// How a due date stands with the point at that date.
pub fn due(point: &Point, machines: usize) -> Due {
    match (
        machines - point.middle.min(machines),
        machines - point.low.min(machines),
    ) {
        (0, 0) => Due::Kept,
        (0, left) => Due::AtRisk(left),
        (left, _) => Due::Missed(left),
    }
}

#[cfg(test)]
mod tests;
