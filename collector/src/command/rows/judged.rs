//! What people judged: risks of releases, and names that stand for others.

use super::super::advisory::alias;
use super::super::plan::release;
use super::super::{risk, window};
use super::{Cells, FileRow, Shape};
use crate::control::Failure;
use crate::store::exposure::Risk;
use crate::store::{Change, StoreError, View};
use patchward_common::id::Label;
use patchward_common::time::UtcMs;

impl FileRow for Risk {
    const WHAT: &'static str = "risk";
    const SHAPE: Shape = Shape {
        needed: &[
            "release",
            "model",
            "hazard_of_patching",
            "hazard_of_not_patching",
            "decision",
            "reason",
            "decided_by",
            "review",
        ],
        more: &[],
        passed_over: &["put", "is_overdue"],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let text = |column: &str| {
            let text = cells.text(column);
            text.ok_or_else(|| format!("its {column} is empty"))
        };
        let named = release(text("release")?).map_err(|failure| failure.text);
        let (product, version) = named.map_err(|why| format!("release: {why}"))?;
        let review = window::instant(text("review")?);
        Ok(Self {
            product,
            version,
            model: cells.needed("model")?,
            of_patching: cells.needed("hazard_of_patching")?,
            of_waiting: cells.needed("hazard_of_not_patching")?,
            decision: risk::decided(text("decision")?)?,
            reason: cells.needed("reason")?,
            decided_by: cells.needed("decided_by")?,
            review_at: review.map_err(|why| format!("review: {why}"))?,
            put_at: UtcMs(0),
        })
    }

    fn keep(&mut self, known: &Self, _: &super::Columns) {
        // When it was put down says nothing new of the risk.
        self.put_at = known.put_at;
    }

    fn key(&self) -> String {
        format!("{}={} on {}", self.product, self.version, self.model)
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        view.risks().await
    }

    async fn put(&self, _: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        let risk = Self {
            put_at: change.now(),
            ..self.clone()
        };
        risk::is_ahead(risk.review_at, risk.put_at)?;
        Ok(change.put_risk(&risk).await?)
    }
}

/// A name that stands for another, as both are compared.
#[derive(PartialEq)]
pub(crate) struct Alias {
    vendor: String,
    name: String,
    means: String,
}

impl FileRow for Alias {
    const WHAT: &'static str = "alias";
    const SHAPE: Shape = Shape {
        needed: &["name", "means"],
        more: &["vendor"],
        passed_over: &["by", "at"],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let vendor: Option<Label> = cells.maybe("vendor")?;
        let [name, means] = ["name", "means"].map(|column| cells.needed::<Label>(column));
        let alias = alias::keyed(vendor.as_ref(), &name?, &means?);
        let (vendor, name, means) = alias.map_err(|failure| failure.text)?;
        Ok(Self {
            vendor,
            name,
            means,
        })
    }

    fn key(&self) -> String {
        match self.vendor.as_str() {
            "" => self.name.clone(),
            vendor => format!("{} of {vendor}", self.name),
        }
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        let known = view.aliases().await?.into_iter();
        let known = known.map(|row| Self {
            vendor: row.vendor,
            name: row.name,
            means: row.means,
        });
        Ok(known.collect())
    }

    async fn put(&self, _: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        alias::add(change, &self.vendor, &self.name, &self.means).await
    }
}
