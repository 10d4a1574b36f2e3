//! A collector that was restored: no go leaves it until a person says that it is the one.

use super::Gathering;
use crate::control::Failure;
use crate::item::{Item, Kind, Owner};

impl Gathering<'_> {
    pub(super) async fn restored(&mut self) -> Result<(), Failure> {
        let Some(restored) = self.view.restored().await? else {
            return Ok(());
        };
        let heard = self.view.witnesses().await?;
        let ahead = heard.iter().filter(|one| !one.ahead.is_empty()).count();
        let of = match restored.of {
            Some(of) => format!("restored from a backup of {of}"),
            None => "put back to an earlier state".to_owned(),
        };
        self.items.push(Item {
            kind: Kind::Restored,
            subject: "collector".to_owned(),
            about: "collector".to_owned(),
            unit: None,
            class: None,
            owner: Owner::It,
            since: restored.at,
            raise_at: None,
            why: format!(
                "{of}: of {} machines {} have said what they remember, and {ahead} know more than \
                 this collector; nothing starts before `restore confirm`, and `restore show` \
                 tells what it does not know",
                self.lines.len(),
                heard.len()
            ),
        });
        Ok(())
    }
}
