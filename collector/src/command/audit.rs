//! The audit log.

use super::listed::Paged;
use crate::app::App;
use crate::control::{Cell, Failure, FailureKind, Output, Table};
use crate::store::View;
use crate::store::audit::{AuditRow, ChainError, Head};
use crate::store::listed::{SEARCHED_ROWS, Wanted};
use patchward_common::digest::Digest;
use serde::{Deserialize, Serialize};

/// Rows that are shown where nobody says how many.
const LAST: u32 = 50;

/// What can be done with the audit log: reading it.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum AuditCommand {
    /// Show the newest rows
    List {
        /// How many
        #[arg(long, default_value_t = LAST, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        last: u32,
        /// Only rows about this machine, unit, plan ...
        #[arg(long)]
        about: Option<String>,
    },
    /// Check that no row was changed, left out or added
    Verify {
        /// A head that was noted before, as `audit verify` shows it (ROW:HASH): its row must
        /// be among these, or the whole log was written anew
        #[arg(long, value_parser = noted)]
        head: Option<Noted>,
    },
}

/// A head of the log that was noted elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    row: u64,
    hash: Digest,
}

fn noted(text: &str) -> Result<Noted, String> {
    let parts = text.split_once(':');
    parts
        .and_then(|(row, hash)| {
            Some(Noted {
                row: row.parse().ok()?,
                hash: hash.parse().ok()?,
            })
        })
        .ok_or_else(|| "write it as ROW:HASH, as `audit verify` shows it".to_owned())
}

impl From<Noted> for Head {
    fn from(noted: Noted) -> Self {
        Self {
            seq: noted.row,
            hash: noted.hash,
        }
    }
}

/// Carries out a command on the audit log.
pub async fn run(app: &App, command: AuditCommand) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    match command {
        AuditCommand::List { last, about } => {
            let mut rows = match about {
                Some(subject) => view.audit_of(&subject, last).await?,
                None => view.audit_before(i64::MAX as u64, last).await?,
            };
            rows.reverse();
            Ok(Output::Table(table(rows)))
        }
        AuditCommand::Verify { head } => match view.verify_audit(head.map(Head::from)).await {
            Ok(head) => Ok(Output::record([
                ("rows", Cell::Number(head.seq as i64)),
                ("head", Cell::of(format!("{}:{}", head.seq, head.hash))),
                ("intact", Cell::Flag(true)),
            ])),
            Err(ChainError::Store(error)) => Err(error.into()),
            Err(broken) => Err(Failure {
                kind: FailureKind::Conflict,
                text: broken.to_string(),
            }),
        },
    }
}

fn table(rows: Vec<AuditRow>) -> Table {
    let mut table = Table::new(&["row", "at", "who", "what", "subject", "detail"]);
    for row in rows {
        table.row(vec![
            Cell::Number(row.seq as i64),
            Cell::of(row.at),
            Cell::of(row.actor),
            Cell::of(row.action),
            Cell::of(row.subject),
            Cell::of(row.detail),
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
    let page = view.listed_audit(about, last, wanted).await?;
    let mut table = table(page.rows.clone());
    let is_sought = !wanted.words.is_empty() || !wanted.equal.is_empty() || wanted.sort.is_some();
    if is_sought && about.is_none() {
        table.note = Some(format!(
            "Of {} rows the newest {SEARCHED_ROWS} were looked through. `audit list --about` finds \
             every row about one machine, unit or plan.",
            page.total
        ));
    }
    Ok(Paged::of(table, &page))
}
