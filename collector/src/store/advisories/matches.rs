//! What advisories come to for the things of the hospital, and how far the work is.

use super::super::conditions::Conditions;
use super::super::value::{args, from_row, words};
use super::super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use serde_json::json;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;

words! {
    /// How far the work on one holder and vulnerability is.
    Mark {
        /// Nothing was done.
        NotRemediated = "not_remediated",
        /// Somebody is at it.
        InProgress = "in_progress",
        /// It is done.
        Done = "done",
    }
}

/// One advisory and one distinct thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchRow {
    /// The advisory.
    pub advisory: String,
    /// The thing's key.
    pub thing: String,
    /// Who it is, whatever its version.
    pub who: String,
    /// As people read it.
    pub shown: String,
    /// The value's word.
    pub value: String,
    /// The reason's word.
    pub reason: String,
    /// The reason in a sentence.
    pub why: String,
    /// The product's key, by which decisions are remembered.
    pub product: String,
    /// The product's id in the advisory.
    pub product_id: String,
    /// What can be done.
    pub outlook: String,
    /// What people act on.
    pub fingerprint: Digest,
    /// Since when it is so.
    pub since: UtcMs,
}
from_row!(MatchRow {
    advisory,
    thing,
    who,
    shown,
    value,
    reason,
    why,
    product,
    product_id,
    outlook,
    fingerprint,
    since
});

/// How far the work on one vulnerability and holder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkRow {
    /// The advisory.
    pub advisory: String,
    /// The vulnerability.
    pub vulnerability: String,
    /// `machine NAME` or `asset TAG`.
    pub holder: String,
    /// How far.
    pub mark: Mark,
    /// Who said so.
    pub marked_by: String,
    /// When.
    pub at: UtcMs,
}
from_row!(MarkRow {
    advisory,
    vulnerability,
    holder,
    mark,
    marked_by,
    at
});

impl View {
    /// Every match of one advisory or of all.
    pub async fn advisory_matches(
        &mut self,
        advisory: Option<&str>,
    ) -> Result<Vec<MatchRow>, StoreError> {
        let of = Conditions::default().and("advisory = ?", advisory.map(|one| args![one]));
        let sql = format!(
            "SELECT advisory, thing, who, shown, value, reason, why, product, product_id, outlook,
                    fingerprint, since
             FROM advisory_matches {of} ORDER BY advisory, thing"
        );
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }

    /// How far the work is, of one advisory or of all.
    pub async fn advisory_marks(
        &mut self,
        advisory: Option<&str>,
    ) -> Result<Vec<MarkRow>, StoreError> {
        let of = Conditions::default().and("advisory = ?", advisory.map(|one| args![one]));
        let sql = format!(
            "SELECT advisory, vulnerability, holder, mark, marked_by, at
             FROM advisory_marks {of} ORDER BY advisory, vulnerability, holder"
        );
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }
}

impl Change {
    /// Writes what differs in the matches of an advisory: rows that are new or other than
    /// before, and things that it has to do with no more. `opened` asks people for something.
    pub async fn put_matches(
        &mut self,
        advisory: &str,
        rows: &[MatchRow],
        gone: &[String],
        opened: usize,
    ) -> Result<(), StoreError> {
        let detail = json!({ "written": rows.len(), "gone": gone.len(), "new": opened });
        let tx = self.step("advisory.match", advisory, detail);
        for thing in gone {
            tx.execute(
                "DELETE FROM advisory_matches WHERE advisory = $1 AND thing = $2",
                args![advisory, thing],
            )
            .await?;
        }
        let rows = rows.iter().map(|row| {
            args![
                row.advisory,
                row.thing,
                row.who,
                row.shown,
                row.value,
                row.reason,
                row.why,
                row.product,
                row.product_id,
                row.outlook,
                row.fingerprint,
                row.since
            ]
        });
        tx.execute_many(
            (
                "INSERT INTO advisory_matches (advisory, thing, who, shown, value, reason, why,
                     product, product_id, outlook, fingerprint, since) VALUES",
                "ON CONFLICT (advisory, thing) DO UPDATE SET who = excluded.who,
                     shown = excluded.shown, value = excluded.value, reason = excluded.reason,
                     why = excluded.why, product = excluded.product,
                     product_id = excluded.product_id, outlook = excluded.outlook,
                     fingerprint = excluded.fingerprint, since = excluded.since",
            ),
            rows.collect(),
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Notes how far the work on holders is, for some vulnerabilities of an advisory.
    pub async fn mark_advisory(
        &mut self,
        advisory: &str,
        vulnerabilities: &[String],
        holders: &[String],
        mark: Mark,
    ) -> Result<(), StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let detail = json!({
            "mark": mark, "vulnerabilities": vulnerabilities, "holders": holders.len(),
        });
        let none = Digest::default();
        // PostgreSQL takes a row once per statement.
        let vulnerabilities: BTreeSet<&String> = vulnerabilities.iter().collect();
        let holders: BTreeSet<&String> = holders.iter().collect();
        let rows = vulnerabilities.iter().flat_map(|vulnerability| {
            let by = &by;
            holders
                .iter()
                .map(move |holder| args![advisory, vulnerability, holder, mark, none, by, at])
        });
        let rows = rows.collect();
        self.step("advisory.mark", advisory, detail)
            .execute_many(
                (
                    "INSERT INTO advisory_marks (advisory, vulnerability, holder, mark,
                         fingerprint, marked_by, at) VALUES",
                    "ON CONFLICT (advisory, vulnerability, holder) DO UPDATE SET
                         mark = excluded.mark, marked_by = excluded.marked_by,
                         at = excluded.at",
                ),
                rows,
            )
            .await?;
        self.done();
        Ok(())
    }
}
