//! The enrolled machines by their models: of all that is asked of a release what takes longest to
//! read.

use crate::app::App;
use crate::control::Failure;
use crate::store::View;
use crate::store::search::Placed;
use patchward_common::id::{MachineId, Name};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// The enrolled machines.
#[derive(Debug, Default)]
pub(in crate::command) struct Enrolled {
    /// Every one, by name.
    pub(super) placed: Vec<Placed>,
    /// Those of each model that told what they have.
    pub(super) told: BTreeMap<Name, RoaringBitmap>,
    /// How many each model has, told or not.
    pub(super) count: BTreeMap<Name, u64>,
}

impl Enrolled {
    /// Reads all of them.
    pub(in crate::command) async fn read(app: &App, view: &mut View) -> Result<Self, Failure> {
        let placed = view.placed_machines(None).await?;
        let mut of_models: BTreeMap<&Name, Vec<&MachineId>> = BTreeMap::new();
        for one in &placed {
            of_models.entry(&one.model).or_default().push(&one.id);
        }
        let counts = of_models.iter();
        let counts = counts.map(|(model, machines)| ((*model).clone(), machines.len() as u64));
        let count = counts.collect();
        let told = app.fleet.index(|index| {
            let told = of_models.into_iter();
            told.map(|(model, machines)| (model.clone(), index.bitmap(machines)))
                .collect()
        });
        Ok(Self {
            placed,
            told,
            count,
        })
    }
}
