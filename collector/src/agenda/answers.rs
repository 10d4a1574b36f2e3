//! Vendors' answers (MDS2) that are older than what is installed: HTM asks for newer ones.

use super::Gathering;
use crate::control::Failure;
use crate::fleet::enrolment;
use crate::item::{Item, Kind, Owner};
use crate::mds2::age::{Facts, stale};
use crate::store::{StoreError, View};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use std::collections::BTreeMap;

/// A model whose answers are to be asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The model.
    pub model: Name,
    /// When its answers were taken in.
    pub imported_at: UtcMs,
    /// Why.
    pub why: String,
}

/// Every model whose answers are to be asked for again.
pub async fn stale_answers(view: &mut View) -> Result<Vec<Stale>, StoreError> {
    let mut documents = view.mds2_documents().await?;
    documents.dedup_by(|later, first| later.model == first.model);
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let verified: BTreeMap<Name, UtcMs> = view.verified_by_model().await?.into_iter().collect();
    let installed = installed(view).await?;
    let mut found = Vec::new();
    for document in documents {
        let verified_on = verified.get(&document.model).and_then(|at| day(*at));
        let why = stale(&Facts {
            version: &document.software_version,
            released_on: document.released_on.as_deref(),
            installed: installed.get(&document.model).map_or(&[], Vec::as_slice),
            verified_on: verified_on.as_deref(),
        });
        found.extend(why.map(|why| Stale {
            model: document.model,
            imported_at: document.imported_at,
            why,
        }));
    }
    Ok(found)
}

fn day(at: UtcMs) -> Option<String> {
    let at = Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date().to_string())
}

/// The software versions of assets, by model: that of the machine that an asset is, else its
/// own as a name.
async fn installed(view: &mut View) -> Result<BTreeMap<Name, Vec<String>>, StoreError> {
    let mut found: BTreeMap<Name, Vec<String>> = BTreeMap::new();
    let mut machines = BTreeMap::new();
    for line in crate::replan::enrolled(view).await?.into_values() {
        machines.insert(line.id, line.model);
    }
    for asset in view.all_assets().await? {
        if asset.software_version.is_empty() || asset.life_cycle.is_away() {
            continue;
        }
        let machine = asset.machine.and_then(|id| machines.get(&id).cloned());
        let model = machine.or_else(|| enrolment::to_name(&asset.model));
        if let Some(model) = model {
            found.entry(model).or_default().push(asset.software_version);
        }
    }
    Ok(found)
}

impl Gathering<'_> {
    pub(super) async fn answers(&mut self) -> Result<(), Failure> {
        for one in stale_answers(self.view).await? {
            self.items.push(Item {
                kind: Kind::Answers,
                subject: one.model.to_string(),
                about: one.model.to_string(),
                unit: None,
                class: None,
                owner: Owner::Htm,
                since: one.imported_at,
                raise_at: None,
                why: one.why,
            });
        }
        Ok(())
    }
}
