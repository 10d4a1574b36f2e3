//! Forms: shown, sent, confirmed where they decide on machines, carried out once.

mod choices;
mod next;

use super::list::asked;
use super::{Page, Shell};
use crate::account::Weight;
use crate::command::job::about;
use crate::control::{Failure, Output};
use crate::secret::Secret;
use crate::web::answer::{self, Refusal};
use crate::web::asks::Asks as _;
use crate::web::form::call::{Answer, Answers, Mistake, command, texts};
use crate::web::form::post::{self, Posted};
use crate::web::form::{Field, Form, Kind};
use crate::web::person::Person;
use crate::web::show::blocks;
use crate::web::show::listing::Query;
use crate::web::{Web, download, error, link, touched};
use askama::Template;
use axum::extract::{Multipart, OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use choices::Choice;
use serde_json::json;

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
    fields: Vec<Asked<'f>>,
    grave: bool,
    button: &'static str,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm {
    shell: Shell,
    about: String,
    touched: Option<String>,
    facts: Vec<(String, String)>,
    action: String,
    form_id: String,
    back: String,
    kept: Vec<(String, String)>,
    /// The files that have to be chosen again: field, label, and what each is called.
    files: Vec<(String, String, String)>,
    asks_reason: bool,
}

/// Shows the form of a command, with what the address knows filled in.
pub async fn show(
    State(web): State<Web>,
    person: Person,
    Path(path): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    let Some(form) = Form::of(&path.replace('/', " ")) else {
        return error::no_page(State(web), Some(person.0)).await;
    };
    if let Err(refusal) = answer::may_open(&person, &form) {
        return error::refused(&person, &refusal);
    }
    let query = asked(&uri);
    let answers = match post::in_address(&form, &query) {
        Ok(answers) => answers,
        Err(failure) => return error::page(Some(&person), &failure),
    };
    let back = local(query.value("_back").unwrap_or_default());
    // A question that needs no answer is asked at once.
    let complete = form
        .fields
        .iter()
        .all(|field| !field.required || answers.contains_key(&field.name));
    let asks_nothing = form.fields.is_empty() || (complete && !answers.is_empty());
    if form.rule.weight == Weight::Ask && !form.gives_file && asks_nothing {
        let list = Query {
            path: form.href().replacen("/do/", "/list/", 1),
            parts: query
                .parts
                .into_iter()
                .filter(|(name, _)| !name.starts_with('_'))
                .collect(),
        };
        return axum::response::Redirect::to(&list.with(&[])).into_response();
    }
    shown(&web, &person, &form, &answers, &back, None).await
}

/// Where to go back to; nowhere, if it is no path of ours.
fn local(back: &str) -> String {
    link::local(back).unwrap_or_default().to_owned()
}

async fn shown(
    web: &Web,
    person: &Person,
    form: &Form,
    answers: &Answers,
    back: &str,
    mistake: Option<Mistake>,
) -> Response {
    let mut fields = Vec::new();
    for field in &form.fields {
        let problem = mistake
            .as_ref()
            .filter(|m| m.field.as_ref() == Some(&field.name));
        let problem = problem.map(|mistake| mistake.text.clone());
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
            problem,
        });
    }
    let problem = match &mistake {
        Some(Mistake { field: None, text }) => text.clone(),
        Some(Mistake { field: Some(_), .. }) => {
            "One answer cannot be right; nothing was changed.".to_owned()
        }
        None => String::new(),
    };
    let page = error::render(&Shown {
        shell: Shell::new(&form.title(), "", Some(person)),
        about: form.about.clone(),
        of: job_of(web, person, form, answers).await.unwrap_or_default(),
        problem,
        action: form.href(),
        form_id: Secret::new().text().to_owned(),
        back: back.to_owned(),
        fields,
        grave: form.rule.weight == Weight::Grave,
        button: match form.rule.weight {
            Weight::Ask => "Show",
            Weight::Grave => "Show what will happen",
            _ => "Do it",
        },
    });
    match mistake {
        Some(_) => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        None => page,
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

/// Carries out what was sent.
pub async fn carry_out(
    State(web): State<Web>,
    person: Person,
    Path(path): Path<String>,
    body: Multipart,
) -> Response {
    let Some(form) = Form::of(&path.replace('/', " ")) else {
        return error::no_page(State(web), Some(person.0)).await;
    };
    let posted = match post::read(Some(&form), body).await {
        Ok(posted) => posted,
        Err(failure) => return error::page(Some(&person), &failure),
    };
    if !person.sent(posted.own.get("_token")) {
        return error::not_of_session(&person);
    }
    if let Err(refusal) = answer::may_open(&person, &form) {
        return error::refused(&person, &refusal);
    }
    let back = local(posted.own.get("_back").map_or("", String::as_str));
    let command = match command(&form, &posted.answers) {
        Ok(command) => command,
        Err(mistake) => {
            let mistake = Mistake {
                text: posted.without_folder(&mistake.text),
                ..mistake
            };
            return shown(&web, &person, &form, &posted.answers, &back, Some(mistake)).await;
        }
    };
    // Before the form is taken: who asked for too much may correct it and send it again.
    if let Err(refusal) = answer::allowed(&web, &person, &form, &posted.answers).await {
        return error::refused(&person, &refusal);
    }
    let why = posted.own.get("_why").map_or("", |why| why.trim());
    let needs_why = !form.has_reason() && why.is_empty();
    if form.rule.weight == Weight::Grave && (!posted.own.contains_key("_confirmed") || needs_why) {
        return confirm(&web, &person, &form, &posted, &back).await;
    }
    if let Some(missing) = not_again(&form, &posted) {
        let text = format!(
            "{missing} was not chosen again on the page before this one, so nothing was done. Go \
             back and choose it."
        );
        return error::page(Some(&person), &Failure::input(text));
    }
    if let Err(failure) = begin(&web, &person, &form, &posted, why).await {
        return error::page(Some(&person), &failure);
    }
    match answer::carry_out(&web, &person, &form, command).await {
        Ok(Output::File { bytes, .. }) => download::file(&form, bytes.into_vec()),
        Ok(output) => done(&person, &form, output, &back),
        Err(refusal) => not_done(&web, &person, &form, &posted, &back, refusal).await,
    }
}

/// A file that was sent before the confirmation and not with it: a browser hands a file out
/// only where a person chooses it.
fn not_again(form: &Form, posted: &Posted) -> Option<String> {
    let before = posted.own.get("_files")?;
    let missing = before
        .split(',')
        .filter(|name| !posted.answers.contains_key(*name));
    let mut fields = missing.filter_map(|name| form.field(name));
    fields.next().map(|field| field.label.clone())
}

/// Takes the form, and notes why.
async fn begin(
    web: &Web,
    person: &Person,
    form: &Form,
    posted: &Posted,
    why: &str,
) -> Result<(), Failure> {
    let id = posted.own.get("_form").map_or("", String::as_str);
    if !web.take_form(id).await? {
        return Err(Failure::conflict(
            "This form was sent already and is not carried out twice. Open it again if you mean it \
             again.",
        ));
    }
    match why.is_empty() {
        true => Ok(()),
        false => note(web, person, form, why).await,
    }
}

/// The reason of what has no reason of its own, for the auditor.
async fn note(web: &Web, person: &Person, form: &Form, why: &str) -> Result<(), Failure> {
    let reason: patchward_common::id::Label = why
        .parse()
        .map_err(|error| Failure::input(format!("the reason: {error}")))?;
    let mut change = web.app.change(&person.caller()).await?;
    change.note("page.reason", form.path, &json!({ "reason": reason }));
    change.commit().await?;
    Ok(())
}

async fn confirm(web: &Web, person: &Person, form: &Form, posted: &Posted, back: &str) -> Response {
    let touched = match touched::in_words(web, form, &posted.answers).await {
        Ok(touched) => touched,
        Err(failure) => return error::page(Some(person), &failure),
    };
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
    error::render(&Confirm {
        files: files.collect(),
        shell: Shell::new(&form.title(), "", Some(person)),
        about: form.about.clone(),
        touched,
        facts: given.collect(),
        action: form.href(),
        form_id: Secret::new().text().to_owned(),
        back: back.to_owned(),
        kept: kept.collect(),
        asks_reason: !form.has_reason(),
    })
}

fn done(person: &Person, form: &Form, output: Output, back: &str) -> Response {
    let shell = Shell::new(&form.title(), "", Some(person));
    let query = Query {
        path: back.to_owned(),
        parts: Vec::new(),
    };
    let intro = match form.rule.weight {
        Weight::Ask => form.about.clone(),
        _ => "Done.".to_owned(),
    };
    let title = shell.title.clone();
    let (actions, output) = match next::of(form.path, &output) {
        Some(next) => (next, next::without_commands(output)),
        None => (next::back(back), output),
    };
    Page {
        shell,
        intro,
        actions,
        parts: blocks("answer", &title, &output, &query),
        more: Vec::new(),
    }
    .shown()
}

async fn not_done(
    web: &Web,
    person: &Person,
    form: &Form,
    posted: &Posted,
    back: &str,
    refusal: Refusal,
) -> Response {
    use crate::control::FailureKind;
    match refusal {
        Refusal::Failed(failure)
            if matches!(
                failure.kind,
                FailureKind::Input | FailureKind::NotFound | FailureKind::Conflict
            ) =>
        {
            let mistake = Mistake {
                field: None,
                text: posted.without_folder(&failure.text),
            };
            shown(web, person, form, &posted.answers, back, Some(mistake)).await
        }
        other => error::refused(person, &other),
    }
}
