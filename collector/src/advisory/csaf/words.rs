//! Notes and references: what people read, and nothing is decided by.

use super::super::document::{Note, Reference, Revision};
use super::{MAX_NAME_BYTES, MAX_TEXT_BYTES, cut, raw};

/// Most notes, and most references, of one advisory that are kept: distributions write a
/// description for each of some thousand vulnerabilities.
const MAX_KEPT: usize = 10_000;

/// Most steps of a history that are kept: one a day for some years.
const MAX_STEPS: usize = 2_000;

/// The history of an advisory.
pub(super) fn history(steps: Vec<raw::Lenient<raw::Revision>>) -> Vec<Revision> {
    let steps = steps.into_iter().filter_map(raw::Lenient::value);
    let kept = steps.take(MAX_STEPS).map(|step| Revision {
        number: cut(step.number, MAX_NAME_BYTES),
        date: cut(step.date, MAX_NAME_BYTES),
        summary: cut(step.summary, MAX_TEXT_BYTES),
    });
    kept.collect()
}

/// What an advisory says in words, of all of it and of each vulnerability.
#[derive(Default)]
pub(super) struct Words {
    pub(super) notes: Vec<Note>,
    pub(super) references: Vec<Reference>,
}

impl Words {
    /// Keeps what is said about `about`; empty for all of it.
    pub(super) fn add(
        &mut self,
        about: &str,
        notes: Vec<raw::Lenient<raw::Note>>,
        references: impl IntoIterator<Item = raw::Reference>,
    ) {
        let left = MAX_KEPT.saturating_sub(self.notes.len());
        let notes = notes.into_iter().filter_map(raw::Lenient::value);
        self.notes.extend(notes.take(left).map(|note| Note {
            about: about.to_owned(),
            category: cut(note.category, MAX_NAME_BYTES),
            title: cut(note.title, MAX_NAME_BYTES),
            text: cut(note.text, MAX_TEXT_BYTES),
        }));
        let left = MAX_KEPT.saturating_sub(self.references.len());
        let told = references.into_iter().filter_map(|one| {
            let url = one.url.filter(|url| url.len() <= MAX_NAME_BYTES)?;
            Some(Reference {
                about: about.to_owned(),
                category: cut(one.category.unwrap_or_default(), MAX_NAME_BYTES),
                summary: cut(one.summary.unwrap_or_default(), MAX_NAME_BYTES),
                url: cut(url, MAX_NAME_BYTES),
            })
        });
        self.references.extend(told.take(left));
    }
}
