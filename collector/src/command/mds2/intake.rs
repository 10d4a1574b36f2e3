//! Taking a vendor's form in, and handing its file out again.

use super::super::Caller;
use super::super::file::{InputFile, keep, kept};
use super::{find, shown};
use crate::app::App;
use crate::control::{Failure, Output};
use crate::mds2::file::{self, Document};
use crate::sheet::MAX_SHEET_BYTES;
use crate::store::mds2::Mds2Document;
use patchward_common::id::{Label, MAX_LABEL_LEN, Name};
use serde_bytes::ByteBuf;

/// What is taken in.
pub(super) struct Asked<'a> {
    /// The model.
    pub(super) model: &'a Name,
    /// The form.
    pub(super) file: &'a InputFile,
    /// The version that it is about.
    pub(super) software_version: Option<&'a Label>,
    /// The day of its release, where a person said it.
    pub(super) released: Option<String>,
}

/// Reads a form.
pub(super) fn read(file: &InputFile) -> Result<Document, Failure> {
    file::read(&file.bytes).map_err(|error| {
        let text = format!("{}: {error}. Nothing was stored.", file.name);
        Failure::input(text)
    })
}

/// Takes a form in.
pub(super) async fn import(
    app: &App,
    caller: &Caller,
    asked: Asked<'_>,
) -> Result<Output, Failure> {
    let read = read(asked.file)?;
    let answers = serde_json::to_vec(&read.answers)
        .map_err(|error| Failure::input(format!("the answers: {error}")))?;
    // The bytes first: a row never names a file that is not here.
    let digest = keep(app, &asked.file.bytes, "file", "stored").await?;
    let mut change = app.change(caller).await?;
    // The last one counts, also where two come within a millisecond.
    let before = change.view().mds2_of(asked.model).await?;
    let after = before.map_or(change.now(), |before| before.imported_at.plus_ms(1));
    let document = Mds2Document {
        model: asked.model.clone(),
        digest,
        length: asked.file.bytes.len() as u64,
        file_name: short(&asked.file.name),
        document_id: short(&read.document_id),
        released_on: asked.released.or(read.released_on.clone()),
        software_version: asked
            .software_version
            .map_or_else(String::new, Label::to_string),
        answers,
        imported_by: change.actor().to_string(),
        imported_at: change.now().max(after),
    };
    change.add_mds2(&document).await?;
    change.commit().await?;
    shown::taken_in(asked.model, &document, &read)
}

fn short(text: &str) -> String {
    text.chars().take(MAX_LABEL_LEN).collect()
}

/// The file of the document that counts, as it was handed in.
pub(super) async fn original(app: &App, model: &Name) -> Result<Output, Failure> {
    let document = find(&mut app.store.view().await?, model).await?;
    let bytes = kept(app, document.digest, MAX_SHEET_BYTES as u64, "file").await?;
    Ok(Output::File {
        bytes: ByteBuf::from(bytes),
        text: format!(
            "{} of model {model}, as it was taken in.",
            document.file_name
        ),
    })
}
