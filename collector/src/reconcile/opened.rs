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

/// Knows which waves were closed when it looked last.
#[derive(Debug, Default)]
pub struct Opened {
    closed: BTreeSet<(Digest, u32)>,
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
        let mut closed = BTreeSet::new();
        let mut opened = Vec::new();
        for plan in view.plans(Some(PlanState::Active)).await? {
            let waves = waves::of_plan(&mut view, &plan, &Firsts::new(), now).await?;
            for wave in waves {
                let number = wave.counts.wave;
                if wave.closed.is_some() {
                    closed.insert((plan.id, number));
                } else if self.closed.contains(&(plan.id, number)) {
                    opened.push(nudging::waiting(&mut view, &plan.id, Some(number)).await?);
                }
            }
        }
        self.closed = closed;
        Ok(opened)
    }
}
