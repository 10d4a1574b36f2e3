//! Freezes that people add.

use super::super::freeze::{manual, will_hold};
use super::super::zones::instant_in;
use super::area::place;
use super::{Cells, Columns, FileRow, Shape};
use crate::control::Failure;
use crate::schedule::ical::zone_of;
use crate::store::windows::Freeze;
use crate::store::{Change, StoreError, View};
use patchward_common::id::Label;
use patchward_common::time::{Interval, UtcMs};

impl FileRow for Freeze {
    const WHAT: &'static str = "freeze";
    const SHAPE: Shape = Shape {
        needed: &["freeze", "where", "from", "until", "reason"],
        more: &["zone", "source"],
        passed_over: &[],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let (area, subject) = place(cells)?;
        let zone = zone_of(cells.text("zone").unwrap_or("UTC"))?;
        let at = |column: &str| {
            let text = cells.text(column);
            let text = text.ok_or_else(|| format!("its {column} is empty"))?;
            instant_in(text, &zone).map_err(|failure| format!("{column}: {}", failure.text))
        };
        let by_hand = || manual().map_err(|failure| failure.text);
        Ok(Self {
            id: cells.needed("freeze")?,
            area,
            subject,
            start: at("from")?,
            end: at("until")?,
            reason: cells.needed::<Label>("reason")?.into(),
            source: cells.maybe("source")?.map_or_else(by_hand, Ok)?,
        })
    }

    fn keep(&mut self, known: &Self, has: &Columns) {
        if !has.has("source") {
            self.source = known.source.clone();
        }
    }

    fn key(&self) -> String {
        self.id.to_string()
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        let ever = Interval::new(UtcMs(0), UtcMs(i64::MAX));
        view.freezes(ever.map_err(|error| StoreError::Invalid(error.to_string()))?)
            .await
    }

    async fn put(&self, known: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        if known.is_some() {
            return Err(Failure::conflict(format!(
                "freeze {} is there and holds otherwise. Less of it would let work start, so \
                 `freeze remove` ends it first, with a reason",
                self.id
            )));
        }
        if self.source != manual()? {
            return Err(Failure::conflict(format!(
                "freeze {} is a calendar's: `freeze calendar read {}` takes it in",
                self.id, self.source
            )));
        }
        will_hold(self, change.now(), &self.end.to_string())?;
        Ok(change.add_freeze(self).await?)
    }
}
