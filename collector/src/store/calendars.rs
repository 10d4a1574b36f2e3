//! Calendars that freezes come from: where each is, how often it is read, and its last
//! good copy.

use super::value::{args, from_row};
use super::windows::{Area, Freeze};
use super::{Change, Store, StoreError, View};
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use serde_json::json;

/// A calendar, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Its name: the source of its freezes.
    pub name: Name,
    /// What its freezes cover.
    pub area: Area,
    /// Which one; empty for all.
    pub subject: String,
    /// Where it is read again: an http or https URL, or a file of the collector's computer.
    /// `None` where it was handed in once.
    pub place: Option<String>,
    /// The IANA zone of whole days and of times without a zone.
    pub zone: String,
    /// How often it is read, in minutes.
    pub every_minutes: u32,
    /// When it was last tried, with success or without.
    pub tried_at: UtcMs,
}
from_row!(Calendar {
    name,
    area,
    subject,
    place,
    zone,
    every_minutes,
    tried_at
});

/// How a calendar that is read again stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Its name.
    pub source: Name,
    /// What its freezes cover: everything, where no calendar of its name is kept.
    pub area: Area,
    /// Which one; empty for all.
    pub subject: String,
    /// When it was last read with success.
    pub read_at: UtcMs,
    /// What went wrong since.
    pub problem: Option<String>,
}
from_row!(Feed {
    source,
    area,
    subject,
    read_at,
    problem
});

impl View {
    /// Every calendar that is read again, by name.
    pub async fn feeds(&mut self) -> Result<Vec<Feed>, StoreError> {
        self.tx
            .all(
                "SELECT f.source, COALESCE(c.scope, 'all'), COALESCE(c.subject, ''), f.read_at,
                        f.problem
                 FROM calendar_feeds f LEFT JOIN calendars c ON c.name = f.source
                 ORDER BY f.source",
                args![],
            )
            .await
    }

    /// Every calendar, by name.
    pub async fn calendars(&mut self) -> Result<Vec<Calendar>, StoreError> {
        self.tx
            .all(
                "SELECT name, scope, subject, place, zone, every_minutes, tried_at
                 FROM calendars ORDER BY name",
                args![],
            )
            .await
    }

    /// The last good copy of a calendar; `None` where there is no such calendar.
    pub async fn calendar_body(&mut self, name: &Name) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>,)> = self
            .tx
            .first("SELECT body FROM calendars WHERE name = $1", args![name])
            .await?;
        Ok(row.map(|(body,)| body))
    }

    /// Every freeze of one source, by id.
    pub async fn freezes_of(&mut self, source: &Name) -> Result<Vec<Freeze>, StoreError> {
        self.tx
            .all(
                "SELECT id, scope, subject, starts_at, ends_at, reason, source FROM freezes
                 WHERE source = $1 ORDER BY id",
                args![source],
            )
            .await
    }
}

impl Change {
    /// Adds a calendar with what it says now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where there is one of its name.
    pub async fn add_calendar(
        &mut self,
        calendar: &Calendar,
        body: &[u8],
        freezes: &[Freeze],
    ) -> Result<(), StoreError> {
        self.need_area(calendar.area, &calendar.subject).await?;
        let detail = json!({
            "area": calendar.area,
            "subject": calendar.subject,
            "zone": calendar.zone,
            "read_again": calendar.place.is_some(),
            "every_minutes": calendar.every_minutes,
        });
        let added = self
            .step("calendar.add", &calendar.name, detail)
            .execute(
                "INSERT INTO calendars (name, scope, subject, place, zone, every_minutes, body,
                                        tried_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                args![
                    calendar.name,
                    calendar.area,
                    calendar.subject,
                    calendar.place,
                    calendar.zone,
                    calendar.every_minutes,
                    body.to_vec(),
                    calendar.tried_at
                ],
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!(
                "there is a calendar {} already; choose another name, or remove that one first",
                calendar.name
            ))
        })?;
        self.calendar_says(calendar, body, freezes).await
    }

    /// Puts a new good copy in place of the one before, and its freezes in place of theirs.
    pub async fn calendar_says(
        &mut self,
        calendar: &Calendar,
        body: &[u8],
        freezes: &[Freeze],
    ) -> Result<(), StoreError> {
        self.replace_freezes(&calendar.name, freezes).await?;
        let now = self.now();
        // The audit row is that of the freezes.
        let tx = &mut self.view().tx;
        tx.execute(
            "UPDATE calendars SET body = $2, tried_at = $3 WHERE name = $1",
            args![calendar.name, body.to_vec(), now],
        )
        .await?;
        if calendar.place.is_none() {
            // Nobody expects one that was handed in once to be read again.
            tx.execute(
                "DELETE FROM calendar_feeds WHERE source = $1",
                args![calendar.name],
            )
            .await?;
        }
        Ok(())
    }

    /// Removes a calendar and its freezes.
    pub async fn remove_calendar(&mut self, name: &Name, reason: &str) -> Result<(), StoreError> {
        let tx = self.step("calendar.remove", name, json!({ "reason": reason }));
        for sql in [
            "DELETE FROM freezes WHERE source = $1",
            "DELETE FROM calendar_feeds WHERE source = $1",
        ] {
            tx.execute(sql, args![name]).await?;
        }
        let removed = tx
            .execute("DELETE FROM calendars WHERE name = $1", args![name])
            .await?;
        self.done_if(removed, || StoreError::missing("calendar", name))
    }
}

impl Store {
    /// Notes that a calendar was tried. Where it says the same as before (`is_same`), it
    /// counts as read. Nothing else changes, so there is no audit row.
    pub async fn calendar_tried(
        &self,
        name: &Name,
        is_same: bool,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "UPDATE calendars SET tried_at = $2 WHERE name = $1",
            args![name, now],
        )
        .await?;
        if is_same {
            tx.execute(
                "UPDATE calendar_feeds SET read_at = $2 WHERE source = $1 AND problem IS NULL",
                args![name, now],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
