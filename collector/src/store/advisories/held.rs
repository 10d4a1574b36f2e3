//! Who holds what advisories speak of: models and sets of components, each once, and the
//! machines that have them.

use super::super::assets::Asset;
use super::super::inventory::Numbered;
use super::super::value::{args, from_row};
use super::super::{StoreError, View};
use patchward_common::component::Source;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::trust::roster::Class;

/// A machine that has one of the models that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldModel {
    /// The model.
    pub model: Name,
    /// The machine.
    pub name: Name,
    /// Its care area.
    pub unit: Name,
    /// Its class.
    pub class: Class,
}
from_row!(HeldModel {
    model,
    name,
    unit,
    class
});

/// A machine that has one of the sets that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSet {
    /// The set's digest.
    pub digest: Digest,
    /// The machine.
    pub name: Name,
    /// Its care area.
    pub unit: Name,
    /// Its class.
    pub class: Class,
}
from_row!(HeldSet {
    digest,
    name,
    unit,
    class
});

impl View {
    /// The digests of the sets that machines of the fleet have now, each once.
    pub async fn sets_in_use(&mut self) -> Result<Vec<Digest>, StoreError> {
        let rows: Vec<(Digest,)> = self
            .tx
            .all(
                "SELECT DISTINCT s.digest FROM machine_sets s JOIN machines m ON m.id = s.machine
                 WHERE m.state = 'enrolled' ORDER BY s.digest",
                args![],
            )
            .await?;
        Ok(rows.into_iter().map(|(digest,)| digest).collect())
    }

    /// The models of the fleet, each once. What a machine without an agent is, its asset
    /// says, where that names a model.
    pub async fn models_in_use(&mut self) -> Result<Vec<Name>, StoreError> {
        let rows: Vec<(Name,)> = self
            .tx
            .all(
                "SELECT DISTINCT m.model FROM machines m
                 WHERE m.state = 'enrolled' AND NOT (m.mode = 'manual' AND EXISTS
                    (SELECT 1 FROM assets a WHERE a.machine = m.id AND a.model <> ''))
                 ORDER BY m.model",
                args![],
            )
            .await?;
        Ok(rows.into_iter().map(|(model,)| model).collect())
    }

    /// The machines of these models, but for those that an asset speaks for.
    pub async fn machines_of_models(
        &mut self,
        models: &[Name],
    ) -> Result<Vec<HeldModel>, StoreError> {
        let rows = models.iter().map(|model| args![model]).collect();
        self.tx
            .all_many(
                (
                    "WITH wanted (w) AS (VALUES",
                    ") SELECT m.model, m.name, m.unit, m.class
                     FROM wanted CROSS JOIN machines m
                     WHERE m.model = w AND m.state = 'enrolled'
                        AND NOT (m.mode = 'manual' AND EXISTS
                            (SELECT 1 FROM assets a WHERE a.machine = m.id AND a.model <> ''))",
                ),
                rows,
            )
            .await
    }

    /// The machines that have these sets.
    pub async fn machines_of_sets(&mut self, sets: &[Digest]) -> Result<Vec<HeldSet>, StoreError> {
        let rows = sets.iter().map(|digest| args![digest]).collect();
        self.tx
            .all_many(
                (
                    "WITH wanted (w) AS (VALUES",
                    ") SELECT s.digest, m.name, m.unit, m.class
                     FROM wanted CROSS JOIN machine_sets s JOIN machines m ON m.id = s.machine
                     WHERE s.digest = w AND m.state = 'enrolled'",
                ),
                rows,
            )
            .await
    }

    /// The machines without an agent: id, name, care area and class.
    pub async fn manual_machines(
        &mut self,
    ) -> Result<Vec<(MachineId, Name, Name, Class)>, StoreError> {
        self.tx
            .all(
                "SELECT id, name, unit, class FROM machines
                 WHERE mode = 'manual' AND state = 'enrolled' ORDER BY id",
                args![],
            )
            .await
    }

    /// The makers and models of assets that the hospital still has, each pair once.
    pub async fn asset_models(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        self.tx
            .all(
                "SELECT DISTINCT manufacturer, model FROM assets
                 WHERE model <> '' AND life_cycle <> 'decommissioned'
                 ORDER BY manufacturer, model",
                args![],
            )
            .await
    }

    /// The assets of these makers and models.
    pub async fn assets_of_models(
        &mut self,
        models: &[(String, String)],
    ) -> Result<Vec<Asset>, StoreError> {
        let rows = models
            .iter()
            .map(|(maker, model)| args![maker, model])
            .collect();
        self.tx
            .all_many(
                (
                    "WITH wanted (w, v) AS (VALUES",
                    ") SELECT tag, serial, manufacturer, model, udi, unit, location, criticality,
                            coverage_group, machine, software_version, kind, life_cycle,
                            life_cycle_since, accepted_at
                     FROM wanted CROSS JOIN assets WHERE manufacturer = w AND model = v",
                ),
                rows,
            )
            .await
    }

    /// Every version and architecture of components, by source and name.
    pub async fn components_called(
        &mut self,
        wanted: &[(Source, &str)],
    ) -> Result<Vec<Numbered>, StoreError> {
        let rows = wanted
            .iter()
            .map(|(source, name)| args![name, source])
            .collect();
        self.tx
            .all_many(
                (
                    "WITH wanted (n, s) AS (VALUES",
                    ") SELECT number, source, name, version, arch
                     FROM wanted CROSS JOIN components WHERE name = n AND source = s",
                ),
                rows,
            )
            .await
    }

    /// The members of sets, as many of them as are there.
    pub async fn members_of_sets(
        &mut self,
        sets: &[Digest],
    ) -> Result<Vec<(Digest, roaring::RoaringBitmap)>, StoreError> {
        let rows = sets.iter().map(|digest| args![digest]).collect();
        let found: Vec<(Digest, Vec<u8>)> = self
            .tx
            .all_many(
                (
                    "WITH wanted (w) AS (VALUES",
                    ") SELECT digest, members FROM wanted CROSS JOIN component_sets
                     WHERE digest = w",
                ),
                rows,
            )
            .await?;
        found
            .into_iter()
            .map(|(digest, bytes)| Ok((digest, super::super::inventory::unpack(&bytes)?)))
            .collect()
    }
}
