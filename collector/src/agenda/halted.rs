//! Releases that are halted on a model: HTM's move.

use super::Gathering;
use crate::control::Failure;
use crate::halted;
use crate::item::{Item, Kind, Owner};
use crate::store::stops::HaltScope;

impl Gathering<'_> {
    pub(super) async fn halted_on_models(&mut self) -> Result<(), Failure> {
        for halt in self.view.halts().await? {
            if halt.scope != HaltScope::ReleaseOnModel {
                continue;
            }
            let (about, then) = halted::named(self.view, &halt).await?;
            let (sha256, model) = halt.subject.split_once('/').unwrap_or((&halt.subject, ""));
            let short: String = sha256.chars().take(12).collect();
            self.items.push(Item {
                kind: Kind::Halted,
                subject: format!("{short}/{model}"),
                about,
                unit: None,
                class: None,
                owner: Owner::Htm,
                since: halt.at,
                raise_at: None,
                why: format!("{}; `{then}`", halt.reason),
            });
        }
        Ok(())
    }
}
