//! The audit log.

mod about;
pub(super) mod chain;

use super::evidence::period::{self, Period};
use super::listed::Paged;
use crate::app::App;
use crate::control::{Cell, Failure, FailureKind, Output, Table};
use crate::store::View;
use crate::store::audit::{AuditRow, ChainError, Head, Sought};
use crate::store::listed::{SEARCHED_ROWS, Wanted};
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// Rows that are shown where nobody says how many.
const LAST: u32 = 50;

/// What can be done with the audit log: reading it.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum AuditCommand {
    /// Show the newest rows
    List(Box<Rows>),
    /// Check that no row was changed, left out or added
    Verify {
        /// A head that was noted before, as `audit verify`, a pack, a paper or `patchward-agent
        /// status` shows it (ROW:HASH, or HASH alone): its row must be among these, or the
        /// whole log was written anew
        #[arg(long, value_parser = noted)]
        head: Option<Noted>,
    },
}

/// Which rows are shown; each that is said narrows.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Rows {
    /// How many
    #[arg(long, default_value_t = LAST, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    last: u32,
    /// Only rows about this machine, unit, plan ...: its name, its id, or the first digits of that
    #[arg(long)]
    about: Option<String>,
    /// Only what they did, as the log names them: person:ada, machine:…, local:1000, collector
    #[arg(long)]
    who: Option<String>,
    /// Only this, as the log calls it: hold.set, or hold for all of it
    #[arg(long)]
    what: Option<String>,
    /// Only of this year, quarter, month or day, in UTC
    #[arg(long, value_parser = period::period, conflicts_with_all = ["from", "until"])]
    during: Option<Period>,
    /// Only from this year, quarter, month, day or instant on
    #[arg(long, value_parser = period::from)]
    from: Option<UtcMs>,
    /// Only until the end of this year, quarter, month or day, or before an instant
    #[arg(long, value_parser = period::until)]
    until: Option<UtcMs>,
}

impl Rows {
    /// How many, about what, where nothing else is said: what an index answers at once.
    pub(super) fn plain(&self) -> Option<(u32, Option<&str>)> {
        let narrowed = self.who.is_some()
            || self.what.is_some()
            || self.during.is_some()
            || self.from.is_some()
            || self.until.is_some();
        (!narrowed).then_some((self.last, self.about.as_deref()))
    }
}

/// A head of the log that was noted elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Its number, where that was noted too.
    row: Option<u64>,
    hash: Digest,
}

fn noted(text: &str) -> Result<Noted, String> {
    let (row, hash) = match text.split_once(':') {
        Some((row, hash)) => (Some(row.parse().ok()), hash),
        None => (None, text),
    };
    let hash = hash.parse().ok();
    match (row, hash) {
        (None, Some(hash)) => Ok(Noted { row: None, hash }),
        (Some(Some(row)), Some(hash)) => Ok(Noted {
            row: Some(row),
            hash,
        }),
        _ => Err("write it as ROW:HASH, as `audit verify` shows it, or as HASH".to_owned()),
    }
}

/// Carries out a command on the audit log.
pub async fn run(app: &App, command: AuditCommand) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    match command {
        AuditCommand::List(rows) => list(&mut view, *rows).await,
        AuditCommand::Verify { head } => verify(&mut view, head).await,
    }
}

async fn list(view: &mut View, wanted: Rows) -> Result<Output, Failure> {
    let during = wanted.during;
    let (about, also) = about(view, wanted.about.as_deref()).await?;
    let sought = Sought {
        about,
        who: wanted.who,
        what: wanted.what,
        from: wanted.from.or(during.map(|period| period.from)),
        until: wanted.until.or(during.map(|period| period.until)),
    };
    let mut rows = match &sought {
        // Its index makes this one quick however long the log is.
        Sought {
            about: Some(subject),
            who: None,
            what: None,
            from: None,
            until: None,
        } => view.audit_of(subject, wanted.last).await?,
        _ => view.audit_sought(&sought, wanted.last).await?,
    };
    rows.reverse();
    let mut table = table(&rows);
    table.note = match rows.is_empty() {
        true => also.or_else(|| wanted.about.map(unknown)),
        false => also,
    };
    Ok(Output::Table(table))
}

/// What the log calls that which rows are asked about, and what else may be meant.
async fn about(
    view: &mut View,
    about: Option<&str>,
) -> Result<(Option<String>, Option<String>), Failure> {
    let Some(text) = about else {
        return Ok((None, None));
    };
    let found = about::find(view, text).await?;
    Ok((Some(found.subject), found.also))
}

/// What is said where there is no row about something.
fn unknown(about: impl Display) -> String {
    format!(
        "There is no such row about {about}. Machines are found by their names and ids, plans, jobs \
         and releases by the first digits of their ids, and all else as the log writes it."
    )
}

async fn verify(view: &mut View, noted: Option<Noted>) -> Result<Output, Failure> {
    let known = match noted {
        None => None,
        Some(Noted {
            row: Some(seq),
            hash,
        }) => Some(Head { seq, hash }),
        Some(Noted { row: None, hash }) => {
            let found = view.audit_with_hash(&hash).await?;
            Some(found.ok_or_else(|| Failure {
                kind: FailureKind::Conflict,
                text: format!(
                    "No row of this log has the hash {hash}, which was noted elsewhere: the log was \
                     written anew, or rows are missing. Keep a copy of the database and compare \
                     with a backup."
                ),
            })?)
        }
    };
    let head = view.verify_audit(known).await.map_err(broken)?;
    Ok(Output::record([
        ("rows", Cell::Number(head.seq as i64)),
        ("head", Cell::of(head)),
        ("noted_row", Cell::maybe(known.map(|known| known.seq))),
        ("intact", Cell::Flag(true)),
    ]))
}

/// What is said where the log is not whole.
fn broken(error: ChainError) -> Failure {
    match error {
        ChainError::Store(error) => error.into(),
        broken => Failure::conflict(broken.to_string()),
    }
}

fn table(rows: &[AuditRow]) -> Table {
    let mut table = Table::new(&["row", "at", "who", "what", "subject", "detail"]);
    for row in rows {
        table.row(vec![
            Cell::Number(row.seq as i64),
            Cell::of(row.at),
            Cell::of(&row.actor),
            Cell::of(&row.action),
            Cell::of(&row.subject),
            Cell::of(&row.detail),
        ]);
    }
    table
}

/// A page of the log, newest first. Who does not say how many sees all.
pub(super) async fn listed(
    view: &mut View,
    last: u32,
    about: Option<&str>,
    wanted: &Wanted,
) -> Result<Paged, Failure> {
    let last = (last != LAST).then(|| last.into());
    let (subject, also) = self::about(view, about).await?;
    let page = view.listed_audit(subject.as_deref(), last, wanted).await?;
    let mut table = table(&page.rows);
    table.note = match (page.total, last) {
        (0, None) => also.or_else(|| about.map(unknown)),
        _ => also,
    };
    let is_sought = about.is_none() && last.is_none() && wanted.seeks("row");
    if is_sought && page.total > SEARCHED_ROWS {
        table.note = Some(format!(
            "Of {} rows the newest {SEARCHED_ROWS} were looked through. `audit list --about` finds \
             every row about one machine, unit or plan.",
            page.total
        ));
    }
    Ok(Paged::of(table, &page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_noted_with_its_row_or_without() {
        let hash = "ab".repeat(32);
        let read = noted(&format!("12:{hash}")).unwrap();
        assert_eq!((read.row, read.hash.to_string()), (Some(12), hash.clone()));
        assert_eq!(noted(&hash).unwrap().row, None);
        for wrong in ["", "12", "12:", &format!("x:{hash}"), &format!(":{hash}")] {
            assert!(noted(wrong).unwrap_err().contains("ROW:HASH"), "{wrong}");
        }
    }
}
