//! What is past its support and still in use: whose move it is.

use super::Gathering;
use crate::component::support::passed_at;
use crate::control::Failure;
use crate::fleet::FleetHandle;
use crate::item::{Item, Kind, Owner};
use crate::store::support::SupportKind;
use crate::supported::{Ending, Holder, endings};
use patchward_common::trust::roster::Class;
use std::collections::BTreeSet;

impl Gathering<'_> {
    pub(super) async fn unsupported(&mut self, fleet: &FleetHandle) -> Result<(), Failure> {
        for ending in endings(fleet, self.view, self.now, -1).await? {
            self.items.extend(item(&ending));
        }
        Ok(())
    }
}

/// One for each end, whoever has it: replacing them is one decision.
fn item(ending: &Ending) -> Option<Item> {
    let end = &ending.end;
    let is_sure = |one: &&Holder| one.unknown.is_none();
    let sure: Vec<&Holder> = ending.holders.iter().filter(is_sure).collect();
    let unsure = ending.holders.len() - sure.len();
    if ending.holders.is_empty() {
        return None;
    }
    // A vendor may still bring another system or product to its device. For a model that is
    // at its end nobody does anything but the hospital: replace it, or keep it apart.
    let owner = match end.kind {
        SupportKind::Model => Owner::Htm,
        SupportKind::Os | SupportKind::Product => Owner::Vendor,
    };
    let units: BTreeSet<_> = ending.holders.iter().map(|one| one.unit.as_ref()).collect();
    let classes: BTreeSet<Class> = ending.holders.iter().filter_map(|one| one.class).collect();
    let only = |units: &BTreeSet<Option<&patchward_common::id::Name>>| match units.len() {
        1 => units.first().copied().flatten().cloned(),
        _ => None,
    };
    let perhaps = match unsure {
        0 => String::new(),
        unsure => format!(", and of {unsure} more nobody can say"),
    };
    let versions: String = end.versions.split_whitespace().collect();
    Some(Item {
        kind: Kind::Unsupported,
        subject: format!("{}/{}/{versions}", end.kind.word(), end.name),
        about: end.name.clone(),
        unit: only(&units),
        class: classes.into_iter().max(),
        owner,
        since: passed_at(ending.on)?,
        raise_at: None,
        why: format!(
            "its support ended on {}; {} have it{perhaps}: ask for a version that is supported, \
             replace them, or enter an exception (`support due`)",
            end.ends_on,
            sure.len()
        ),
    })
}
