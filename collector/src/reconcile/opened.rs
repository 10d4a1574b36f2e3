//! Tells the machines of a wave that it has opened: by what came out of the wave before, or
//! because its soak is over. Those that asked before were told to come back in minutes.

use crate::fleet::{FleetHandle, Target};
use crate::nudging;
use crate::store::plans::PlanState;
use crate::store::{Store, StoreError};
use crate::waves::{self, Firsts};
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use std::collections::BTreeSet;

/// Knows which waves were open when it looked last. One that opened before anybody saw it
/// closed is told too: a quick canary is verified between two looks.
#[derive(Debug, Default)]
pub struct Opened {
    open: BTreeSet<(Digest, u32)>,
}

impl Opened {
    /// Looks at every active plan, and tells whose wave has opened since.
    pub async fn run(
        &mut self,
        store: &Store,
        fleet: &FleetHandle,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        for target in self.look(store, now).await? {
            fleet.ask_again(target);
        }
        Ok(())
    }

    /// The machines of the waves that have opened since this was asked last.
    ///
    /// # Errors
    /// Those of the store; what opened is found again then.
    pub async fn look(&mut self, store: &Store, now: UtcMs) -> Result<Vec<Target>, StoreError> {
        let mut view = store.view().await?;
        let mut open = BTreeSet::new();
        let mut opened = Vec::new();
        for plan in view.plans(Some(PlanState::Active)).await? {
            let waves = waves::of_plan(&mut view, &plan, &Firsts::new(), now).await?;
            for wave in waves {
                let number = wave.counts.wave;
                // The first wave waits for none: its machines are told of the plan itself.
                let is_open = number > 0 && wave.closed.is_none();
                if is_open
                    && open.insert((plan.id, number))
                    && !self.open.contains(&(plan.id, number))
                {
                    opened.push(nudging::waiting(&mut view, &plan.id, Some(number)).await?);
                }
            }
        }
        self.open = open;
        Ok(opened)
    }
}
