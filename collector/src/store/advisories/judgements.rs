//! What people said: decisions and aliases; and which vulnerabilities are exploited.

use super::super::value::{args, from_row};
use super::super::{Change, StoreError, View};
use crate::advisory::kev::{Catalogue, Kev};
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use serde_json::json;

/// A decision as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDecision<'a> {
    /// The advisory.
    pub advisory: &'a str,
    /// The product's key.
    pub product: &'a str,
    /// Who the thing is.
    pub who: &'a str,
    /// In which version; empty for every one.
    pub version: &'a str,
    /// The value's word.
    pub value: &'a str,
    /// Why.
    pub reason: &'a Label,
}

/// What a person said of a product and a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its number, by which it is undone.
    pub number: u32,
    /// The advisory.
    pub advisory: String,
    /// The product's key.
    pub product: String,
    /// Who the thing is.
    pub who: String,
    /// In which version; empty for every one.
    pub version: String,
    /// The value's word.
    pub value: String,
    /// Why.
    pub reason: String,
    /// Who said it.
    pub decided_by: String,
    /// When.
    pub at: UtcMs,
    /// Since when it counts no more.
    pub ended_at: Option<UtcMs>,
}
from_row!(Decision {
    number,
    advisory,
    product,
    who,
    version,
    value,
    reason,
    decided_by,
    at,
    ended_at
});

/// A name that stands for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasRow {
    /// Whose product it is; empty for a vendor's own name.
    pub vendor: String,
    /// The name.
    pub name: String,
    /// What it stands for.
    pub means: String,
    /// Who said so.
    pub added_by: String,
    /// When.
    pub at: UtcMs,
}
from_row!(AliasRow {
    vendor,
    name,
    means,
    added_by,
    at
});

impl View {
    /// Every decision, also those that were undone.
    pub async fn decisions(&mut self) -> Result<Vec<Decision>, StoreError> {
        self.tx
            .all(
                "SELECT number, advisory, product, who, version, value, reason, decided_by, at,
                        ended_at
                 FROM advisory_decisions ORDER BY number",
                args![],
            )
            .await
    }

    /// Every alias.
    pub async fn aliases(&mut self) -> Result<Vec<AliasRow>, StoreError> {
        self.tx
            .all(
                "SELECT vendor, name, means, added_by, at FROM advisory_aliases
                 ORDER BY vendor, name",
                args![],
            )
            .await
    }

    /// What a name of this vendor, or of vendors, stands for; `None` where it is no alias.
    pub async fn alias(&mut self, vendor: &str, name: &str) -> Result<Option<String>, StoreError> {
        let found: Option<(String,)> = self
            .tx
            .first(
                "SELECT means FROM advisory_aliases WHERE vendor = $1 AND name = $2",
                args![vendor, name],
            )
            .await?;
        Ok(found.map(|(means,)| means))
    }

    /// What is exploited, by CVE.
    pub async fn exploited(&mut self) -> Result<Vec<Kev>, StoreError> {
        let rows: Vec<(String, String, String, String, u32)> = self
            .tx
            .all(
                "SELECT cve, product, added, due, ransomware FROM exploited ORDER BY cve",
                args![],
            )
            .await?;
        let kev = rows
            .into_iter()
            .map(|(cve, product, added, due, ransomware)| Kev {
                cve,
                product,
                added,
                due,
                is_ransomware: ransomware == 1,
            });
        Ok(kev.collect())
    }
}

impl Change {
    /// Remembers a decision; what was said of the same before counts no more. Gives back its
    /// number.
    pub async fn decide(&mut self, new: &NewDecision<'_>) -> Result<u32, StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let number = self
            .view()
            .decisions()
            .await?
            .last()
            .map_or(0, |d| d.number)
            + 1;
        let detail = json!({
            "number": number, "product": new.product, "who": new.who, "version": new.version,
            "value": new.value, "reason": new.reason,
        });
        let tx = self.step("advisory.decide", new.advisory, detail);
        tx.execute(
            "UPDATE advisory_decisions SET ended_by = $5, ended_at = $6
             WHERE advisory = $1 AND product = $2 AND who = $3 AND version = $4
                 AND ended_at IS NULL",
            args![new.advisory, new.product, new.who, new.version, by, at],
        )
        .await?;
        tx.execute(
            "INSERT INTO advisory_decisions (number, advisory, product, who, version, value,
                 reason, decided_by, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            args![
                number,
                new.advisory,
                new.product,
                new.who,
                new.version,
                new.value,
                new.reason,
                by,
                at
            ],
        )
        .await?;
        self.done();
        Ok(number)
    }

    /// Ends a decision.
    pub async fn undo_decision(&mut self, number: u32) -> Result<(), StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let changed = self
            .step("advisory.undo", number, json!({}))
            .execute(
                "UPDATE advisory_decisions SET ended_by = $2, ended_at = $3
                 WHERE number = $1 AND ended_at IS NULL",
                args![number, by, at],
            )
            .await?;
        self.done_if(changed, || {
            StoreError::missing("decision that counts", number)
        })
    }

    /// Adds an alias, or changes what it stands for.
    pub async fn add_alias(
        &mut self,
        vendor: &str,
        name: &str,
        means: &str,
    ) -> Result<(), StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let detail = json!({ "vendor": vendor, "means": means });
        self.step("advisory.alias", name, detail)
            .execute(
                "INSERT INTO advisory_aliases (vendor, name, means, added_by, at)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (vendor, name) DO UPDATE SET means = excluded.means,
                     added_by = excluded.added_by, at = excluded.at",
                args![vendor, name, means, by, at],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Removes an alias.
    pub async fn remove_alias(&mut self, vendor: &str, name: &str) -> Result<(), StoreError> {
        let removed = self
            .step("advisory.unalias", name, json!({ "vendor": vendor }))
            .execute(
                "DELETE FROM advisory_aliases WHERE vendor = $1 AND name = $2",
                args![vendor, name],
            )
            .await?;
        self.done_if(removed, || StoreError::missing("alias", name))
    }

    /// Replaces what is exploited.
    pub async fn put_exploited(&mut self, catalogue: &Catalogue) -> Result<(), StoreError> {
        let detail = json!({ "entries": catalogue.entries.len() });
        let tx = self.step("kev.import", &catalogue.version, detail);
        tx.execute("DELETE FROM exploited", args![]).await?;
        let rows = catalogue.entries.iter().map(|one| {
            let ransomware = u32::from(one.is_ransomware);
            args![one.cve, one.product, one.added, one.due, ransomware]
        });
        tx.execute_many(
            (
                "INSERT INTO exploited (cve, product, added, due, ransomware) VALUES",
                "",
            ),
            rows.collect(),
        )
        .await?;
        self.done();
        Ok(())
    }
}
