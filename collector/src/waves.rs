//! How the waves of a plan stand: which are open, which wait, and about which HTM is
//! asked. Reads; [`crate::rollout::wave`] decides.

use crate::rollout::wave::{self, Before, Closed};
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
    /// What came out of the wave before; `None` for the first.
    pub before: Option<Before>,
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
/// others have no outcomes before them yet.
pub async fn of_plan(
    view: &mut View,
    plan: &Plan,
    firsts: &Firsts,
    now: UtcMs,
) -> Result<Vec<Wave>, StoreError> {
    let policy = view.plan_policy(&plan.id).await?;
    let soak_ms = policy.map_or(0, |policy| policy.soak_ms);
    let counts = view.waves(&plan.id).await?;
    let mut waves: Vec<Wave> = Vec::new();
    let mut is_asked = false;
    for of_wave in &counts {
        let before = view.wave_before(&plan.id, of_wave.wave).await?;
        let closed = before
            .as_ref()
            .and_then(|before| wave::is_open(before).err());
        let wave_before = of_wave.wave.checked_sub(1);
        let ended = counts
            .iter()
            .find(|counts| Some(counts.wave) == wave_before)
            .filter(|counts| counts.waiting == 0 && counts.open == 0)
            .map(|counts| counts.moved_at);
        let soaked = wave_before
            .and_then(|wave| firsts.get(&wave))
            .map_or(plan.changed_at, |first| {
                first.last_ends.max(first.last_begins.plus_ms(soak_ms))
            });
        let waits = closed.is_some() && of_wave.waiting > 0;
        let asked_since = wave::asked_since(ended, soaked, now).filter(|_| waits && !is_asked);
        is_asked |= waits;
        waves.push(Wave {
            counts: *of_wave,
            first: firsts.get(&of_wave.wave).map(|first| first.begins),
            closed,
            asked_since,
            before,
        });
    }
    Ok(waves)
}
