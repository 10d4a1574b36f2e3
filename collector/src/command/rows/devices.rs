//! Which machines may speak for which devices.

use super::super::device::let_speak;
use super::{Cells, FileRow, Shape};
use crate::control::Failure;
use crate::store::{Change, StoreError, View};
use patchward_common::id::{Label, Name};

/// A device, and a machine whose agent asks it.
#[derive(PartialEq)]
pub(crate) struct Watch {
    device: Label,
    machine: Name,
}

impl FileRow for Watch {
    const WHAT: &'static str = "watch";
    const SHAPE: Shape = Shape {
        needed: &["device", "asked_by"],
        more: &[],
        passed_over: &[],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        Ok(Self {
            device: cells.needed("device")?,
            machine: cells.needed("asked_by")?,
        })
    }

    fn key(&self) -> String {
        format!("{} by {}", self.device, self.machine)
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        let watches = view.device_watches().await?;
        let machines = watches.iter().map(|(_, machine)| *machine);
        let machines = view.these_machines(machines).await?;
        let known = watches.into_iter().filter_map(|(device, machine)| {
            let machine = machines.get(&machine)?.name.clone();
            Some(Self { device, machine })
        });
        Ok(known.collect())
    }

    async fn put(&self, _: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        let_speak(change, &self.device, self.machine.as_str()).await?;
        Ok(())
    }
}
