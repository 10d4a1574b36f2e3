//! What new machines must show.

use super::super::asset::baseline::{mode_of, needs_something};
use super::{Cells, Columns, FileRow, Shape};
use crate::asset::baseline::component;
use crate::control::Failure;
use crate::store::assets::Baseline;
use crate::store::{Change, StoreError, View};

/// A baseline with the components that it asks for, each with a range of versions.
#[derive(PartialEq)]
pub(crate) struct Shown {
    baseline: Baseline,
    components: Vec<(String, String)>,
}

impl FileRow for Shown {
    const WHAT: &'static str = "baseline";
    const SHAPE: Shape = Shape {
        needed: &["baseline", "model"],
        more: &["ready", "interlock", "mode", "components"],
        passed_over: &[],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let mode = cells.text("mode").map(mode_of).transpose();
        let is = |column: &str| cells.flag(column).map(|flag| u32::from(flag == Some(true)));
        let baseline = Baseline {
            name: cells.needed("baseline")?,
            model: cells.needed("model")?,
            is_ready: is("ready")?,
            has_interlock: is("interlock")?,
            mode: mode.map_err(|why| format!("mode: {why}"))?,
        };
        let components: Result<Vec<_>, _> = cells.listed("components").map(component).collect();
        let mut components = components.map_err(|why| format!("components: {why}"))?;
        components.sort();
        Ok(Self {
            baseline,
            components,
        })
    }

    fn keep(&mut self, known: &Self, has: &Columns) {
        let (own, known_one) = (&mut self.baseline, &known.baseline);
        if !has.has("ready") {
            own.is_ready = known_one.is_ready;
        }
        if !has.has("interlock") {
            own.has_interlock = known_one.has_interlock;
        }
        if !has.has("mode") {
            own.mode = known_one.mode;
        }
        if !has.has("components") {
            self.components = known.components.clone();
        }
    }

    fn key(&self) -> String {
        self.baseline.name.to_string()
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        let components = view.baseline_components().await?;
        let known = view.baselines().await?.into_iter().map(|baseline| {
            let own = components
                .iter()
                .filter(|one| one.baseline == baseline.name);
            let own = own.map(|one| (one.component.clone(), one.versions.clone()));
            let mut components: Vec<_> = own.collect();
            components.sort();
            Self {
                baseline,
                components,
            }
        });
        Ok(known.collect())
    }

    async fn put(&self, _: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        needs_something(&self.baseline, &self.components)?;
        Ok(change
            .put_baseline(&self.baseline, &self.components)
            .await?)
    }
}
