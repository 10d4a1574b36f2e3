//! Machines that are heard from another subnet than their unit's: IT's move.

use super::Gathering;
use crate::asset::drift::elsewhere;
use crate::command::asset::subnets;
use crate::control::Failure;
use crate::item::{Item, Kind, Owner};
use patchward_common::id::MachineId;
use std::collections::BTreeSet;

impl Gathering<'_> {
    /// `away` are the machines of which nobody expects to hear.
    pub(super) async fn elsewhere(&mut self, away: &BTreeSet<MachineId>) -> Result<(), Failure> {
        let subnets = subnets(self.view).await?;
        if subnets.is_empty() {
            return Ok(());
        }
        for (id, address, since) in self.view.addresses().await? {
            let Some(line) = self.lines.get(&id).filter(|_| !away.contains(&id)) else {
                continue;
            };
            if let Some(why) = elsewhere(&line.unit, &subnets, Some(&address)) {
                self.items.push(Item {
                    kind: Kind::Elsewhere,
                    subject: line.name.to_string(),
                    about: line.name.to_string(),
                    unit: Some(line.unit.clone()),
                    class: Some(line.class),
                    owner: Owner::It,
                    since,
                    raise_at: None,
                    why,
                });
            }
        }
        Ok(())
    }
}
