//! Plans that were given out without the signatures of those who must: only a collector that
//! was meddled with does that, or a roster that takes a right away, and the machines refuse them.

use super::Gathering;
use crate::authority;
use crate::command::plan::standing;
use crate::control::Failure;
use crate::item::{Kind, Owner};
use crate::store::plans::PlanState;

impl Gathering<'_> {
    pub(super) async fn unsigned(&mut self) -> Result<(), Failure> {
        // Without a roster there is nobody to be asked for, and setup says so.
        let Ok(held) = authority::held(self.view).await else {
            return Ok(());
        };
        for plan in self.view.plans(Some(PlanState::Active)).await? {
            let refused = standing::refused(self.view, &plan, Some(&held), self.now).await?;
            let Some(refused) = refused else {
                continue;
            };
            let (short, words) = (plan.short(), &refused.words);
            let todo = match refused.is_whole {
                true => format!(
                    "Nothing of it starts. Find out who gave it out (`audit list --about {short}`), \
                     then `stop now --plan {short}`"
                ),
                false => format!(
                    "Nothing of it starts there, and the others go on. Find out what changed in the \
                     roster, and let those who are missing sign it (`plan export {short}`)"
                ),
            };
            let why = format!("{words}. {todo}");
            self.of_plan(Kind::Unsigned, &plan, Owner::Security, plan.changed_at, why)
                .await?;
            self.unsigned.insert(plan.id, refused);
        }
        Ok(())
    }
}
