//! Notices that were given up: whoever is told by them is told nothing.

use super::Gathering;
use crate::control::Failure;
use crate::item::{Item, Kind, Owner};

impl Gathering<'_> {
    pub(super) async fn undelivered(&mut self) -> Result<(), Failure> {
        for reached in self.view.notices_reach().await? {
            let Some(since) = reached.gave_up_at else {
                continue;
            };
            let name = reached.target.to_string();
            let problem = reached.problem.unwrap_or_default();
            self.items.push(Item {
                kind: Kind::Undelivered,
                subject: name.clone(),
                about: name.clone(),
                unit: None,
                class: None,
                owner: Owner::It,
                since,
                raise_at: None,
                why: format!(
                    "notices could not be delivered for three days ({problem}); `notice outbox` \
                     shows them, `notice test {name}` tries again"
                ),
            });
        }
        Ok(())
    }
}
