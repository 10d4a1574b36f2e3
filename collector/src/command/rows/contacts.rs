//! Whom somebody calls: who is on call, and the vendors' people.

use super::area::area;
use super::{Cells, Columns, FileRow, Shape};
use crate::command::oncall::{MAX_AFTER_MINUTES, MAX_LEVELS};
use crate::control::Failure;
use crate::item::oncall::Level;
use crate::store::exposure::Contact;
use crate::store::oncall::OnCall;
use crate::store::{Change, StoreError, View};
use patchward_common::id::Label;

/// A number from 1 to `most`.
fn number(cells: &Cells<'_>, column: &str, without: u32, most: i64) -> Result<u32, String> {
    let number: u32 = cells.maybe(column)?.unwrap_or(without);
    match (1..=most).contains(&i64::from(number)) {
        true => Ok(number),
        false => Err(format!("{column}: {number} is not between 1 and {most}")),
    }
}

impl FileRow for OnCall {
    const WHAT: &'static str = "place";
    const SHAPE: Shape = Shape {
        needed: &["for", "which", "level", "who", "contact"],
        more: &["after_minutes"],
        passed_over: &[],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let (area, subject) = area(cells)?;
        Ok(Self {
            area,
            subject,
            level: Level {
                level: number(cells, "level", 1, MAX_LEVELS)?,
                who: cells.needed("who")?,
                contact: cells.needed("contact")?,
                after_minutes: number(cells, "after_minutes", 15, MAX_AFTER_MINUTES)?,
            },
        })
    }

    fn keep(&mut self, known: &Self, has: &Columns) {
        if !has.has("after_minutes") {
            self.level.after_minutes = known.level.after_minutes;
        }
    }

    fn key(&self) -> String {
        let (area, which, level) = (self.area.word(), &self.subject, self.level.level);
        format!("level {level} of {}", format!("{area} {which}").trim_end())
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        view.on_call().await
    }

    async fn put(&self, _: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        Ok(change.set_on_call(self).await?)
    }
}

impl FileRow for Contact {
    const WHAT: &'static str = "contact";
    const SHAPE: Shape = Shape {
        needed: &["vendor", "name", "role", "reached_by"],
        more: &[],
        passed_over: &[],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let label = |column: &str| cells.needed::<Label>(column).map(String::from);
        Ok(Self {
            vendor: label("vendor")?,
            name: label("name")?,
            role: label("role")?,
            reached_by: label("reached_by")?,
        })
    }

    fn key(&self) -> String {
        format!("{} of {}", self.name, self.vendor)
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        view.vendor_contacts().await
    }

    async fn put(&self, _: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        Ok(change.put_vendor_contact(self).await?)
    }
}
