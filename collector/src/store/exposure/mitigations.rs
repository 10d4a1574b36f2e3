//! Mitigation tasks.

use super::super::value::{args, from_row};
use super::super::{Change, StoreError, View};
use super::{kept, scope};
use crate::exposure::Scope;
use crate::exposure::mitigation::{Attestation, Mitigation};
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use serde_json::json;
use std::collections::{BTreeSet, HashMap};

/// A task as it is made.
#[derive(Clone, Debug)]
pub struct NewMitigation<'a> {
    /// The advisory.
    pub advisory: &'a str,
    /// What it is.
    pub title: &'a Label,
    /// What is done, step by step.
    pub steps: &'a [String],
    /// A word of an owner, or a person.
    pub owner: &'a str,
    /// Until when.
    pub due: UtcMs,
    /// What it is about.
    pub scope: &'a [Scope],
    /// The probe that tells that it is in place, and what it answers then.
    pub probe: Option<(&'a str, &'a str)>,
}

/// A person's word as it is said.
#[derive(Clone, Debug)]
pub struct NewAttestation<'a> {
    /// Where.
    pub scope: &'a [Scope],
    /// On which machines and assets that is now.
    pub holders: &'a BTreeSet<String>,
    /// Who looked.
    pub by: &'a Label,
    /// What they saw.
    pub words: &'a Label,
}

/// A word as it is kept: of which mitigation, where, by whom, what and when.
type Said = (u32, String, Option<String>, String, String, UtcMs);

struct Row {
    number: u32,
    advisory: String,
    title: String,
    steps: String,
    owner: String,
    due: UtcMs,
    scope: String,
    probe: Option<String>,
    probe_answer: Option<String>,
    made_by: String,
    made_at: UtcMs,
    closed_at: Option<UtcMs>,
    closed_why: Option<String>,
}
from_row!(Row {
    number,
    advisory,
    title,
    steps,
    owner,
    due,
    scope,
    probe,
    probe_answer,
    made_by,
    made_at,
    closed_at,
    closed_why
});

impl View {
    /// Every mitigation, also those that a person closed, by number.
    pub async fn mitigations(&mut self) -> Result<Vec<Mitigation>, StoreError> {
        let said: Vec<Said> = self
            .tx
            .all(
                "SELECT mitigation, scope, holders, said_by, words, at FROM mitigation_attestations
                 ORDER BY mitigation, number",
                args![],
            )
            .await?;
        let mut attested: HashMap<u32, Vec<Attestation>> = HashMap::new();
        for (mitigation, text, holders, by, words, at) in said {
            let holders = holders.map(|holders| serde_json::from_str(&holders));
            let holders = holders.transpose();
            attested.entry(mitigation).or_default().push(Attestation {
                scope: scope(&text)?,
                holders: holders
                    .map_err(|error| StoreError::Corrupt(format!("holders: {error}")))?,
                by,
                words,
                at,
            });
        }
        let rows: Vec<Row> = self
            .tx
            .all(
                "SELECT number, advisory, title, steps, owner, due, scope, probe, probe_answer,
                        made_by, made_at, closed_at, closed_why
                 FROM mitigations ORDER BY number",
                args![],
            )
            .await?;
        let read = |row: Row| {
            let steps = serde_json::from_str(&row.steps);
            Ok(Mitigation {
                attested: attested.remove(&row.number).unwrap_or_default(),
                number: row.number,
                advisory: row.advisory,
                title: row.title,
                steps: steps.map_err(|error| StoreError::Corrupt(format!("steps: {error}")))?,
                owner: row.owner,
                due: row.due,
                scope: scope(&row.scope)?,
                probe: row.probe.zip(row.probe_answer),
                made_by: row.made_by,
                made_at: row.made_at,
                closed: row.closed_at.zip(row.closed_why),
            })
        };
        rows.into_iter().map(read).collect()
    }
}

impl Change {
    /// Adds a mitigation; gives back its number.
    pub async fn add_mitigation(&mut self, new: &NewMitigation<'_>) -> Result<u32, StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let last = self.view().mitigations().await?;
        let number = last.last().map_or(0, |one| one.number) + 1;
        let detail = json!({
            "advisory": new.advisory, "title": new.title, "owner": new.owner, "due": new.due,
            "scope": kept(new.scope), "probe": new.probe,
        });
        let (probe, answer) = new.probe.unzip();
        let steps = json!(new.steps).to_string();
        self.step("mitigation.add", number, detail)
            .execute(
                "INSERT INTO mitigations (number, advisory, title, steps, owner, due, scope,
                     probe, probe_answer, made_by, made_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                args![
                    number,
                    new.advisory,
                    new.title,
                    steps,
                    new.owner,
                    new.due,
                    kept(new.scope),
                    probe,
                    answer,
                    by,
                    at
                ],
            )
            .await?;
        self.done();
        Ok(number)
    }

    /// Notes a person's word that a mitigation is in place somewhere.
    pub async fn attest_mitigation(
        &mut self,
        of: &Mitigation,
        word: &NewAttestation<'_>,
    ) -> Result<(), StoreError> {
        let at = self.now();
        let number = of.attested.len() as u64 + 1;
        let scope = kept(word.scope);
        let detail = json!({
            "by": word.by, "words": word.words, "scope": scope, "on": word.holders.len(),
        });
        let holders = json!(word.holders).to_string();
        self.step("mitigation.attest", of.number, detail)
            .execute(
                "INSERT INTO mitigation_attestations (mitigation, number, scope, holders,
                     said_by, words, at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                args![of.number, number, scope, holders, word.by, word.words, at],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Closes a mitigation: it is not waited for any more.
    pub async fn close_mitigation(&mut self, number: u32, why: &Label) -> Result<(), StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let closed = self
            .step("mitigation.close", number, json!({ "why": why }))
            .execute(
                "UPDATE mitigations SET closed_by = $2, closed_at = $3, closed_why = $4
                 WHERE number = $1 AND closed_at IS NULL",
                args![number, by, at, why],
            )
            .await?;
        self.done_if(closed, || {
            StoreError::missing("mitigation that is not closed", number)
        })
    }
}
