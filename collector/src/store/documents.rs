//! The hospital's signed documents, by the digest of their exact payload, and the
//! signatures over them and over plans. What a document means is for the caller to say;
//! it passes the columns that are asked for.

use super::go::{lock_all_groups, scope_columns};
use super::value::{args, from_row, words};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use patchward_common::trust::sign::KeyId;
use patchward_common::trust::stop::Scope;
use serde_json::json;

words! {
    /// What a document is.
    DocumentKind {
        /// Registrars and vendors.
        Charter = "charter",
        /// People, keys and roles.
        Roster = "roster",
        /// What each machine is.
        Assignment = "assignment",
        /// Nothing within a scope starts.
        Stop = "stop",
        /// Ends a stop.
        Lift = "lift",
        /// Lets named machines go back.
        Downgrade = "downgrade",
        /// Hands a machine over for a slot.
        Handover = "handover",
        /// Lets a machine's time watermark fall.
        TimeReset = "time_reset",
    }
}

/// A document to store.
#[derive(Clone, Copy, Debug)]
pub struct NewDocument<'a> {
    /// What it is.
    pub kind: DocumentKind,
    /// Its number, for those that replace one another: charter, roster, assignment.
    pub number: Option<u64>,
    /// What a stop covers.
    pub scope: Option<&'a Scope>,
    /// What else it is about: the machine of a handover or time reset, the digest of the
    /// stop that a lift ends. `None` for documents about many things.
    pub subject: Option<&'a str>,
    /// From when on it says nothing.
    pub expires_at: Option<UtcMs>,
    /// Its exact bytes.
    pub payload: &'a [u8],
}

impl<'a> NewDocument<'a> {
    /// A stop over `scope`, which counts until somebody lifts it.
    pub fn stop(scope: &'a Scope, payload: &'a [u8]) -> Self {
        Self {
            kind: DocumentKind::Stop,
            number: None,
            scope: Some(scope),
            subject: None,
            expires_at: None,
            payload,
        }
    }
}

/// A document as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The digest of its payload.
    pub digest: Digest,
    /// What it is.
    pub kind: DocumentKind,
    /// Its number.
    pub number: Option<u64>,
    /// The word of a stop's scope: `plan`, `release`, `vendor`, `unit` or `all`.
    pub scope: Option<String>,
    /// What it is about; what a stop's scope names.
    pub subject: Option<String>,
    /// Its exact bytes.
    pub payload: Vec<u8>,
    /// When it came.
    pub added_at: UtcMs,
    /// From when on it says nothing.
    pub expires_at: Option<UtcMs>,
    /// When it was lifted or used up.
    pub ended_at: Option<UtcMs>,
    /// By what, or by whom.
    pub ended_by: Option<String>,
}
from_row!(Document {
    digest,
    kind,
    number,
    scope,
    subject,
    payload,
    added_at,
    expires_at,
    ended_at,
    ended_by
});

/// A signature over a document or a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSignature {
    /// The key.
    pub signer: KeyId,
    /// A COSE_Sign1 without payload.
    pub bytes: Vec<u8>,
}
from_row!(StoredSignature { signer, bytes });

impl View {
    /// One document.
    pub async fn document(&mut self, digest: &Digest) -> Result<Option<Document>, StoreError> {
        self.tx
            .first(
                "SELECT digest, kind, number, scope, subject, payload, added_at, expires_at,
                        ended_at, ended_by
                 FROM documents WHERE digest = $1",
                args![digest],
            )
            .await
    }

    /// The document of a kind with the highest number.
    pub async fn newest(&mut self, kind: DocumentKind) -> Result<Option<Document>, StoreError> {
        self.tx
            .first(
                "SELECT digest, kind, number, scope, subject, payload, added_at, expires_at,
                        ended_at, ended_by
                 FROM documents WHERE kind = $1 AND number IS NOT NULL
                 ORDER BY number DESC LIMIT 1",
                args![kind],
            )
            .await
    }

    /// The documents of a kind with a number above `number`, lowest first: the chain of
    /// charters that a machine lacks.
    pub async fn numbered_after(
        &mut self,
        kind: DocumentKind,
        number: u64,
    ) -> Result<Vec<Document>, StoreError> {
        self.tx
            .all(
                "SELECT digest, kind, number, scope, subject, payload, added_at, expires_at,
                        ended_at, ended_by
                 FROM documents WHERE kind = $1 AND number > $2 ORDER BY number",
                args![kind, number],
            )
            .await
    }

    /// The documents of a kind that are neither ended nor expired at `now`, oldest first.
    pub async fn in_force(
        &mut self,
        kind: DocumentKind,
        now: UtcMs,
    ) -> Result<Vec<Document>, StoreError> {
        self.tx
            .all(
                "SELECT digest, kind, number, scope, subject, payload, added_at, expires_at,
                        ended_at, ended_by
                 FROM documents
                 WHERE kind = $1 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
                 ORDER BY added_at, digest",
                args![kind, now],
            )
            .await
    }

    /// The signatures over a document or plan, by key.
    pub async fn signatures(
        &mut self,
        document: &Digest,
    ) -> Result<Vec<StoredSignature>, StoreError> {
        self.tx
            .all(
                "SELECT signer, bytes FROM signatures WHERE document = $1 ORDER BY signer",
                args![document],
            )
            .await
    }

    /// The rows of an assignment, by machine.
    pub async fn assignment_leaves(
        &mut self,
        document: &Digest,
    ) -> Result<Vec<(MachineId, Vec<u8>)>, StoreError> {
        self.tx
            .all(
                "SELECT machine, leaf FROM assignment_leaves WHERE document = $1 ORDER BY machine",
                args![document],
            )
            .await
    }

    /// The newest assignment that has a row for a machine.
    pub async fn assignment_of(
        &mut self,
        machine: &MachineId,
    ) -> Result<Option<Document>, StoreError> {
        self.tx
            .first(
                "SELECT digest, kind, number, scope, subject, payload, added_at, expires_at,
                        ended_at, ended_by
                 FROM documents d JOIN assignment_leaves l ON l.document = d.digest
                 WHERE l.machine = $1 ORDER BY d.number DESC LIMIT 1",
                args![machine],
            )
            .await
    }
}

impl Change {
    /// Stores a document with its signatures; the same one again adds the signatures that
    /// are new. A stop waits for decisions on go that are under way, and covers all later
    /// ones. Gives back its digest.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another document of the kind has the number.
    pub async fn add_document(
        &mut self,
        new: &NewDocument<'_>,
        signatures: &[StoredSignature],
    ) -> Result<Digest, StoreError> {
        let now = self.now();
        let digest = Digest::of(new.payload);
        let (scope, subject) = match new.scope.map(scope_columns) {
            Some((word, subject)) => (Some(word), Some(subject)),
            None => (None, new.subject.map(str::to_owned)),
        };
        if let Some(number) = new.number {
            let other: Option<(Digest,)> = self
                .view()
                .tx
                .first(
                    "SELECT digest FROM documents WHERE kind = $1 AND number = $2",
                    args![new.kind, number],
                )
                .await?;
            if other.is_some_and(|(other,)| other != digest) {
                return Err(StoreError::conflict(format!(
                    "there is another {} with the number {number}",
                    new.kind.word()
                )));
            }
        }
        let detail = json!({
            "kind": new.kind,
            "number": new.number,
            "scope": scope,
            "subject": subject,
            "signers": signatures.iter().map(|s| s.signer).collect::<Vec<_>>(),
        });
        let tx = self.step("document.add", digest, detail);
        if new.kind == DocumentKind::Stop {
            lock_all_groups(tx).await?;
        }
        tx.execute(
            "INSERT INTO documents (digest, kind, number, scope, subject, payload, added_at,
                                    expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (digest) DO NOTHING",
            args![
                digest,
                new.kind,
                new.number,
                scope,
                subject,
                new.payload,
                now,
                new.expires_at
            ],
        )
        .await?;
        insert_signatures(tx, &digest, signatures, now).await?;
        self.done();
        Ok(digest)
    }

    /// Stores the rows of an assignment.
    pub async fn add_assignment_leaves(
        &mut self,
        document: &Digest,
        leaves: &[(MachineId, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let rows = leaves
            .iter()
            .map(|(machine, leaf)| args![document, machine, leaf])
            .collect();
        self.step(
            "assignment.leaves",
            document,
            json!({ "rows": leaves.len() }),
        )
        .execute_many(
            (
                "INSERT INTO assignment_leaves (document, machine, leaf) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            rows,
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Adds signatures to a document or plan.
    pub async fn add_signatures(
        &mut self,
        document: &Digest,
        signatures: &[StoredSignature],
    ) -> Result<(), StoreError> {
        let now = self.now();
        let signers: Vec<_> = signatures.iter().map(|s| s.signer).collect();
        let tx = self.step("document.sign", document, json!({ "signers": signers }));
        insert_signatures(tx, document, signatures, now).await?;
        self.done();
        Ok(())
    }

    /// Ends a document: a stop by its lift, a downgrade or handover by its use. `by` says
    /// by what.
    pub async fn end_document(&mut self, digest: &Digest, by: &str) -> Result<(), StoreError> {
        let now = self.now();
        let changed = self
            .step("document.end", digest, json!({ "by": by }))
            .execute(
                "UPDATE documents SET ended_at = $2, ended_by = $3
                 WHERE digest = $1 AND ended_at IS NULL",
                args![digest, now, by],
            )
            .await?;
        self.done_if(changed, || {
            StoreError::missing("document that is still in force", digest)
        })
    }
}

/// Adds signatures that are not there yet. A key has one: Ed25519 is deterministic.
pub(super) async fn insert_signatures(
    tx: &mut super::sql::Tx,
    document: &Digest,
    signatures: &[StoredSignature],
    now: UtcMs,
) -> Result<(), StoreError> {
    let rows = signatures
        .iter()
        .map(|s| args![document, s.signer, s.bytes, now])
        .collect();
    tx.execute_many(
        (
            "INSERT INTO signatures (document, signer, bytes, added_at) VALUES",
            "ON CONFLICT DO NOTHING",
        ),
        rows,
    )
    .await?;
    Ok(())
}
