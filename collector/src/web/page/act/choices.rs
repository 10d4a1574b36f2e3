//! What can be chosen in a field: the hospital's own units, machines, releases, open items.

use crate::command::job::about;
use crate::control::{Failure, Output};
use crate::web::answer::{self, Refusal};
use crate::web::form::call::{Answers, texts};
use crate::web::form::{Field, Form, Kind};
use crate::web::person::Person;
use crate::web::{Web, look};

/// Most choices that a field offers: a browser's list gets slow beyond.
const MAX_CHOICES: usize = 500;
/// The form and the field in which a checklist is ticked.
const RETURNED: (&str, &str) = ("job return", "done");

/// One of the things that can be chosen.
pub(super) struct Choice {
    /// What is sent.
    pub value: String,
    /// What people read.
    pub said: String,
}

impl From<String> for Choice {
    fn from(value: String) -> Self {
        let said = value.clone();
        Self { value, said }
    }
}

/// What can be chosen in a field of a form, and whether nothing else is right.
pub(super) async fn of(
    web: &Web,
    person: &Person,
    (form, answers): (&Form, &Answers),
    field: &Field,
) -> (Vec<Choice>, bool) {
    if (form.path, field.name.as_str()) == RETURNED {
        let steps = checklist(web, person, form, answers).await;
        return (steps.unwrap_or_default(), true);
    }
    let (words, closed) = words(web, person, field).await;
    (words.into_iter().map(Choice::from).collect(), closed)
}

async fn words(web: &Web, person: &Person, field: &Field) -> (Vec<String>, bool) {
    if let Kind::Choice(words) = &field.kind {
        return (words.clone(), true);
    }
    if field.name == "releases" {
        return (releases(web, person).await, true);
    }
    let (command, column) = match field.name.as_str() {
        "unit" | "units" => ("unit list", "unit"),
        "site" => ("site list", "site"),
        "machine" | "machines" => ("machine list", "machine"),
        "group" => ("group list", "group"),
        "item" => ("item list", "item"),
        _ => return (Vec::new(), false),
    };
    let told = look::first(web, person, command, MAX_CHOICES as u32 + 1).await;
    let Ok(Output::Table(table)) = told.as_deref() else {
        return (Vec::new(), false);
    };
    let at = table
        .columns
        .iter()
        .position(|name| name == column || name == "name");
    let cells = at.into_iter().flat_map(|at| {
        table
            .rows
            .iter()
            .filter_map(move |row| row.get(at).map(ToString::to_string))
    });
    let names: Vec<String> = cells.take(MAX_CHOICES + 1).collect();
    let closed = matches!(field.name.as_str(), "unit" | "units" | "site") && !names.is_empty();
    match names.len() > MAX_CHOICES {
        true => (Vec::new(), false),
        false => (names, closed),
    }
}

/// The steps of the checklist that whoever returns a machine to service ticks; nobody types their
/// names.
async fn checklist(
    web: &Web,
    person: &Person,
    form: &Form,
    answers: &Answers,
) -> Result<Vec<Choice>, Refusal> {
    // A job of another unit's machine tells them nothing.
    answer::allowed(web, person, form, answers).await?;
    let mut view = web.app.store.view().await.map_err(Failure::from)?;
    let steps = match texts(answers, "job").first() {
        Some(job) => about::checklist(&mut view, job).await?,
        None => Vec::new(),
    };
    let choices = steps.into_iter().map(|step| Choice {
        said: format!("{}: {}", step.step, step.title),
        value: step.step.to_string(),
    });
    Ok(choices.collect())
}

/// The releases that can be planned, as a plan names them.
async fn releases(web: &Web, person: &Person) -> Vec<String> {
    let told = look::tell(web, person, "release list", &[]).await;
    let Ok(Output::Table(table)) = told.as_deref() else {
        return Vec::new();
    };
    let (Some(product), Some(version)) = (table.column("product"), table.column("version")) else {
        return Vec::new();
    };
    let named = table
        .rows
        .iter()
        .filter_map(|row| Some(format!("{}={}", row.get(product)?, row.get(version)?)));
    named.collect()
}
