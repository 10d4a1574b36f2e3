//! When work may be done: windows. When none starts: freezes, and the calendars that
//! they come from.

pub use super::calendars::Feed;
use super::conditions::Conditions;
use super::value::{Row, args, from_row, words};
use super::{Change, StoreError, View};
use crate::schedule::window as schedule;
use patchward_common::id::{Label, Name};
use patchward_common::time::{Interval, MINUTE_MS, UtcMs};
use serde_json::json;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

/// When a window opens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Opening {
    /// Again and again, by a cron expression in civil time.
    Cron(String),
    /// Once.
    Once(UtcMs),
}

/// A time in which work may be done in a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its id.
    pub id: Name,
    /// Its unit.
    pub unit: Name,
    /// When it opens.
    pub opening: Opening,
    /// The IANA zone of its civil time.
    pub zone: String,
    /// Its length in minutes.
    pub minutes: u32,
    /// Days after what the cron expression says.
    pub day_offset: i64,
    /// No opening before this.
    pub valid_from: Option<UtcMs>,
    /// No opening from this on.
    pub valid_until: Option<UtcMs>,
}

impl Opening {
    fn parts(&self) -> (Option<&String>, Option<&UtcMs>) {
        match self {
            Self::Cron(cron) => (Some(cron), None),
            Self::Once(at) => (None, Some(at)),
        }
    }
}

impl super::value::FromRow for Window {
    fn from_row(row: &mut Row) -> Result<Self, StoreError> {
        let (id, unit) = (row.next()?, row.next()?);
        let (cron, once): (Option<String>, Option<UtcMs>) = (row.next()?, row.next()?);
        let opening = match (cron, once) {
            (Some(cron), None) => Opening::Cron(cron),
            (None, Some(at)) => Opening::Once(at),
            _ => {
                return Err(StoreError::Corrupt(format!(
                    "window {id} opens never or twice"
                )));
            }
        };
        Ok(Self {
            id,
            unit,
            opening,
            zone: row.next()?,
            minutes: row.next()?,
            day_offset: row.next()?,
            valid_from: row.next()?,
            valid_until: row.next()?,
        })
    }
}

impl Window {
    /// What it means.
    ///
    /// # Errors
    /// What is wrong with it, and how to put it right.
    pub fn understood(&self) -> Result<schedule::Window, String> {
        let when = match &self.opening {
            Opening::Once(at) => {
                if self.minutes == 0 || self.minutes > schedule::MAX_LENGTH_MINUTES {
                    return Err("its length must be 1 to 1439 minutes".into());
                }
                let end = at.plus_ms(i64::from(self.minutes) * MINUTE_MS);
                let interval = Interval::new(*at, end).map_err(|error| error.to_string())?;
                schedule::When::Once(interval, self.zone.clone())
            }
            Opening::Cron(cron) => schedule::When::Recurring(schedule::Recurring {
                cron: cron.clone(),
                zone: self.zone.clone(),
                length_minutes: self.minutes,
                day_offset: i16::try_from(self.day_offset)
                    .map_err(|_| "its day offset is too large")?,
                from: self.valid_from,
                until: self.valid_until,
            }),
        };
        schedule::Window::parse(&when).map_err(|error| error.to_string())
    }
}

words! {
    /// What a freeze or a hold covers.
    Area {
        /// The whole hospital; its subject is empty.
        All = "all",
        /// A site.
        Site = "site",
        /// A unit.
        Unit = "unit",
        /// One machine.
        Machine = "machine",
    }
}

/// A time in which nothing starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Its id; the calendar's UID with the occurrence, where it comes from one.
    pub id: Label,
    /// What it covers.
    pub area: Area,
    /// Which one; empty for all.
    pub subject: String,
    /// When it begins.
    pub start: UtcMs,
    /// When it ends.
    pub end: UtcMs,
    /// Why.
    pub reason: String,
    /// The calendar that it comes from, or `manual`.
    pub source: Name,
}
from_row!(Freeze {
    id,
    area,
    subject,
    start,
    end,
    reason,
    source
});

impl View {
    /// Every window, of one unit or of all, by id.
    pub async fn windows(&mut self, unit: Option<&Name>) -> Result<Vec<Window>, StoreError> {
        let of = Conditions::default().and("unit = ?", unit.map(|unit| args![unit]));
        let sql = format!(
            "SELECT id, unit, cron, starts_at, zone, minutes, day_offset, valid_from, valid_until
             FROM windows {of} ORDER BY id"
        );
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }

    /// Since when a freeze is known.
    pub async fn freeze_added_at(&mut self, id: &Label) -> Result<Option<UtcMs>, StoreError> {
        let row: Option<(UtcMs,)> = self
            .tx
            .first("SELECT added_at FROM freezes WHERE id = $1", args![id])
            .await?;
        Ok(row.map(|(at,)| at))
    }

    /// Every freeze that shares an instant with `within`, by start.
    pub async fn freezes(&mut self, within: Interval) -> Result<Vec<Freeze>, StoreError> {
        self.tx
            .all(
                "SELECT id, scope, subject, starts_at, ends_at, reason, source FROM freezes
                 WHERE starts_at < $2 AND ends_at > $1 ORDER BY starts_at, id",
                args![within.start(), within.end()],
            )
            .await
    }
}

impl Change {
    /// Adds a window. Like a freeze it waits for the decisions on go that are under way.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where a window has its id, in whichever unit.
    pub async fn add_window(&mut self, window: &Window) -> Result<(), StoreError> {
        self.view().need_unit(&window.unit).await?;
        let detail = detail(window);
        let tx = self.step("window.add", &window.id, detail);
        super::go::lock_all_groups(tx).await?;
        let added = tx
            .execute(
                "INSERT INTO windows (id, unit, cron, starts_at, zone, minutes, day_offset,
                                      valid_from, valid_until)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
                window_columns(window),
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!(
                "there is a window {} already; `window change` changes it, or choose another name",
                window.id
            ))
        })
    }

    /// Changes a window: all but its id. Decisions on go that are under way end first;
    /// every later one finds it as it is now.
    pub async fn change_window(&mut self, window: &Window) -> Result<(), StoreError> {
        self.view().need_unit(&window.unit).await?;
        let detail = detail(window);
        let tx = self.step("window.change", &window.id, detail);
        super::go::lock_all_groups(tx).await?;
        let changed = tx
            .execute(
                "UPDATE windows SET unit = $2, cron = $3, starts_at = $4, zone = $5, minutes = $6,
                        day_offset = $7, valid_from = $8, valid_until = $9
                 WHERE id = $1",
                window_columns(window),
            )
            .await?;
        self.done_if(changed, || StoreError::missing("window", &window.id))
    }

    /// Removes a window. Decisions on go that are under way end first; every later one
    /// finds it gone.
    pub async fn remove_window(&mut self, id: &Name, reason: &Label) -> Result<(), StoreError> {
        let tx = self.step("window.remove", id, json!({ "reason": reason }));
        super::go::lock_all_groups(tx).await?;
        let removed = tx
            .execute("DELETE FROM windows WHERE id = $1", args![id])
            .await?;
        self.done_if(removed, || StoreError::missing("window", id))
    }

    /// Adds a freeze.
    pub async fn add_freeze(&mut self, freeze: &Freeze) -> Result<(), StoreError> {
        self.need_area(freeze.area, &freeze.subject).await?;
        let detail = json!({
            "area": freeze.area,
            "subject": freeze.subject,
            "start": freeze.start.to_string(),
            "end": freeze.end.to_string(),
            "reason": freeze.reason,
        });
        let now = self.now();
        let tx = self.step("freeze.add", &freeze.id, detail);
        super::go::lock_all_groups(tx).await?;
        let added = tx
            .execute_many(INSERT_FREEZE, vec![freeze_columns(freeze, now)])
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!("there is a freeze {} already", freeze.id))
        })
    }

    /// Removes a freeze.
    pub async fn remove_freeze(&mut self, id: &Label, reason: &str) -> Result<(), StoreError> {
        let removed = self
            .step("freeze.remove", id, json!({ "reason": reason }))
            .execute("DELETE FROM freezes WHERE id = $1", args![id])
            .await?;
        self.done_if(removed, || StoreError::missing("freeze", id))
    }

    /// Puts what a calendar says now in place of what it said before, and notes that it was
    /// read. Every freeze must have it as its source.
    pub async fn replace_freezes(
        &mut self,
        source: &Name,
        freezes: &[Freeze],
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut covered: Vec<(Area, &str)> = Vec::new();
        for freeze in freezes {
            // A calendar covers one place, and has thousands of freezes.
            let covers = (freeze.area, freeze.subject.as_str());
            if !covered.contains(&covers) {
                self.need_area(freeze.area, &freeze.subject).await?;
                covered.push(covers);
            }
            if freeze.source != *source {
                return Err(StoreError::Invalid(format!(
                    "freeze {} is not from calendar {source}",
                    freeze.id
                )));
            }
        }
        let tx = self.step("calendar.read", source, json!({ "freezes": freezes.len() }));
        super::go::lock_all_groups(tx).await?;
        let known: Vec<(Label, UtcMs, UtcMs, UtcMs)> = tx
            .all(
                "SELECT id, starts_at, ends_at, added_at FROM freezes WHERE source = $1",
                args![source],
            )
            .await?;
        let known = known
            .into_iter()
            .map(|(id, start, end, at)| ((id, start, end), at));
        let known: BTreeMap<_, _> = known.collect();
        tx.execute("DELETE FROM freezes WHERE source = $1", args![source])
            .await?;
        let of_one = |freeze: &Freeze| {
            let as_it_was = (freeze.id.clone(), freeze.start, freeze.end);
            freeze_columns(freeze, known.get(&as_it_was).copied().unwrap_or(now))
        };
        let rows: Vec<_> = freezes.iter().map(of_one).collect();
        let expected = rows.len() as u64;
        if tx.execute_many(INSERT_FREEZE, rows).await? != expected {
            return Err(StoreError::conflict(format!(
                "calendar {source} has an id twice, or one that another calendar has"
            )));
        }
        tx.execute(
            "INSERT INTO calendar_feeds (source, read_at, problem) VALUES ($1, $2, NULL)
             ON CONFLICT (source) DO UPDATE SET read_at = excluded.read_at, problem = NULL",
            args![source, now],
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Notes that a calendar could not be read; its last good copy stays.
    pub async fn feed_failed(&mut self, source: &Name, problem: &str) -> Result<(), StoreError> {
        let changed = self
            .step("calendar.failed", source, json!({ "problem": problem }))
            .execute(
                "UPDATE calendar_feeds SET problem = $2 WHERE source = $1",
                args![source, problem],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("calendar", source))
    }

    /// Whether the site, unit or machine exists that something is about.
    pub(super) async fn need_area(&mut self, area: Area, subject: &str) -> Result<(), StoreError> {
        let table = match area {
            Area::All => return Ok(()),
            Area::Site => "SELECT name FROM sites WHERE name = $1",
            Area::Unit => "SELECT name FROM units WHERE name = $1",
            Area::Machine => "SELECT id FROM machines WHERE id = $1",
        };
        let found: Option<(String,)> = self.view().tx.first(table, args![subject]).await?;
        found
            .map(|_| ())
            .ok_or_else(|| StoreError::missing(area.word(), subject))
    }
}

/// What the audit log says of a window.
fn detail(window: &Window) -> serde_json::Value {
    let (cron, once) = window.opening.parts();
    json!({
        "unit": window.unit,
        "cron": cron,
        "once": once.map(ToString::to_string),
        "zone": window.zone,
        "minutes": window.minutes,
        "day_offset": window.day_offset,
        "valid_from": window.valid_from.map(|at| at.to_string()),
        "valid_until": window.valid_until.map(|at| at.to_string()),
    })
}

const INSERT_FREEZE: (&str, &str) = (
    "INSERT INTO freezes (id, scope, subject, starts_at, ends_at, reason, source,
                          added_at) VALUES",
    "ON CONFLICT DO NOTHING",
);

fn window_columns(window: &Window) -> Vec<super::value::Value> {
    let (cron, once) = window.opening.parts();
    args![
        window.id,
        window.unit,
        cron,
        once,
        window.zone,
        window.minutes,
        window.day_offset,
        window.valid_from,
        window.valid_until
    ]
}

fn freeze_columns(freeze: &Freeze, added_at: UtcMs) -> Vec<super::value::Value> {
    args![
        freeze.id,
        freeze.area,
        freeze.subject,
        freeze.start,
        freeze.end,
        freeze.reason,
        freeze.source,
        added_at
    ]
}
