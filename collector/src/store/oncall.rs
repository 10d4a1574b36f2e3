//! Who is called, and who has heard of what.

use super::value::{args, from_row};
use super::windows::Area;
use super::{Change, StoreError, View};
use crate::item::oncall::Level;
use patchward_common::time::UtcMs;
use serde_json::json;
use std::collections::BTreeMap;

from_row!(Level {
    level,
    who,
    contact,
    after_minutes
});

/// A level of a list, with what the list covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCall {
    /// A unit, a site or everything.
    pub area: Area,
    /// Which one; empty for everything.
    pub subject: String,
    /// The level.
    pub level: Level,
}

impl super::value::FromRow for OnCall {
    fn from_row(row: &mut super::value::Row) -> Result<Self, StoreError> {
        Ok(Self {
            area: row.next()?,
            subject: row.next()?,
            level: Level::from_row(row)?,
        })
    }
}

/// Somebody has heard of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// As it was open since then.
    pub since: UtcMs,
    /// Who.
    pub by: String,
    /// When.
    pub at: UtcMs,
}

impl View {
    /// Every list, level by level.
    pub async fn on_call(&mut self) -> Result<Vec<OnCall>, StoreError> {
        self.tx
            .all(
                "SELECT scope, subject, level, who, contact, after_minutes FROM on_call
                 ORDER BY scope, subject, level",
                args![],
            )
            .await
    }

    /// Of which items somebody has heard, by their keys.
    pub async fn heard(&mut self) -> Result<BTreeMap<String, Heard>, StoreError> {
        let rows: Vec<(String, UtcMs, String, UtcMs)> = self
            .tx
            .all(
                "SELECT item, since, heard_by, heard_at FROM acknowledgements",
                args![],
            )
            .await?;
        let heard = rows
            .into_iter()
            .map(|(item, since, by, at)| (item, Heard { since, by, at }));
        Ok(heard.collect())
    }
}

impl Change {
    /// Sets a level of a list, in place of the one before.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such unit or site.
    pub async fn set_on_call(&mut self, on_call: &OnCall) -> Result<(), StoreError> {
        let OnCall {
            area,
            subject,
            level,
        } = on_call;
        self.need_area(*area, subject).await?;
        let detail = json!({
            "area": area, "level": level.level, "who": level.who, "contact": level.contact,
            "after_minutes": level.after_minutes,
        });
        self.step("oncall.set", subject, detail)
            .execute(
                "INSERT INTO on_call (scope, subject, level, who, contact, after_minutes)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (scope, subject, level) DO UPDATE SET who = excluded.who,
                    contact = excluded.contact, after_minutes = excluded.after_minutes",
                args![
                    area,
                    subject,
                    level.level,
                    level.who,
                    level.contact,
                    level.after_minutes
                ],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Takes a level off a list.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where it is not on it.
    pub async fn remove_on_call(
        &mut self,
        area: Area,
        subject: &str,
        level: u32,
    ) -> Result<(), StoreError> {
        let detail = json!({ "area": area, "level": level });
        let removed = self
            .step("oncall.remove", subject, detail)
            .execute(
                "DELETE FROM on_call WHERE scope = $1 AND subject = $2 AND level = $3",
                args![area, subject, level],
            )
            .await?;
        self.done_if(removed, || StoreError::missing("level of this list", level))
    }

    /// Notes that somebody has heard of an item as it is open since then. Who heard first
    /// stays, until it is open anew.
    pub async fn hear(&mut self, item: &str, since: UtcMs) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        self.step("item.heard", item, json!({ "since": since.to_string() }))
            .execute(
                "INSERT INTO acknowledgements (item, since, heard_by, heard_at)
                 VALUES ($1, $2, $3, $4)
                 ON CONFLICT (item) DO UPDATE SET since = excluded.since,
                    heard_by = excluded.heard_by, heard_at = excluded.heard_at
                 WHERE acknowledgements.since <> excluded.since",
                args![item, since, by, now],
            )
            .await?;
        self.done();
        Ok(())
    }
}
