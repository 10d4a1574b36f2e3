//! What vendors answered on the security of their devices, and to which class of
//! components products belong. The files lie among the artifacts.

use super::value::{args, from_row};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use serde_json::json;

/// One document of answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mds2Document {
    /// The model for which it was taken in.
    pub model: Name,
    /// SHA-256 of its file.
    pub digest: Digest,
    /// The file's length in bytes.
    pub length: u64,
    /// The file's name.
    pub file_name: String,
    /// The vendor's number of it; empty where it has none.
    pub document_id: String,
    /// The day of its release, `YYYY-MM-DD`.
    pub released_on: Option<String>,
    /// The version of the software that it is about; empty where nobody said.
    pub software_version: String,
    /// The answers, as JSON.
    pub answers: Vec<u8>,
    /// Who took it in.
    pub imported_by: String,
    /// When.
    pub imported_at: UtcMs,
}
from_row!(Mds2Document {
    model,
    digest,
    length,
    file_name,
    document_id,
    released_on,
    software_version,
    answers,
    imported_by,
    imported_at
});

/// What a person read in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mds2Reading {
    /// The question's number.
    pub question: String,
    /// The answer's word.
    pub answer: String,
    /// Where it stands.
    pub reason: String,
    /// Who says so.
    pub by: String,
}
from_row!(Mds2Reading {
    question,
    answer,
    reason,
    by
});

impl View {
    /// What people read in a document, by question.
    pub async fn mds2_readings(
        &mut self,
        document: &Mds2Document,
    ) -> Result<Vec<Mds2Reading>, StoreError> {
        self.tx
            .all(
                "SELECT question, answer, reason, said_by FROM mds2_readings
                 WHERE model = $1 AND document = $2 ORDER BY question",
                args![document.model, document.digest],
            )
            .await
    }

    /// Every document, by model, the newest first.
    pub async fn mds2_documents(&mut self) -> Result<Vec<Mds2Document>, StoreError> {
        self.tx
            .all(
                "SELECT model, digest, length, file_name, document_id, released_on,
                        software_version, answers, imported_by, imported_at
                 FROM mds2_documents ORDER BY model, imported_at DESC, digest",
                args![],
            )
            .await
    }

    /// The document of a model that counts.
    pub async fn mds2_of(&mut self, model: &Name) -> Result<Option<Mds2Document>, StoreError> {
        self.tx
            .first(
                "SELECT model, digest, length, file_name, document_id, released_on,
                        software_version, answers, imported_by, imported_at
                 FROM mds2_documents WHERE model = $1 ORDER BY imported_at DESC, digest LIMIT 1",
                args![model],
            )
            .await
    }

    /// The class of every product of which somebody said it.
    pub async fn mds2_products(&mut self) -> Result<Vec<(Name, String)>, StoreError> {
        self.tx
            .all(
                "SELECT product, class FROM mds2_products ORDER BY product",
                args![],
            )
            .await
    }

    /// When work was last verified on a machine of each model.
    pub async fn verified_by_model(&mut self) -> Result<Vec<(Name, UtcMs)>, StoreError> {
        self.tx
            .all(
                "SELECT m.model, MAX(j.since) FROM jobs j JOIN machines m ON m.id = j.machine
                 WHERE j.word IN ('verified', 'in_service') GROUP BY m.model ORDER BY m.model",
                args![],
            )
            .await
    }
}

impl Change {
    /// Takes in a document; the same file again counts anew.
    pub async fn add_mds2(&mut self, document: &Mds2Document) -> Result<(), StoreError> {
        let detail = json!({
            "file": document.file_name,
            "digest": document.digest,
            "document": document.document_id,
            "released_on": document.released_on,
            "software_version": document.software_version,
        });
        self.step("mds2.import", &document.model, detail)
            .execute(
                "INSERT INTO mds2_documents (model, digest, length, file_name, document_id,
                    released_on, software_version, answers, imported_by, imported_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                 ON CONFLICT (model, digest) DO UPDATE SET
                    released_on = excluded.released_on,
                    software_version = excluded.software_version,
                    answers = excluded.answers, imported_by = excluded.imported_by,
                    imported_at = excluded.imported_at",
                args![
                    document.model,
                    document.digest,
                    document.length,
                    document.file_name,
                    document.document_id,
                    document.released_on,
                    document.software_version,
                    document.answers,
                    document.imported_by,
                    document.imported_at
                ],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Notes what a person read in a document, in place of what was read before.
    pub async fn read_mds2(
        &mut self,
        document: &Mds2Document,
        (question, answer): (&str, &str),
        reason: &str,
    ) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let detail = json!({ "question": question, "answer": answer, "reason": reason });
        self.step("mds2.reading", &document.model, detail)
            .execute(
                "INSERT INTO mds2_readings (document, model, question, answer, reason, said_by,
                    said_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (model, document, question) DO UPDATE SET
                    answer = excluded.answer, reason = excluded.reason,
                    said_by = excluded.said_by, said_at = excluded.said_at",
                args![
                    document.digest,
                    document.model,
                    question,
                    answer,
                    reason,
                    by,
                    now
                ],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Says to which class of components a product belongs; without one, that nobody knows.
    pub async fn set_mds2_product(
        &mut self,
        product: &Name,
        class: Option<&str>,
    ) -> Result<(), StoreError> {
        let tx = self.step("mds2.product", product, json!({ "class": class }));
        match class {
            Some(class) => {
                tx.execute(
                    "INSERT INTO mds2_products (product, class) VALUES ($1, $2)
                     ON CONFLICT (product) DO UPDATE SET class = excluded.class",
                    args![product, class],
                )
                .await?
            }
            None => {
                tx.execute(
                    "DELETE FROM mds2_products WHERE product = $1",
                    args![product],
                )
                .await?
            }
        };
        self.done();
        Ok(())
    }
}
