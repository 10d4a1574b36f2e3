//! The audit log: one row per change, each hashed with the hash of the row before, so
//! that a row that was altered, dropped or put in later shows. The head goes to the
//! machines and into every pack of evidence; with it, a log that was rewritten as a
//! whole shows too.

use super::change::Note;
use super::conditions::Conditions;
use super::sql::{Tx, always};
use super::value::{args, from_row};
use super::{Store, StoreError, View};
use patchward_common::audit::Broken;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;

pub use patchward_common::audit::{AuditRow, Head};

/// Rows that are read at once while the chain is verified.
const PAGE: u32 = 1_000;

from_row!(Head { seq, hash });
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

/// Which rows somebody looks for: each part that is said narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// About this machine, unit, plan, as the log names it.
    pub about: Option<String>,
    /// Who did it, as the log names them.
    pub who: Option<String>,
    /// What was done: `hold.set`, or all of `hold`.
    pub what: Option<String>,
    /// From then on.
    pub from: Option<UtcMs>,
    /// Before then.
    pub until: Option<UtcMs>,
}

/// Why a log is not whole.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// A row does not follow from the one before.
    #[error("{0}; keep a copy of the database and compare with a backup")]
    Broken(#[from] Broken),
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

const HEAD: &str = "SELECT seq, hash FROM audit_head WHERE id = 1";

impl Store {
    /// The last row.
    pub async fn audit_head(&self) -> Result<Head, StoreError> {
        let rows = self.engine.glance(HEAD, args![]).await?;
        always(rows.into_iter().next())
    }
}

impl View {
    /// The last row.
    pub async fn audit_head(&mut self) -> Result<Head, StoreError> {
        self.tx.one(HEAD, args![]).await
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

    /// The last row of the log before its first one of `from` or later; no row where `from` is
    /// not said. The log is in the order in which things happened, so a clock that was set
    /// back makes what follows start earlier, and leaves nothing out.
    pub async fn audit_before_time(&mut self, from: Option<UtcMs>) -> Result<Head, StoreError> {
        let Some(from) = from else {
            return Ok(Head::EMPTY);
        };
        let before: Option<Head> = self
            .tx
            .first(
                "SELECT seq, hash FROM audit
                 WHERE seq < COALESCE((SELECT MIN(seq) FROM audit WHERE at >= $1), $2)
                 ORDER BY seq DESC LIMIT 1",
                args![from, i64::MAX],
            )
            .await?;
        Ok(before.unwrap_or(Head::EMPTY))
    }

    /// The row with this hash, wherever in the log it is.
    pub async fn audit_with_hash(&mut self, hash: &Digest) -> Result<Option<Head>, StoreError> {
        self.tx
            .first("SELECT seq, hash FROM audit WHERE hash = $1", args![hash])
            .await
    }

    /// Up to `limit` rows that `sought` describes, newest first.
    pub async fn audit_sought(
        &mut self,
        sought: &Sought,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let mut of = Conditions::default()
            .and(
                "subject = ?",
                sought.about.as_ref().map(|about| args![about]),
            )
            .and("actor = ?", sought.who.as_ref().map(|who| args![who]))
            .and(
                "(action = ? OR substr(action, 1, length(?) + 1) = ? || '.')",
                sought.what.as_ref().map(|what| args![what, what, what]),
            )
            .and("at >= ?", sought.from.map(|from| args![from]))
            .and("at < ?", sought.until.map(|until| args![until]));
        let limit = of.arg(&limit);
        let sql = format!(
            "SELECT seq, at, actor, action, subject, detail, previous, hash FROM audit
             {of} ORDER BY seq DESC LIMIT {limit}"
        );
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }

    /// Up to `limit` ids that rows are about and that begin with these hexadecimal digits.
    pub async fn audit_subjects(
        &mut self,
        digits: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        // What begins with them lies between them and what is greater than any digit.
        let subjects: Vec<(String,)> = self
            .tx
            .all(
                "SELECT DISTINCT subject FROM audit
                 WHERE subject >= $1 AND subject < $2
                 ORDER BY subject LIMIT $3",
                args![digits, format!("{digits}g"), limit],
            )
            .await?;
        Ok(subjects.into_iter().map(|(subject,)| subject).collect())
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
        let at = self.follow_audit(Head::EMPTY, known).await?;
        match known {
            Some(known) if known.seq > at.seq => {
                Err(broken(known.seq, "noted elsewhere, and missing here"))
            }
            _ => Ok(at),
        }
    }

    /// The same of what came after `from`, up to which the log was verified before.
    pub async fn verify_audit_after(&mut self, from: Head) -> Result<Head, ChainError> {
        if let Some(before) = from.seq.checked_sub(1) {
            let row = self.audit_after(before, 1).await?;
            if row.first().is_none_or(|row| row.hash != from.hash) {
                return Err(broken(from.seq, "not the row that it was before"));
            }
        }
        self.follow_audit(from, None).await
    }

    async fn follow_audit(&mut self, from: Head, known: Option<Head>) -> Result<Head, ChainError> {
        let mut at = from;
        loop {
            let rows = self.audit_after(at.seq, PAGE).await?;
            for row in &rows {
                at = row.follow(at)?;
                if known.is_some_and(|known| known.seq == at.seq && known.hash != at.hash) {
                    return Err(broken(at.seq, "not the row that was noted elsewhere"));
                }
            }
            if rows.len() < PAGE as usize {
                break;
            }
        }
        match self.audit_head().await? == at {
            true => Ok(at),
            false => Err(broken(at.seq, "the last rows are missing")),
        }
    }
}

fn broken(seq: u64, problem: &'static str) -> ChainError {
    Broken { seq, problem }.into()
}
