//! Stops in force: HTM's move, until they are lifted.

use super::Gathering;
use crate::control::Failure;
use crate::fleet::FleetHandle;
use crate::item::{Item, Kind, Owner};
use crate::stopped;
use crate::store::documents::DocumentKind;
use patchward_common::codec;
use patchward_common::id::Name;
use patchward_common::trust::sign::Document as _;
use patchward_common::trust::stop::Stop;

impl Gathering<'_> {
    pub(super) async fn stops(&mut self, fleet: &FleetHandle) -> Result<(), Failure> {
        let (holding, elsewhere) = (fleet.holding(), fleet.elsewhere());
        for document in self.view.in_force(DocumentKind::Stop, self.now).await? {
            let reach = stopped::reach((&holding, &elsewhere), self.view, &document).await?;
            let stop = codec::decode_deterministic::<Stop>(&document.payload, Stop::MAX_BYTES);
            let reason = stop.map_or_else(|_| String::new(), |stop| format!("{}; ", stop.reason));
            let scope = document.scope.as_deref().unwrap_or("all");
            let subject = document.subject.as_deref().unwrap_or_default();
            let unit = Name::new(subject).ok().filter(|_| scope == "unit");
            let about: String = subject.chars().take(12).collect();
            self.items.push(Item {
                kind: Kind::Stopped,
                subject: document.digest.to_string().chars().take(12).collect(),
                about: format!("{scope} {about}").trim_end().to_owned(),
                unit,
                class: None,
                owner: Owner::Htm,
                since: document.added_at,
                raise_at: None,
                why: format!(
                    "{reason}nothing starts there until it is lifted; {} of {} connected machines \
                     have acknowledged it",
                    reach.acknowledged, reach.connected
                ),
            });
        }
        Ok(())
    }
}
