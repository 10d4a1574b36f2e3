//! Programs that ask over the network, and what each may.

use crate::account::{Grant, Scope};
use crate::store::value::{args, from_row};
use crate::store::{Change, Store, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use serde_json::json;

/// A program that may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What people call it.
    pub name: Name,
    /// The gravest that it may ask for.
    pub scope: Scope,
    /// When it was added.
    pub added_at: UtcMs,
    /// From when on its token is worth nothing.
    pub expires_at: UtcMs,
    /// When it last asked, to the minute.
    pub seen_at: Option<UtcMs>,
    /// When it ended.
    pub ended_at: Option<UtcMs>,
}
from_row!(Program {
    name,
    scope,
    added_at,
    expires_at,
    seen_at,
    ended_at
});

impl View {
    /// Every program, by name.
    pub async fn programs(&mut self) -> Result<Vec<Program>, StoreError> {
        self.tx
            .all(
                "SELECT name, scope, added_at, expires_at, seen_at, ended_at
                 FROM programs ORDER BY name",
                args![],
            )
            .await
    }

    /// The program with this token, in whatever state.
    pub async fn program_by_secret(
        &mut self,
        secret_hash: &Digest,
    ) -> Result<Option<Program>, StoreError> {
        self.tx
            .first(
                "SELECT name, scope, added_at, expires_at, seen_at, ended_at
                 FROM programs WHERE secret_hash = $1",
                args![secret_hash],
            )
            .await
    }

    /// What every program may, by program.
    pub async fn program_grants(&mut self) -> Result<Vec<(Name, Grant)>, StoreError> {
        self.tx
            .all(
                "SELECT program, given FROM program_grants ORDER BY program, given",
                args![],
            )
            .await
    }

    /// What a program may.
    pub async fn grants_of_program(&mut self, program: &Name) -> Result<Vec<Grant>, StoreError> {
        let rows: Vec<(Grant,)> = self
            .tx
            .all(
                "SELECT given FROM program_grants WHERE program = $1 ORDER BY given",
                args![program],
            )
            .await?;
        Ok(rows.into_iter().map(|(grant,)| grant).collect())
    }
}

impl Change {
    /// Adds a program with what it may.
    pub async fn add_program(
        &mut self,
        name: &Name,
        secret_hash: &Digest,
        scope: Scope,
        grants: &[Grant],
        expires_at: UtcMs,
    ) -> Result<(), StoreError> {
        for grant in grants {
            if let Some(unit) = &grant.unit {
                self.view().need_unit(unit).await?;
            }
        }
        let now = self.now();
        let detail = json!({
            "roles": grants, "scope": scope, "expires": expires_at.to_string(),
        });
        let tx = self.step("program.add", name, detail);
        let added = tx
            .execute(
                "INSERT INTO programs (name, secret_hash, scope, added_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                args![name, secret_hash, scope, now, expires_at],
            )
            .await?;
        for grant in grants.iter().filter(|_| added > 0) {
            tx.execute(
                "INSERT INTO program_grants (program, given) VALUES ($1, $2)
                 ON CONFLICT DO NOTHING",
                args![name, grant],
            )
            .await?;
        }
        self.done_if(added, || {
            StoreError::conflict(format!("there is, or was, a program {name} already"))
        })
    }

    /// Ends a program: its token is worth nothing. Its name is not given again.
    pub async fn end_program(&mut self, name: &Name) -> Result<(), StoreError> {
        let now = self.now();
        let ended = self
            .step("program.end", name, json!({}))
            .execute(
                "UPDATE programs SET ended_at = $2 WHERE name = $1 AND ended_at IS NULL",
                args![name, now],
            )
            .await?;
        self.done_if(ended, || StoreError::NotFound {
            what: "program that has not ended",
            name: name.to_string(),
        })
    }
}

impl Store {
    /// Notes that a program asked. It says nothing that an auditor asks for.
    pub async fn program_seen(&self, name: &Name, now: UtcMs) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "UPDATE programs SET seen_at = $2
             WHERE name = $1 AND (seen_at IS NULL OR seen_at < $2)",
            args![name, now],
        )
        .await?;
        tx.commit().await
    }
}
