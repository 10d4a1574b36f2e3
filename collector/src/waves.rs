//! How the waves of a plan stand: which are open, which wait, and about which HTM is
//! asked. Reads; [`crate::rollout::wave`] decides.

use crate::rollout::wave::{self, Closed, SHARE_PERCENT};
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

/// The waves of a plan. Of several that are closed HTM is asked about the first: the
/// others have no outcomes before them yet. About a plan that is stopped nobody is asked.
pub async fn of_plan(
    view: &mut View,
    plan: &Plan,
    firsts: &Firsts,
    now: UtcMs,
) -> Result<Vec<Wave>, StoreError> {
    let policy = view.plan_policy(&plan.id).await?;
    let soak_ms = policy.as_ref().map_or(0, |policy| policy.soak_ms);
    let share = policy.map_or(SHARE_PERCENT, |policy| policy.share_percent);
    let mut is_asked = view.is_stopped(&plan.id, now).await?;
    let mut waves: Vec<Wave> = Vec::new();
    for counts in view.waves(&plan.id).await? {
        let wave = counts.wave;
        // Waves are numbered without a gap: the plan check sees to it.
        let earlier = waves.last().map(|wave| wave.counts);
        let closed = match &earlier {
            None => None,
            Some(earlier) => {
                let opened = view.wrong_since_opened(&plan.id, wave).await?;
                let before = earlier.before(opened, share);
                let before = view.with_soak(&plan.id, earlier.wave, before, soak_ms);
                wave::is_open(&before.await?, now).err()
            }
        };
        // While it soaks, time opens it.
        let is_question = closed.is_some_and(|closed| !matches!(closed, Closed::Soak { .. }));
        let asked_since = earlier.filter(|_| is_question).and_then(|earlier| {
            let has_ended = earlier.waiting == 0 && earlier.open == 0;
            let ended = earlier.ended_at.filter(|_| has_ended);
            let soaked = firsts.get(&earlier.wave);
            let soaked = soaked.map_or(plan.changed_at, |first| {
                first.last_ends.max(first.last_begins.plus_ms(soak_ms))
            });
            // What was open closes when something goes wrong late: asked since then.
            let since = wave::asked_since(ended, soaked, now)?;
            Some(since.max(earlier.wrong_at.unwrap_or(since)))
        });
        let waits = closed.is_some() && counts.waiting > 0;
        waves.push(Wave {
            counts,
            first: firsts.get(&wave).map(|first| first.begins),
            closed,
            asked_since: asked_since.filter(|_| waits && !is_asked),
        });
        is_asked |= waits;
    }
    Ok(waves)
}
