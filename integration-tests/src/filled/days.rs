//! How the machines stood on each day of two years: the fleet grows in the first months, each
//! rollout makes what was verified planned and then verified again, and some days were not
//! counted.

use super::{Filling, HISTORY_MS, chance};
use patchward_collector::item::tally::{Counted, Tally, day_of};
use patchward_common::time::DAY_MS;

/// Days until all machines have joined.
const GROWTH: usize = 120;
/// Days between two rollouts.
const ROUND: usize = 71;
/// Days that a rollout takes to reach everybody.
const ROLLOUT: usize = 24;
/// One day of so many was not counted.
const MISSED: usize = 90;
/// A failure of the computer under the collector: its first day, and how many days.
const OUTAGE: (usize, usize) = (400, 6);

impl Filling<'_> {
    /// All days but today, which the collector counts itself.
    pub(super) async fn days(&self) -> anyhow::Result<()> {
        let days = (HISTORY_MS / DAY_MS) as usize;
        let (seed, units) = (self.spec.seed, &self.places.units);
        let in_unit = self.spec.machines.div_ceil(units.len());
        for day in 0..days {
            let is_out = (OUTAGE.0..OUTAGE.0 + OUTAGE.1).contains(&day);
            if is_out || chance::of(seed, "counted", day).is_multiple_of(MISSED) {
                continue;
            }
            let mut counted = Counted::default();
            for (number, unit) in units.iter().enumerate() {
                let machines =
                    in_unit.min(self.spec.machines - (in_unit * number).min(self.spec.machines));
                let tally = stood(seed, (number, units.len()), machines, day);
                counted.whole.add_all(&tally);
                if tally.machines() > 0 {
                    counted.units.insert(unit.name.clone(), tally);
                }
            }
            let at = self.spec.began().plus_ms(day as i64 * DAY_MS);
            self.store.keep_fleet_day(day_of(at), at, &counted).await?;
            (self.progress)("days", day + 1, days);
        }
        Ok(())
    }
}

/// How a unit's machines stood on a day.
fn stood(seed: u64, (number, units): (usize, usize), machines: usize, day: usize) -> Tally {
    let mut left = machines * (day + 1).min(GROWTH) / GROWTH;
    let mut tally = Tally::default();
    let mut take = |word: &str, wanted: usize| {
        let taken = wanted.min(left);
        left -= taken;
        tally.add(word, taken as u64);
    };
    let luck = |word: &str, most: usize| chance::of(seed ^ day as u64, word, number) % (most + 1);
    // The better people know it, the less goes wrong.
    let young = 730_usize.saturating_sub(day);
    take("failed", luck("failed", 1 + machines * young / 30_000));
    take("unknown", luck("unknown", 1 + machines / 40));
    take("exception", machines / 50);
    take("attested", machines / 25);
    if day < GROWTH {
        take("unplanned", machines - machines * day / GROWTH);
    }
    // A rollout comes to one unit after the other.
    let into = day % ROUND;
    let turn = number * ROLLOUT / units;
    match into {
        into if into < turn => take("planned", machines),
        into if into < turn + 3 => {
            take("waiting(htm)", machines / 10);
            take("waiting(ward)", machines / 15);
            take("planned", machines / 2);
        }
        _ => {}
    }
    take("verified", machines);
    tally
}
