//! What vendors let us do on their models, out of the answers that were taken in.

use crate::control::Failure;
use crate::mds2::{Answer, Answers, Class, Policy};
use crate::store::mds2::Mds2Document;
use crate::store::{StoreError, View};
use patchward_common::id::Name;
use patchward_common::plan::VendorPolicy;

/// The answers of a document, with what people read in it.
///
/// # Errors
/// Where what is stored cannot be read: the answers are then not known.
pub async fn answers(view: &mut View, document: &Mds2Document) -> Result<Answers, Failure> {
    let mut answers: Answers = serde_json::from_slice(&document.answers).map_err(|error| {
        StoreError::Corrupt(format!("the answers of {}: {error}", document.model))
    })?;
    for reading in view.mds2_readings(document).await? {
        if let Some(answer) = Answer::read(&reading.answer) {
            let reason = format!("read by {}: {}", reading.by, reading.reason);
            answers.read_by_person(reading.question, answer, reason);
        }
    }
    Ok(answers)
}

/// For every model with answers what counts without a class, and for every product of
/// which the class is known.
pub async fn policies(view: &mut View) -> Result<Vec<VendorPolicy>, Failure> {
    let mut classes: Vec<(Name, Class)> = Vec::new();
    for (product, word) in view.mds2_products().await? {
        classes.extend(Class::of_word(&word).map(|class| (product, class)));
    }
    let mut documents = view.mds2_documents().await?;
    // The newest of each model stands first.
    documents.dedup_by(|later, first| later.model == first.model);
    let mut found = Vec::new();
    for document in documents {
        let policy = Policy::of(&answers(view, &document).await?);
        let strictest = policy.strictest();
        let unnamed = (None, strictest);
        let named = classes
            .iter()
            .map(|(product, class)| (Some(product.clone()), policy.for_class(*class)));
        found.extend(
            [unnamed]
                .into_iter()
                .chain(named)
                .map(|(product, one)| VendorPolicy {
                    model: document.model.clone(),
                    because: match &product {
                        Some(_) => one.because.clone(),
                        None => format!(
                            "{}; without a class the strictest counts, see `mds2 class`",
                            one.because
                        ),
                    },
                    product,
                    allows: one.allows,
                }),
        );
    }
    Ok(found)
}
