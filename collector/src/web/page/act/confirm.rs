//! What decides on machines, or cannot be undone, first shows what will happen.

use crate::account::Weight;
use crate::command::{Command, foreseen};
use crate::control::Failure;
use crate::secret::Secret;
use crate::web::asks::Asks as _;
use crate::web::form::call::{Answer, texts};
use crate::web::form::post::Posted;
use crate::web::form::{Form, Kind};
use crate::web::page::Shell;
use crate::web::person::Person;
use crate::web::{Web, error, touched};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm {
    shell: Shell,
    about: String,
    /// What it touches, and what would come of it.
    touched: Vec<String>,
    facts: Vec<(String, String)>,
    action: String,
    form_id: String,
    back: String,
    /// What was seen of the thing that it edits, and when.
    seen: String,
    opened: String,
    kept: Vec<(String, String)>,
    /// The files that have to be chosen again: field, label, and what each is called.
    files: Vec<(String, String, String)>,
    asks_reason: bool,
}

/// The reason that somebody gave for what asks for none of its own.
pub(super) fn why(posted: &Posted) -> &str {
    posted.own.get("_why").map_or("", |why| why.trim())
}

/// Whether what was sent is confirmed first.
pub(super) fn is_due(form: &Form, posted: &Posted) -> bool {
    let needs_why = !form.has_reason() && why(posted).is_empty();
    let is_confirmed = posted.own.contains_key("_confirmed") && !needs_why;
    form.rule.weight == Weight::Grave && !is_confirmed
}

/// The page on which somebody confirms what a command would do, before it does it.
pub(super) async fn confirm(
    web: &Web,
    person: &Person,
    form: &Form,
    (posted, command, back): (&Posted, &Command, &str),
) -> Result<Response, Failure> {
    let touched = touched::in_words(web, form, &posted.answers).await?;
    let foreseen = foreseen(&web.app, &person.caller(), command).await?;
    let given = form.fields.iter().filter_map(|field| {
        let words = texts(&posted.answers, &field.name);
        let said = match field.kind {
            Kind::Flag => "yes".to_owned(),
            _ => words.join(", "),
        };
        (!words.is_empty()).then(|| (field.label.clone(), said))
    });
    let kept = posted.answers.iter().flat_map(|(name, answers)| {
        answers.iter().filter_map(move |answer| match answer {
            Answer::Text(text) => Some((name.clone(), text.clone())),
            Answer::File { .. } => None,
        })
    });
    let files = form.fields.iter().filter_map(|field| {
        let mut given = posted.answers.get(&field.name)?.iter();
        let name = given.find_map(|answer| match answer {
            Answer::File { name, .. } => Some(name.clone()),
            Answer::Text(_) => None,
        })?;
        Some((field.name.clone(), field.label.clone(), name))
    });
    let own = |name: &str| posted.own.get(name).cloned().unwrap_or_default();
    Ok(error::render(&Confirm {
        files: files.collect(),
        shell: Shell::new(&form.title(), "", Some(person)),
        about: form.about.clone(),
        touched: touched.into_iter().chain(foreseen).collect(),
        facts: given.collect(),
        action: form.href(),
        form_id: Secret::new().text().to_owned(),
        back: back.to_owned(),
        seen: own("_seen"),
        opened: own("_opened"),
        kept: kept.collect(),
        asks_reason: !form.has_reason(),
    }))
}
