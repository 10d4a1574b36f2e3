//! The audit log: one row per change, each hashed with the hash of the row before, so
//! that a row that was altered, dropped or put in later shows. The head goes to the
//! machines and into every pack of evidence; with it, a log that was rewritten as a
//! whole shows too.

use super::change::Note;
use super::sql::Tx;
use super::value::{args, from_row};
use super::{StoreError, View};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use serde::Serialize;
use std::collections::BTreeSet;

/// Rows that are read at once while the chain is verified.
const PAGE: u32 = 1_000;

/// The last row of the log; number 0 and a digest of zeros before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}
from_row!(Head { seq, hash });

impl Head {
    /// The head of an empty log.
    pub const EMPTY: Self = Self {
        seq: 0,
        hash: Digest([0; 32]),
    };
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: UtcMs,
    /// Who did it, as [`super::Actor`] prints.
    pub actor: String,
    /// What was done, `noun.verb`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// More about it, JSON.
    pub detail: String,
    /// The hash of the row before.
    pub previous: Digest,
    /// The hash of this row.
    pub hash: Digest,
}
from_row!(AuditRow {
    seq,
    at,
    actor,
    action,
    subject,
    detail,
    previous,
    hash
});

/// What a row's hash covers, in deterministic CBOR.
#[derive(Serialize)]
struct Hashed<'a> {
    seq: u64,
    at: UtcMs,
    actor: &'a str,
    action: &'a str,
    subject: &'a str,
    detail: &'a str,
    previous: Digest,
}

impl AuditRow {
    /// The hash that the row must have.
    pub fn expected_hash(&self) -> Digest {
        Digest::of(&codec::encode_deterministic(&Hashed {
            seq: self.seq,
            at: self.at,
            actor: &self.actor,
            action: &self.action,
            subject: &self.subject,
            detail: &self.detail,
            previous: self.previous,
        }))
    }
}

/// Why a log is not whole.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// A row does not follow from the one before.
    #[error("audit row {seq}: {problem}; keep a copy of the database and compare with a backup")]
    Broken {
        /// The row's number.
        seq: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Locks the end of the log until the transaction ends: nobody's row follows meanwhile.
pub(super) async fn lock_head(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = "UPDATE audit_head SET seq = seq WHERE id = 1";
    tx.execute(sql, Vec::new()).await?;
    Ok(())
}

/// Appends a row for each note; the head is locked until the transaction ends.
pub(super) async fn append(tx: &mut Tx, at: UtcMs, notes: &[Note]) -> Result<Head, StoreError> {
    // The last lock that a change takes, so that waiting for it cannot be mutual.
    let mut head: Head = tx
        .one(
            "UPDATE audit_head SET seq = seq + $1 WHERE id = 1 RETURNING seq - $1, hash",
            args![notes.len() as u64],
        )
        .await?;
    let mut rows = Vec::with_capacity(notes.len());
    for note in notes {
        let mut row = AuditRow {
            seq: head.seq + 1,
            at,
            actor: note.actor.to_string(),
            action: note.action.to_owned(),
            subject: note.subject.clone(),
            detail: note.detail.clone(),
            previous: head.hash,
            hash: head.hash,
        };
        row.hash = row.expected_hash();
        head = Head {
            seq: row.seq,
            hash: row.hash,
        };
        rows.push(args![
            row.seq,
            row.at,
            row.actor,
            row.action,
            row.subject,
            row.detail,
            row.previous,
            row.hash
        ]);
    }
    tx.execute_many(
        (
            "INSERT INTO audit (seq, at, actor, action, subject, detail, previous, hash) VALUES",
            "",
        ),
        rows,
    )
    .await?;
    tx.execute(
        "UPDATE audit_head SET hash = $1 WHERE id = 1",
        args![head.hash],
    )
    .await?;
    Ok(head)
}

impl View {
    /// The last row.
    pub async fn audit_head(&mut self) -> Result<Head, StoreError> {
        self.tx
            .one("SELECT seq, hash FROM audit_head WHERE id = 1", args![])
            .await
    }

    /// Up to `limit` rows after number `after`, oldest first.
    pub async fn audit_after(
        &mut self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.tx
            .all(
                "SELECT seq, at, actor, action, subject, detail, previous, hash FROM audit
                 WHERE seq > $1 ORDER BY seq LIMIT $2",
                args![after, limit],
            )
            .await
    }

    /// Up to `limit` rows before number `before`, newest first: a log as people read it.
    pub async fn audit_before(
        &mut self,
        before: u64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.tx
            .all(
                "SELECT seq, at, actor, action, subject, detail, previous, hash FROM audit
                 WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
                args![before, limit],
            )
            .await
    }

    /// Up to `limit` rows about `subject`, newest first.
    pub async fn audit_of(
        &mut self,
        subject: &str,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.tx
            .all(
                "SELECT seq, at, actor, action, subject, detail, previous, hash FROM audit
                 WHERE subject = $1 ORDER BY seq DESC LIMIT $2",
                args![subject, limit],
            )
            .await
    }

    /// The kinds of things that changed after row `after`: the nouns of the actions.
    pub async fn kinds_changed(&mut self, after: u64) -> Result<BTreeSet<String>, StoreError> {
        let rows: Vec<(String,)> = self
            .tx
            .all(
                "SELECT DISTINCT action FROM audit WHERE seq > $1",
                args![after],
            )
            .await?;
        let nouns = rows.into_iter().map(|(action,)| {
            let noun = action.split('.').next().unwrap_or_default();
            noun.to_owned()
        });
        Ok(nouns.collect())
    }

    /// Reads the whole log and checks that each row follows from the one before, that the
    /// stored head is the last of them, and that `known`, a head that was noted elsewhere
    /// before, is among them.
    pub async fn verify_audit(&mut self, known: Option<Head>) -> Result<Head, ChainError> {
        let mut at = Head::EMPTY;
        loop {
            let rows = self.audit_after(at.seq, PAGE).await?;
            for row in &rows {
                at = follow(at, row)?;
                if known.is_some_and(|known| known.seq == at.seq && known.hash != at.hash) {
                    return Err(broken(at.seq, "not the row that was noted elsewhere"));
                }
            }
            if rows.len() < PAGE as usize {
                break;
            }
        }
        if self.audit_head().await? != at {
            return Err(broken(at.seq, "the last rows are missing"));
        }
        match known {
            Some(known) if known.seq > at.seq => {
                Err(broken(known.seq, "noted elsewhere, and missing here"))
            }
            _ => Ok(at),
        }
    }
}

fn follow(before: Head, row: &AuditRow) -> Result<Head, ChainError> {
    if row.seq != before.seq + 1 {
        return Err(broken(before.seq + 1, "missing"));
    }
    if row.previous != before.hash {
        return Err(broken(row.seq, "does not follow from the row before"));
    }
    if row.hash != row.expected_hash() {
        return Err(broken(row.seq, "was altered"));
    }
    Ok(Head {
        seq: row.seq,
        hash: row.hash,
    })
}

fn broken(seq: u64, problem: &'static str) -> ChainError {
    ChainError::Broken { seq, problem }
}
