//! Exceptions to an advisory.

use super::super::value::{args, from_row};
use super::super::{Change, StoreError, View};
use super::{kept, scope};
use crate::exposure::Scope;
use crate::exposure::exception::Granted;
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use serde_json::json;

/// An exception as it is granted.
#[derive(Clone, Debug)]
pub struct NewException<'a> {
    /// The advisory.
    pub advisory: &'a str,
    /// What it is about.
    pub scope: &'a [Scope],
    /// Until when.
    pub until: UtcMs,
    /// What protects meanwhile.
    pub control: &'a Label,
    /// The mitigation that does, where it is one.
    pub mitigation: Option<u32>,
    /// Who answers for it.
    pub owner: &'a Label,
}

struct Row {
    number: u32,
    advisory: String,
    scope: String,
    until: UtcMs,
    control: String,
    mitigation: Option<u32>,
    owner: String,
    set_by: String,
    set_at: UtcMs,
    ended_at: Option<UtcMs>,
}
from_row!(Row {
    number,
    advisory,
    scope,
    until,
    control,
    mitigation,
    owner,
    set_by,
    set_at,
    ended_at
});

impl View {
    /// Every exception to an advisory, also those that are over, by number.
    pub async fn granted(&mut self) -> Result<Vec<Granted>, StoreError> {
        let rows: Vec<Row> = self
            .tx
            .all(
                "SELECT number, advisory, scope, until, control, mitigation, owner, set_by,
                        set_at, ended_at
                 FROM exposure_exceptions ORDER BY number",
                args![],
            )
            .await?;
        let read = |row: Row| {
            Ok(Granted {
                number: row.number,
                advisory: row.advisory,
                scope: scope(&row.scope)?,
                until: row.until,
                control: row.control,
                mitigation: row.mitigation,
                owner: row.owner,
                set_by: row.set_by,
                set_at: row.set_at,
                ended_at: row.ended_at,
            })
        };
        rows.into_iter().map(read).collect()
    }
}

impl Change {
    /// Grants an exception; gives back its number.
    pub async fn grant(&mut self, new: &NewException<'_>) -> Result<u32, StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let last = self.view().granted().await?;
        let number = last.last().map_or(0, |one| one.number) + 1;
        let detail = json!({
            "number": number, "until": new.until.to_string(), "control": new.control,
            "mitigation": new.mitigation, "owner": new.owner, "scope": kept(new.scope),
        });
        self.step("exposure.except", new.advisory, detail)
            .execute(
                "INSERT INTO exposure_exceptions (number, advisory, scope, until, control,
                     mitigation, owner, set_by, set_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                args![
                    number,
                    new.advisory,
                    kept(new.scope),
                    new.until,
                    new.control,
                    new.mitigation,
                    new.owner,
                    by,
                    at
                ],
            )
            .await?;
        self.done();
        Ok(number)
    }

    /// Ends an exception.
    pub async fn end_granted(&mut self, number: u32) -> Result<(), StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let ended = self
            .step("exposure.except-end", number, json!({}))
            .execute(
                "UPDATE exposure_exceptions SET ended_by = $2, ended_at = $3
                 WHERE number = $1 AND ended_at IS NULL",
                args![number, by, at],
            )
            .await?;
        self.done_if(ended, || {
            StoreError::missing("exception that is not ended", number)
        })
    }
}
