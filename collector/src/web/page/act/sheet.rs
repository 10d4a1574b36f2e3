//! A form as a page shows it: what stands in its fields, and what is wrong.

use super::choices::{self, Choice};
use crate::account::Weight;
use crate::command::job::about;
use crate::control::Failure;
use crate::secret::Secret;
use crate::web::answer::{self, Refusal};
use crate::web::form::call::{Answers, Mistake, texts};
use crate::web::form::{Field, Form, Kind};
use crate::web::held::Seen;
use crate::web::page::Shell;
use crate::web::person::Person;
use crate::web::{Web, error};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use std::collections::BTreeMap;

/// A field as the page shows it.
struct Asked<'f> {
    field: &'f Field,
    value: String,
    choices: Vec<Choice>,
    /// Whether nothing but the choices is right.
    closed: bool,
    problem: Option<String>,
}

/// Most choices that are shown as boxes to tick.
const MAX_BOXES: usize = 40;

impl Asked<'_> {
    /// Whether it is a set of boxes: several of a few choices, and nothing else.
    fn is_set(&self) -> bool {
        self.field.many && self.closed && self.choices.len() <= MAX_BOXES
    }

    fn has(&self, choice: &str) -> bool {
        self.value.lines().any(|line| line == choice)
    }

    fn is_flag(&self) -> bool {
        self.field.kind == Kind::Flag
    }

    fn is_file(&self) -> bool {
        self.field.kind == Kind::File
    }
}

#[derive(Template)]
#[template(path = "form.html")]
struct Shown<'f> {
    shell: Shell,
    about: String,
    /// The job that it is about, where it is about one.
    of: String,
    problem: String,
    action: String,
    form_id: String,
    back: String,
    seen: Seen,
    fields: Vec<Asked<'f>>,
    grave: bool,
    button: &'static str,
}

/// What stands in a form.
#[derive(Default)]
pub(super) struct Sheet {
    /// What stands in its fields.
    pub answers: Answers,
    /// Where to go back to.
    pub back: String,
    /// What was seen of the thing that it edits.
    pub seen: Seen,
    /// What is wrong with it.
    pub problem: String,
    /// What is said beside its fields.
    pub beside: BTreeMap<String, String>,
}

/// What is said where one answer or more cannot be right.
const ONE_IS_WRONG: &str = "One answer cannot be right; nothing was changed.";

impl Sheet {
    /// The same where what it was filled with is not there any more.
    pub(super) fn gone(self) -> Self {
        Self {
            seen: Seen::default(),
            problem:
                "What this form was filled with is not there any more, or not under this name. \
                      Nothing was changed: send it again to add it."
                    .to_owned(),
            ..self
        }
    }

    /// The same with what cannot be emptied, and what is said beside it.
    pub(super) fn stays(mut self, mut answers: Answers, said: BTreeMap<String, String>) -> Self {
        for field in said.keys() {
            if let Some((field, value)) = answers.remove_entry(field) {
                self.answers.insert(field, value);
            }
        }
        Self {
            problem: ONE_IS_WRONG.to_owned(),
            beside: said,
            ..self
        }
    }

    /// The same with what is wrong.
    pub(super) fn wrong(self, mistake: Mistake) -> Self {
        match mistake.field {
            None => Self {
                problem: mistake.text,
                ..self
            },
            Some(field) => Self {
                problem: ONE_IS_WRONG.to_owned(),
                beside: BTreeMap::from([(field, mistake.text)]),
                ..self
            },
        }
    }
}

/// Shows a form.
pub(super) async fn shown(web: &Web, person: &Person, form: &Form, sheet: Sheet) -> Response {
    let answers = &sheet.answers;
    let mut fields = Vec::new();
    for field in &form.fields {
        let (choices, closed) = choices::of(web, person, (form, answers), field).await;
        // Where there is nothing to tick, nothing is asked.
        if closed && field.many && !field.required && choices.is_empty() {
            continue;
        }
        fields.push(Asked {
            field,
            value: texts(answers, &field.name).join("\n"),
            choices,
            closed,
            problem: sheet.beside.get(&field.name).cloned(),
        });
    }
    let is_wrong = !sheet.problem.is_empty();
    let page = error::render(&Shown {
        shell: Shell::new(&form.title(), "", Some(person)),
        about: form.about.clone(),
        of: job_of(web, person, form, answers).await.unwrap_or_default(),
        problem: sheet.problem,
        action: form.href(),
        form_id: Secret::new().text().to_owned(),
        back: sheet.back,
        seen: sheet.seen,
        fields,
        grave: form.rule.weight == Weight::Grave,
        button: match form.rule.weight {
            Weight::Ask => "Show",
            Weight::Grave => "Show what will happen",
            _ => "Do it",
        },
    });
    match is_wrong {
        true => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        false => page,
    }
}

/// The job that a form is about, in words: its id says nothing to anybody.
async fn job_of(
    web: &Web,
    person: &Person,
    form: &Form,
    answers: &Answers,
) -> Result<String, Refusal> {
    let asked = texts(answers, "job");
    let Some(job) = asked.first() else {
        return Ok(String::new());
    };
    // What is wrong with it is said when the form is sent; another unit's tells them nothing.
    answer::allowed(web, person, form, answers).await?;
    let mut view = web.app.store.view().await.map_err(Failure::from)?;
    Ok(about::said(&mut view, job).await?)
}
