//! What an edit changes, as it is now: its form is filled with that and carries a digest of it,
//! so that nobody overwrites what they have not seen.

mod read;

pub use read::of;

use super::form::Form;
use super::form::call::{Answer, Answers, texts};
use crate::command::zones::Zones;
use crate::control::Failure;
use crate::store::audit::{AuditRow, Sought};
use crate::store::{Store, View};
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use serde_json::Value;
use std::collections::BTreeMap;

/// Every edit: what a command changes that several people know of, and what the audit log calls
/// such a thing.
pub const EDITS: [(&str, &str); 7] = [
    ("asset put", "asset"),
    ("group edit", "group"),
    ("oncall set", "oncall"),
    ("risk put", "risk"),
    ("unit edit", "unit"),
    ("user grant", "account"),
    ("window change", "window"),
];

/// Those that add what is not there.
const ADD: [&str; 3] = ["asset put", "oncall set", "risk put"];

/// What the audit log calls it when a thing gets other values; nothing else is their doing.
const VERBS: [&str; 8] = [
    "add", "change", "edit", "grant", "put", "remove", "set", "version",
];

/// Words of an asset that may be nothing.
const MAY_BE_NOTHING: [&str; 7] = [
    "serial",
    "manufacturer",
    "model",
    "software_version",
    "udi",
    "location",
    "criticality",
];

/// Digits of a digest that tell two values apart: nobody gains by making two that are alike.
const DIGITS: usize = 16;
/// How far back it is looked for who changed something.
const MAX_ROWS: u32 = 50;

/// Whether a form is one of these.
pub fn is_edit(form: &Form) -> bool {
    EDITS.iter().any(|(path, _)| *path == form.path)
}

/// Whether a form would add what it edits, where that is not there.
pub fn adds(form: &Form) -> bool {
    ADD.contains(&form.path)
}

/// What somebody has seen of a thing, and when they opened the form that was filled with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What the form carries; empty where it was opened empty.
    pub marks: String,
    /// When it was opened.
    pub at: Option<UtcMs>,
}

/// What an edit changes, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The edit.
    path: &'static str,
    /// What people call it.
    thing: String,
    /// What the audit log calls it, and what its rows say of it alone.
    subject: String,
    own: Vec<(&'static str, String)>,
    /// What each field would be filled with to leave it as it is.
    values: Vec<(&'static str, String)>,
}

impl Held {
    /// What a form carries that was filled with it.
    pub fn seen(&self) -> String {
        let values = self.values.iter();
        let marks = values.map(|(field, value)| self.mark(field, value));
        let all: Vec<String> = [self.mark("", "")].into_iter().chain(marks).collect();
        all.join("-")
    }

    fn mark(&self, field: &str, value: &str) -> String {
        let parts = [self.path, &self.thing, field, value].map(str::as_bytes);
        let digest = Digest::of_parts(&parts).to_string();
        digest.chars().take(DIGITS).collect()
    }

    /// The mark of each value that was seen of it; `None` where it was another thing that was seen,
    /// or nothing.
    fn marks<'s>(&self, seen: &'s str) -> Option<Vec<&'s str>> {
        let mut marks = seen.split('-');
        let is_of_it = marks.next() == Some(&self.mark("", ""));
        let marks: Vec<&str> = marks.collect();
        (is_of_it && marks.len() == self.values.len()).then_some(marks)
    }

    /// Fills what the answers leave open.
    pub fn fill(&self, answers: &mut Answers) {
        for (field, value) in &self.values {
            if !answers.contains_key(*field) {
                put(answers, field, value);
            }
        }
    }

    /// The answers less what they leave as it is, where the command leaves that too.
    pub fn changes(&self, form: &Form, answers: &Answers) -> Answers {
        let mut left = answers.clone();
        for (field, value) in &self.values {
            let field_of = form.field(field);
            let is_needed = field_of.is_some_and(|it| it.required || !it.usual.is_empty());
            if !is_needed && text_of(answers, field) == *value {
                left.remove(*field);
            }
        }
        left
    }

    /// Says to the command what was emptied by somebody who has seen what is there; what cannot
    /// be emptied stands in the answers again, and is said beside its field.
    pub fn emptied(&self, form: &Form, answers: &mut Answers) -> BTreeMap<String, String> {
        let mut said = BTreeMap::new();
        for (field, value) in &self.values {
            let is_needed = form.field(field).is_none_or(|field| field.required);
            if is_needed || value.is_empty() || answers.contains_key(*field) {
                continue;
            }
            let ends_it = format!("no_{field}");
            if form.field(&ends_it).is_some() {
                put(answers, &ends_it, "yes");
            } else if self.path == "asset put" && MAY_BE_NOTHING.contains(field) {
                answers.insert((*field).to_owned(), vec![Answer::Text(String::new())]);
            } else {
                put(answers, field, value);
                let stays = value.replace('\n', ", ");
                let text = format!("This cannot be emptied here; it stays {stays}.");
                said.insert((*field).to_owned(), text);
            }
        }
        said
    }

    /// What stands in the form of somebody who has seen `seen` and not this, and what is said
    /// beside which field: what they wrote or emptied stays, and the rest is as it is now.
    pub fn beside(&self, seen: &str, answers: &Answers) -> (Answers, BTreeMap<String, String>) {
        let mut saw = self.marks(seen).unwrap_or_default().into_iter();
        let (mut shown, mut said) = (answers.clone(), BTreeMap::new());
        for (field, value) in &self.values {
            let saw = saw.next();
            let own = text_of(answers, field);
            let left_as_seen = match saw {
                Some(saw) => saw == self.mark(field, &own),
                None => own.is_empty(),
            };
            let is_own = !left_as_seen && own != *value;
            let is_new = saw.is_some_and(|saw| saw != self.mark(field, value));
            if is_new || (saw.is_none() && is_own) {
                said.insert((*field).to_owned(), is_now(value));
            }
            if !is_own {
                put(&mut shown, field, value);
            }
        }
        (shown, said)
    }

    /// What is said to somebody who has not seen it as it is.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn said(&self, store: &Store, seen: &Seen) -> Result<String, Failure> {
        let thing = &self.thing;
        if self.marks(&seen.marks).is_none() {
            return Ok(format!(
                "{thing} is there already, and this is what it has. Nothing was changed: look at it, \
                 change what is to be different, and send it."
            ));
        }
        let mut view = store.view().await?;
        let zones = Zones::read(&mut view).await?;
        let by = self.last(&mut view, seen.at).await?;
        let by = by.map_or_else(String::new, |row| {
            let who = row.actor.strip_prefix("person:").unwrap_or(&row.actor);
            format!(" by {who}, {}", zones.text(None, row.at))
        });
        Ok(format!(
            "{thing} was changed after this form was opened{by}. Nothing of yours was done: look at \
             what it has now, and send it again."
        ))
    }

    /// The last row of the log that says that it was changed, from then on: an import of many
    /// has one row, and who changed it before is not whom this is about.
    async fn last(
        &self,
        view: &mut View,
        from: Option<UtcMs>,
    ) -> Result<Option<AuditRow>, Failure> {
        let Some(from) = from else {
            return Ok(None);
        };
        let noun = EDITS.iter().find(|(path, _)| *path == self.path);
        let sought = Sought {
            about: Some(self.subject.clone()),
            what: noun.map(|(_, noun)| (*noun).to_owned()),
            from: Some(from),
            ..Sought::default()
        };
        let rows = view.audit_sought(&sought, MAX_ROWS).await?;
        let is = |row: &AuditRow| changes_values(&row.action) && self.is_spoken_of(&row.detail);
        Ok(rows.into_iter().find(is))
    }

    fn is_spoken_of(&self, detail: &str) -> bool {
        let detail: Value = serde_json::from_str(detail).unwrap_or_default();
        let words = |said: &Value| match said {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut own = self.own.iter();
        own.all(|(key, value)| words(&detail[*key]) == *value)
    }
}

fn changes_values(action: &str) -> bool {
    let verb = action.split_once('.').map(|(_, verb)| verb);
    verb.is_some_and(|verb| VERBS.contains(&verb))
}

fn is_now(value: &str) -> String {
    match value {
        "" => "There is nothing here now.".to_owned(),
        value => format!("It is {} now.", value.replace('\n', ", ")),
    }
}

fn text_of(answers: &Answers, field: &str) -> String {
    texts(answers, field).join("\n")
}

/// Puts a value into a field, in the place of what stood there.
fn put(answers: &mut Answers, field: &str, value: &str) {
    let lines = value.lines().map(|line| Answer::Text(line.to_owned()));
    match value.is_empty() {
        true => answers.remove(field),
        false => answers.insert(field.to_owned(), lines.collect()),
    };
}

#[cfg(test)]
mod tests;
