//! `inventory`: a whole set, or a change against the stored one.

use super::{Session, hello};
use crate::fleet::Fleet;
use crate::fleet::registry::Known;
use patchward_common::wire::machine::{
    Answer, InventoryContent, InventoryReport, Refused, RefusedCode,
};

pub(super) async fn inventory(
    fleet: &Fleet,
    session: &Session,
    known: &Known,
    report: InventoryReport,
) -> Result<Answer, Refused> {
    let now = fleet.now();
    let bad = |problem: &dyn std::fmt::Display| {
        Refused::new(RefusedCode::BadRequest, format!("the inventory: {problem}"))
    };
    // Unpacked to check it; stored as it came.
    if let Some(facts) = &report.facts {
        facts.unpack().map_err(|error| bad(&error))?;
    }
    let set = match report.content {
        InventoryContent::Whole(packed) => packed.unpack().map_err(|error| bad(&error))?,
        InventoryContent::Change { base, delta } => {
            let delta = delta.unpack().map_err(|error| bad(&error))?;
            let mut view = fleet.store().view().await?;
            let stored = match base == known.set {
                true => view.components_of(&base).await?,
                false => None,
            };
            let Some(stored) = stored else {
                return Ok(Answer::SendWhole);
            };
            match stored.apply(&delta) {
                Ok(set) => set,
                Err(_) => return Ok(Answer::SendWhole),
            }
        }
    };
    // The digest names the set for both sides; what it names is measured here.
    if set.digest() != report.digest {
        return Err(bad(&"its digest is another one"));
    }
    let store = fleet.store();
    fleet.record_inventory(&session.machine, &set, now).await?;
    if let Some(facts) = &report.facts {
        store
            .record_facts(&session.machine, facts.as_bytes(), now)
            .await?;
    }
    let mut said = known.said.clone();
    if let (Some(said), Some(installer)) = (&mut said, report.installer)
        && said.installer != installer
        && hello::is_version(&installer)
    {
        said.installer = installer;
        store
            .record_status(&session.machine, &hello::status(said), now)
            .await?;
    }
    fleet.registry().update(&session.machine, |known| {
        known.set = report.digest;
        known.said = said;
    });
    Ok(Answer::Accepted(report.digest))
}
