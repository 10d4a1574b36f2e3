//! How the waves of a plan stand: which are open, which wait, and about which HTM is
//! asked. Reads; [`crate::rollout::wave`] decides.

use crate::rollout::wave::{self, Before, Closed, SHARE_PERCENT};
use crate::store::plans::{Leaf, Plan};
use crate::store::rollout::WaveCounts;
use crate::store::{StoreError, View};
use patchward_common::codec;
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::PlanLeaf;
use std::collections::BTreeMap;

/// One wave of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wave {
    /// How its jobs stand.
    pub counts: WaveCounts,
    /// When its first slot begins.
    pub first: Option<UtcMs>,
    /// Why it is closed; `None` while it is open.
    pub closed: Option<Closed>,
    /// Since when HTM is asked whether it may begin.
    pub asked_since: Option<UtcMs>,
}

/// The first slots of a wave's machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    /// When the first of them begins.
    pub begins: UtcMs,
    /// When the last of them begins: the soak counts from here.
    pub last_begins: UtcMs,
    /// When the last of them is over.
    pub last_ends: UtcMs,
}

/// The first slots of each wave.
pub type Firsts = BTreeMap<u32, First>;

/// Reads them out of a plan's leaves.
pub fn firsts(leaves: &[Leaf]) -> Firsts {
    let mut firsts = Firsts::new();
    for stored in leaves {
        let leaf = codec::decode_deterministic::<PlanLeaf>(&stored.bytes, MAX_LEAF_BYTES);
        if let Ok(leaf) = leaf {
            note_first(&mut firsts, stored.wave, &leaf);
        }
    }
    firsts
}

/// Notes when a machine's first slot begins.
pub fn note_first(firsts: &mut Firsts, wave: u32, leaf: &PlanLeaf) {
    if let Some(slot) = leaf.slots.first() {
        let first = firsts.entry(wave).or_insert(First {
            begins: slot.start(),
            last_begins: slot.start(),
            last_ends: slot.end(),
        });
        first.begins = first.begins.min(slot.start());
        first.last_begins = first.last_begins.max(slot.start());
        first.last_ends = first.last_ends.max(slot.end());
    }
}

/// What decides how the waves of a plan stand, beside what came out of them.
#[derive(Clone, Copy, Debug)]
pub struct Course<'a> {
    /// The first slots of each wave.
    pub firsts: &'a Firsts,
    /// From the last first slot of a wave to the first of the next.
    pub soak_ms: i64,
    /// When the plan became what it is.
    pub changed_at: UtcMs,
    /// About a plan that is stopped nobody is asked.
    pub is_stopped: bool,
}

/// How waves stand with these counts; beside each, what came out of the wave before it. Of
/// several that are closed HTM is asked about the first: the others have no outcomes before
/// them yet.
pub fn stand(counted: &[(WaveCounts, Option<Before>)], course: &Course, now: UtcMs) -> Vec<Wave> {
    let mut is_asked = course.is_stopped;
    let mut waves: Vec<Wave> = Vec::new();
    for (counts, before) in counted {
        let (counts, wave) = (*counts, counts.wave);
        // Waves are numbered without a gap: the plan check sees to it.
        let earlier = waves.last().map(|wave| wave.counts);
        let closed = before.and_then(|before| wave::is_open(&before, now).err());
        // While it soaks, time opens it.
        let is_question = closed.is_some_and(|closed| !matches!(closed, Closed::Soak { .. }));
        let asked_since = earlier.filter(|_| is_question).and_then(|earlier| {
            let has_ended = earlier.waiting == 0 && earlier.open == 0;
            let ended = earlier.ended_at.filter(|_| has_ended);
            let soaked = course.firsts.get(&earlier.wave);
            let soaked = soaked.map_or(course.changed_at, |first| {
                let soaked = first.last_begins.plus_ms(course.soak_ms);
                first.last_ends.max(soaked)
            });
            // What was open closes when something goes wrong late: asked since then.
            let since = wave::asked_since(ended, soaked, now)?;
            Some(since.max(earlier.wrong_at.unwrap_or(since)))
        });
        let waits = closed.is_some() && counts.waiting > 0;
        waves.push(Wave {
            counts,
            first: course.firsts.get(&wave).map(|first| first.begins),
            closed,
            asked_since: asked_since.filter(|_| waits && !is_asked),
        });
        is_asked |= waits;
    }
    waves
}

/// The waves of a plan.
pub async fn of_plan(
    view: &mut View,
    plan: &Plan,
    firsts: &Firsts,
    now: UtcMs,
) -> Result<Vec<Wave>, StoreError> {
    let policy = view.plan_policy(&plan.id).await?;
    let soak_ms = policy.as_ref().map_or(0, |policy| policy.soak_ms);
    let share = policy.map_or(SHARE_PERCENT, |policy| policy.share_percent);
    let course = Course {
        firsts,
        soak_ms,
        changed_at: plan.changed_at,
        is_stopped: view.is_stopped(&plan.id, now).await?,
    };
    let mut counted: Vec<(WaveCounts, Option<Before>)> = Vec::new();
    for counts in view.waves(&plan.id).await? {
        let before = match counted.last() {
            None => None,
            Some((earlier, _)) => {
                let opened = view.wrong_since_opened(&plan.id, counts.wave).await?;
                let before = earlier.before(opened, share);
                let before = view.with_soak(&plan.id, earlier.wave, before, soak_ms);
                Some(before.await?)
            }
        };
        counted.push((counts, before));
    }
    Ok(stand(&counted, &course, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(wave: u32, verified: u32, wrong: u32, waiting: u32) -> WaveCounts {
        let ended = Some(UtcMs(5)).filter(|_| verified + wrong > 0);
        WaveCounts {
            wave,
            size: verified + wrong + waiting,
            verified,
            wrong,
            waiting,
            open: 0,
            ended_at: ended,
            wrong_at: ended.filter(|_| wrong > 0),
            rehearsing: 0,
        }
    }

    /// What HTM is asked about; `opened` says of the second wave how much went wrong since a
    /// person opened it.
    fn asked(waves: [WaveCounts; 3], opened: Option<u32>, is_stopped: bool) -> Vec<Option<UtcMs>> {
        let [first, second, third] = waves;
        let before = |wave: WaveCounts, opened| Some(wave.before(opened, SHARE_PERCENT));
        let counted = [
            (first, None),
            (second, before(first, opened)),
            (third, before(second, None)),
        ];
        let course = Course {
            firsts: &Firsts::new(),
            soak_ms: 0,
            changed_at: UtcMs(100),
            is_stopped,
        };
        let waves = stand(&counted, &course, UtcMs(50));
        waves.iter().map(|wave| wave.asked_since).collect()
    }

    #[test]
    fn htm_is_asked_about_the_first_of_several_closed_waves() {
        let [canary, second, third] = [counts(0, 1, 1, 0), counts(1, 0, 0, 5), counts(2, 0, 0, 9)];
        let none = vec![None; 3];
        assert_eq!(
            asked([canary, second, third], None, false),
            [None, Some(UtcMs(5)), None]
        );
        assert_eq!(asked([canary, second, third], None, true), none);
        // Time may open it: the soak is not over, and a canary waits.
        let waits = counts(0, 1, 0, 1);
        assert_eq!(asked([waits, second, third], None, false), none);
        assert_eq!(asked([canary, second, third], Some(0), false), none);
    }
}
