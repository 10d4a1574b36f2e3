//! Vendors' contacts, and the cases with them.

use super::super::conditions::Conditions;
use super::super::value::{args, from_row};
use super::super::{Change, StoreError, View};
use crate::exposure::case::{Step, StepKind};
use patchward_common::digest::Digest;
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use serde_json::json;
use sqlx::AssertSqlSafe;

/// Whom a vendor has for questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The vendor.
    pub vendor: String,
    /// The person, or the desk.
    pub name: String,
    /// What for.
    pub role: String,
    /// An address, or a number.
    pub reached_by: String,
}
from_row!(Contact {
    vendor,
    name,
    role,
    reached_by
});

/// A case with a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its number.
    pub number: u32,
    /// The vendor.
    pub vendor: String,
    /// `advisory` or `model`.
    pub about_kind: String,
    /// The advisory's id, or the model.
    pub about: String,
    /// The contact.
    pub contact: Option<String>,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: UtcMs,
    /// When it was closed.
    pub closed_at: Option<UtcMs>,
    /// Why.
    pub closed_why: Option<String>,
}
from_row!(Case {
    number,
    vendor,
    about_kind,
    about,
    contact,
    opened_by,
    opened_at,
    closed_at,
    closed_why
});

/// One step of a case, with who noted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseStep {
    /// The case.
    pub case: u32,
    /// Its place in the case, from 1.
    pub number: u32,
    /// The step itself.
    pub step: Step,
    /// The document's digest and name.
    pub document: Option<(Digest, String)>,
    /// Who noted it.
    pub said_by: String,
    /// When it was noted.
    pub said_at: UtcMs,
}

/// A step as it is noted.
#[derive(Clone, Debug)]
pub struct NewStep<'a> {
    /// The step itself.
    pub step: &'a Step,
    /// The document's digest and name.
    pub document: Option<(Digest, &'a str)>,
}

struct Row {
    case: u32,
    number: u32,
    kind: String,
    words: String,
    at: UtcMs,
    due: Option<UtcMs>,
    document: Option<Digest>,
    file_name: Option<String>,
    said_by: String,
    said_at: UtcMs,
}
from_row!(Row {
    case,
    number,
    kind,
    words,
    at,
    due,
    document,
    file_name,
    said_by,
    said_at
});

impl View {
    /// Every contact, by vendor and name.
    pub async fn vendor_contacts(&mut self) -> Result<Vec<Contact>, StoreError> {
        self.tx
            .all(
                "SELECT vendor, name, role, reached_by FROM vendor_contacts ORDER BY vendor, name",
                args![],
            )
            .await
    }

    /// Every case, also those that are closed, by number.
    pub async fn cases(&mut self) -> Result<Vec<Case>, StoreError> {
        self.tx
            .all(
                "SELECT number, vendor, about_kind, about, contact, opened_by, opened_at,
                        closed_at, closed_why
                 FROM vendor_cases ORDER BY number",
                args![],
            )
            .await
    }

    /// The steps of one case or of all, each case's in their order.
    pub async fn case_steps(&mut self, case: Option<u32>) -> Result<Vec<CaseStep>, StoreError> {
        let of = Conditions::default().and("vendor_case = ?", case.map(|case| args![case]));
        let sql = format!(
            "SELECT vendor_case, number, kind, words, at, due, document, file_name, said_by, said_at
             FROM vendor_case_steps {of} ORDER BY vendor_case, number"
        );
        let rows: Vec<Row> = self.tx.all(AssertSqlSafe(sql), of.args()).await?;
        let read = |row: Row| {
            let kind = StepKind::of_word(&row.kind);
            let kind = kind.ok_or_else(|| StoreError::Corrupt(format!("step {}", row.kind)))?;
            Ok(CaseStep {
                case: row.case,
                number: row.number,
                step: Step {
                    kind,
                    words: row.words,
                    at: row.at,
                    due: row.due,
                },
                document: row.document.zip(row.file_name),
                said_by: row.said_by,
                said_at: row.said_at,
            })
        };
        rows.into_iter().map(read).collect()
    }
}

impl Change {
    /// Adds a contact, or changes one.
    pub async fn put_vendor_contact(&mut self, contact: &Contact) -> Result<(), StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        // How somebody is reached is in no log that goes out with evidence.
        let detail = json!({ "name": contact.name, "role": contact.role });
        self.step("vendor.contact", &contact.vendor, detail)
            .execute(
                "INSERT INTO vendor_contacts (vendor, name, role, reached_by, added_by, added_at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (vendor, name) DO UPDATE SET role = excluded.role,
                     reached_by = excluded.reached_by, added_by = excluded.added_by,
                     added_at = excluded.added_at",
                args![
                    contact.vendor,
                    contact.name,
                    contact.role,
                    contact.reached_by,
                    by,
                    at
                ],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Removes a contact.
    pub async fn remove_vendor_contact(
        &mut self,
        vendor: &str,
        name: &str,
    ) -> Result<(), StoreError> {
        let removed = self
            .step("vendor.contact-remove", vendor, json!({ "name": name }))
            .execute(
                "DELETE FROM vendor_contacts WHERE vendor = $1 AND name = $2",
                args![vendor, name],
            )
            .await?;
        self.done_if(removed, || StoreError::missing("contact", name))
    }

    /// Opens a case; gives back its number.
    pub async fn open_case(
        &mut self,
        vendor: &Label,
        (about_kind, about): (&str, &str),
        contact: Option<&Label>,
    ) -> Result<u32, StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let number = self
            .view()
            .cases()
            .await?
            .last()
            .map_or(0, |one| one.number)
            + 1;
        let detail = json!({ "vendor": vendor, about_kind: about, "contact": contact });
        self.step("case.open", number, detail)
            .execute(
                "INSERT INTO vendor_cases (number, vendor, about_kind, about, contact, opened_by,
                     opened_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                args![number, vendor, about_kind, about, contact, by, at],
            )
            .await?;
        self.done();
        Ok(number)
    }

    /// Notes a step of a case that is open.
    pub async fn step_case(&mut self, case: u32, new: &NewStep<'_>) -> Result<(), StoreError> {
        let (by, now) = (self.actor().to_string(), self.now());
        let number = self.view().case_steps(Some(case)).await?.len() as u64 + 1;
        let step = new.step;
        let (digest, name) = new.document.unzip();
        let detail = json!({
            "kind": step.kind.word(), "words": step.words, "at": step.at, "due": step.due,
            "document": digest,
        });
        let noted = self
            .step("case.step", case, detail)
            .execute(
                "INSERT INTO vendor_case_steps (vendor_case, number, kind, words, at, due,
                     document, file_name, said_by, said_at)
                 SELECT number, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM vendor_cases
                 WHERE number = $1 AND closed_at IS NULL",
                args![
                    case,
                    number,
                    step.kind.word(),
                    step.words,
                    step.at,
                    step.due,
                    digest,
                    name,
                    by,
                    now
                ],
            )
            .await?;
        self.done_if(noted, || StoreError::missing("case that is open", case))
    }

    /// Closes a case.
    pub async fn close_case(&mut self, case: u32, why: &Label) -> Result<(), StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let closed = self
            .step("case.close", case, json!({ "why": why }))
            .execute(
                "UPDATE vendor_cases SET closed_by = $2, closed_at = $3, closed_why = $4
                 WHERE number = $1 AND closed_at IS NULL",
                args![case, by, at, why],
            )
            .await?;
        self.done_if(closed, || StoreError::missing("case that is open", case))
    }
}
