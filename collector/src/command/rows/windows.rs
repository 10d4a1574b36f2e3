//! Windows that open again and again.

use super::super::window::{instant, must_open, planned, words};
use super::{Cells, Columns, FileRow, Shape};
use crate::app::App;
use crate::control::Failure;
use crate::fleet::Target;
use crate::schedule::spoken;
use crate::store::windows::{Opening, Window};
use crate::store::{Change, StoreError, View};
use patchward_common::id::Name;
use std::collections::BTreeSet;

impl FileRow for Window {
    const WHAT: &'static str = "window";
    const SHAPE: Shape = Shape {
        needed: &["window", "unit", "cron", "zone", "minutes"],
        more: &["day_offset", "valid_from", "valid_until"],
        passed_over: &["opens"],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let at = |column: &str| {
            let read = |text| instant(text).map_err(|error| format!("{column}: {error}"));
            cells.text(column).map(read).transpose()
        };
        let day_offset: Option<i16> = cells.maybe("day_offset")?;
        let window = Self {
            id: cells.needed("window")?,
            unit: cells.needed("unit")?,
            opening: Opening::Cron(spoken::rule(
                cells.text("cron").ok_or("its cron is empty")?,
            )?),
            zone: cells.needed("zone")?,
            minutes: cells.needed("minutes")?,
            day_offset: day_offset.unwrap_or(0).into(),
            valid_from: at("valid_from")?,
            valid_until: at("valid_until")?,
        };
        let understood = words(&window).and_then(|_| planned(&window).map(drop));
        understood.map_err(|failure| failure.text)?;
        Ok(window)
    }

    fn keep(&mut self, known: &Self, has: &Columns) {
        if !has.has("day_offset") {
            self.day_offset = known.day_offset;
        }
        if !has.has("valid_from") {
            self.valid_from = known.valid_from;
        }
        if !has.has("valid_until") {
            self.valid_until = known.valid_until;
        }
    }

    fn key(&self) -> String {
        self.id.to_string()
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        view.windows(None).await
    }

    async fn put(&self, known: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        if known.is_some() {
            return Err(Failure::conflict(format!(
                "window {} is there and opens otherwise. Less time would stop signed work, so \
                 `window change` changes one at a time and shows what it hits",
                self.id
            )));
        }
        must_open(self, change.now())?;
        Ok(change.add_window(self).await?)
    }

    fn follow(written: &mut dyn Iterator<Item = &Self>, app: &App) {
        let units: BTreeSet<&Name> = written.map(|window| &window.unit).collect();
        for unit in units {
            app.fleet.ask_again(Target::Unit(unit.clone()));
        }
    }
}
