//! The collector's audit log, as it verifies away from the collector: one row per change,
//! each hashed with the hash of the row before, so that a row that was altered, dropped or
//! put in later shows. With a head that was noted elsewhere, a log that was rewritten as a
//! whole shows too.

use crate::codec;
use crate::digest::Digest;
use crate::time::UtcMs;
use serde::{Deserialize, Serialize};

/// The last row of the log; number 0 and a digest of zeros before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

impl Head {
    /// The head of an empty log.
    pub const EMPTY: Self = Self {
        seq: 0,
        hash: Digest([0; 32]),
    };
}

/// As people write it down, and as `audit verify` takes it: `ROW:HASH`.
impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRow {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: UtcMs,
    /// Who did it: `person:ada`, `machine:…`, `local:1000`, `collector`.
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

/// A row that does not follow from the one before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit row {seq}: {problem}")]
pub struct Broken {
    /// The row's number.
    pub seq: u64,
    /// What is wrong.
    pub problem: &'static str,
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

    /// The head of a log that ends with this row, where it follows from `before`.
    ///
    /// # Errors
    /// Where a row is missing between them, or this one is not what was hashed.
    pub fn follow(&self, before: Head) -> Result<Head, Broken> {
        let broken = |seq, problem| Err(Broken { seq, problem });
        let next = before.seq.saturating_add(1);
        if self.seq != next {
            return broken(next, "missing");
        }
        if self.previous != before.hash {
            return broken(self.seq, "does not follow from the row before");
        }
        if self.hash != self.expected_hash() {
            return broken(self.seq, "was altered");
        }
        Ok(Head {
            seq: self.seq,
            hash: self.hash,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Rows that follow from `before`, as a collector writes them.
    pub(crate) fn rows(before: Head, count: u64) -> Vec<AuditRow> {
        let mut head = before;
        let mut rows = Vec::new();
        for seq in before.seq + 1..=before.seq + count {
            let mut row = AuditRow {
                seq,
                at: UtcMs(1_800_000_000_000 + i64::try_from(seq).unwrap()),
                actor: "person:ada".to_owned(),
                action: "hold.set".to_owned(),
                subject: "icu-3".to_owned(),
                detail: "{}".to_owned(),
                previous: head.hash,
                hash: head.hash,
            };
            row.hash = row.expected_hash();
            head = row.follow(head).unwrap();
            rows.push(row);
        }
        rows
    }

    #[test]
    fn each_row_follows_from_the_one_before_and_no_other() {
        let rows = rows(Head::EMPTY, 3);
        let head = Head {
            seq: 1,
            hash: rows[0].hash,
        };
        assert!(rows[1].follow(head).is_ok());
        let said = |row: &AuditRow, before| row.follow(before).unwrap_err().to_string();
        assert_eq!(said(&rows[2], head), "audit row 2: missing");
        let other = Head {
            hash: rows[1].hash,
            ..head
        };
        assert!(said(&rows[1], other).contains("does not follow"));
        for alter in [
            |row: &mut AuditRow| row.actor = "person:eve".to_owned(),
            |row: &mut AuditRow| row.at = row.at.plus_ms(1),
            |row: &mut AuditRow| row.detail = "{ }".to_owned(),
            |row: &mut AuditRow| row.hash = Digest([7; 32]),
        ] {
            let mut row = rows[1].clone();
            alter(&mut row);
            assert_eq!(said(&row, head), "audit row 2: was altered");
        }
    }
}
