//! Sites, units, their subnets and coverage groups.

use super::super::place::{class, titled};
use super::{Cells, Columns, FileRow, Shape};
use crate::asset::subnet::Subnet;
use crate::control::Failure;
use crate::store::places::{Group, Site, SwitchedOff, Unit};
use crate::store::{Change, StoreError, View};
use patchward_common::id::{Label, Name};

/// The title that stands there, or else the name.
fn title(cells: &Cells<'_>, name: &Name) -> Result<Label, String> {
    titled(cells.maybe("title")?, name).map_err(|failure| failure.text)
}

impl FileRow for Site {
    const WHAT: &'static str = "site";
    const SHAPE: Shape = Shape {
        needed: &["site"],
        more: &["title"],
        passed_over: &[],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let name = cells.needed("site")?;
        Ok(Self {
            title: title(cells, &name)?,
            name,
        })
    }

    fn keep(&mut self, known: &Self, has: &Columns) {
        if !has.has("title") {
            self.title = known.title.clone();
        }
    }

    fn key(&self) -> String {
        self.name.to_string()
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        view.sites().await
    }

    async fn put(&self, known: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        if let Some(known) = known {
            return Err(Failure::conflict(format!(
                "site {} is called {:?}, and a site that is there keeps its title",
                known.name,
                known.title.as_str()
            )));
        }
        Ok(change.add_site(self).await?)
    }
}

impl FileRow for Unit {
    const WHAT: &'static str = "unit";
    const SHAPE: Shape = Shape {
        needed: &["unit", "site", "class"],
        more: &["title"],
        passed_over: &[],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let name = cells.needed("unit")?;
        let word = cells.text("class").ok_or("its class is empty")?;
        Ok(Self {
            title: title(cells, &name)?,
            name,
            site: cells.needed("site")?,
            class: class(word)?,
        })
    }

    fn keep(&mut self, known: &Self, has: &Columns) {
        if !has.has("title") {
            self.title = known.title.clone();
        }
    }

    fn key(&self) -> String {
        self.name.to_string()
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        view.units().await
    }

    async fn put(&self, known: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        match known {
            Some(_) => change.edit_unit(self).await?,
            None => change.add_unit(self).await?,
        }
        Ok(())
    }
}

impl FileRow for Group {
    const WHAT: &'static str = "group";
    const SHAPE: Shape = Shape {
        needed: &["group", "unit", "minimum_ready"],
        more: &["switched_off_counts"],
        passed_over: &["machines"],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let switched_off = match cells.flag("switched_off_counts")? {
            None | Some(false) => SwitchedOff::DoesNotCount,
            Some(true) => SwitchedOff::Counts,
        };
        Ok(Self {
            name: cells.needed("group")?,
            unit: cells.needed("unit")?,
            minimum_ready: cells.needed("minimum_ready")?,
            switched_off,
        })
    }

    fn keep(&mut self, known: &Self, has: &Columns) {
        if !has.has("switched_off_counts") {
            self.switched_off = known.switched_off;
        }
    }

    fn key(&self) -> String {
        self.name.to_string()
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        view.groups().await
    }

    async fn put(&self, known: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        match known {
            Some(_) => change.edit_group(self).await?,
            None => change.add_group(self).await?,
        }
        Ok(())
    }
}

/// A subnet of a unit.
#[derive(PartialEq)]
pub(crate) struct UnitSubnet {
    unit: Name,
    subnet: String,
}

impl FileRow for UnitSubnet {
    const WHAT: &'static str = "subnet";
    const SHAPE: Shape = Shape {
        needed: &["unit", "subnet"],
        more: &[],
        passed_over: &[],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let subnet: Subnet = cells.needed("subnet")?;
        Ok(Self {
            unit: cells.needed("unit")?,
            subnet: subnet.to_string(),
        })
    }

    fn key(&self) -> String {
        format!("{} of {}", self.subnet, self.unit)
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        let known = view.unit_subnets().await?.into_iter();
        Ok(known.map(|(unit, subnet)| Self { unit, subnet }).collect())
    }

    async fn put(&self, _: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        Ok(change.add_subnet(&self.unit, &self.subnet).await?)
    }
}
