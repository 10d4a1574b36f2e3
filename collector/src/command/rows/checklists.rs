//! Checklists, a step in each row.

use super::super::place::class;
use super::super::service::is_short;
use super::{Cells, FileRow, Shape};
use crate::control::Failure;
use crate::store::items::ChecklistStep;
use crate::store::{Change, StoreError, View};
use patchward_common::id::Name;
use patchward_common::trust::roster::Class;

/// A step of a class's list, or of one model's.
#[derive(PartialEq)]
pub(crate) struct Step {
    class: Class,
    model: Option<Name>,
    step: ChecklistStep,
}

impl FileRow for Step {
    const WHAT: &'static str = "step";
    const SHAPE: Shape = Shape {
        needed: &["class", "step", "what"],
        more: &["model"],
        passed_over: &[],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        Ok(Self {
            class: class(cells.text("class").ok_or("its class is empty")?)?,
            model: cells.maybe("model")?,
            step: ChecklistStep {
                step: cells.needed("step")?,
                title: cells.needed("what")?,
            },
        })
    }

    fn key(&self) -> String {
        let (step, class) = (&self.step.step, self.class.word());
        match &self.model {
            None => format!("{step} of {class}"),
            Some(model) => format!("{step} of {class} {model}"),
        }
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        let known = view.checklists().await?.into_iter();
        let known = known.map(|(class, model, step)| Self { class, model, step });
        Ok(known.collect())
    }

    async fn put(&self, _: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        let model = self.model.as_ref();
        let mut steps = change.view().checklist(self.class, model).await?;
        match steps.iter_mut().find(|one| one.step == self.step.step) {
            Some(there) => there.title = self.step.title.clone(),
            None => steps.push(self.step.clone()),
        }
        is_short(&steps)?;
        Ok(change.set_checklist(self.class, model, &steps).await?)
    }
}
