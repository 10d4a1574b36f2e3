//! Forms: shown, sent, confirmed where they decide on machines, carried out once.

mod choices;
mod confirm;
mod next;
mod sent;
mod sheet;

use super::list::asked;
use super::{Page, Shell};
use crate::account::Weight;
use crate::command::{Command, Progress};
use crate::control::{Failure, Output};
use crate::web::answer::{self, Refusal};
use crate::web::form::Form;
use crate::web::form::beside::beside;
use crate::web::form::call::{Answers, Mistake};
use crate::web::form::post::{self, Posted};
use crate::web::held::{Held, Seen};
use crate::web::person::Person;
use crate::web::show::blocks;
use crate::web::show::listing::Query;
use crate::web::{Web, download, error, link};
use axum::extract::{Multipart, OriginalUri, Path, State};
use axum::response::{IntoResponse as _, Response};
use patchward_common::time::UtcMs;
use sent::{Came, came_of, held_now};
use sheet::{Sheet, shown};
use std::sync::Arc;
use tokio::sync::mpsc;

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
    if let Err(refusal) = answer::may_open(&person, form) {
        return error::refused(&person, &refusal);
    }
    let query = asked(&uri);
    let answers = match post::in_address(form, &query) {
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
    match filled(&web, &person, form, answers).await {
        Ok((answers, seen)) => {
            let sheet = Sheet {
                answers,
                back,
                seen,
                ..Sheet::default()
            };
            shown(&web, &person, form, sheet).await
        }
        Err(failure) => error::page(Some(&person), &failure),
    }
}

/// The answers of the address, with what the thing that they edit has now; and what was seen of
/// it. Another unit's tells them nothing.
async fn filled(
    web: &Web,
    person: &Person,
    form: &Form,
    mut answers: Answers,
) -> Result<(Answers, Seen), Failure> {
    let held = match answers.is_empty() {
        true => None,
        false => held_now(web, form, &answers).await?,
    };
    let at = Some(web.app.now());
    let Some(held) = held else {
        return Ok((answers, Seen::default()));
    };
    if answer::allowed(web, person, form, &answers).await.is_err() {
        return Ok((answers, Seen::default()));
    }
    held.fill(&mut answers);
    let marks = held.seen();
    Ok((answers, Seen { marks, at }))
}

/// Where to go back to; nowhere, if it is no path of ours.
fn local(back: &str) -> String {
    link::local(back).unwrap_or_default().to_owned()
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
    let posted = match post::read(Some(form), body).await {
        Ok(posted) => posted,
        Err(failure) => return error::page(Some(&person), &failure),
    };
    if !person.sent(posted.own.get("_token")) {
        return error::not_of_session(&person);
    }
    if let Err(refusal) = answer::may_open(&person, form) {
        return error::refused(&person, &refusal);
    }
    let (whose, title, underway) = (person.clone(), form.title(), Arc::clone(&web.underway));
    let (progress, steps) = mpsc::channel(16);
    let work = async move { told(&web, &person, form, &posted, progress).await };
    underway.patiently(&whose, &title, steps, work).await
}

/// The page that says what comes of a form that was sent.
async fn told(
    web: &Web,
    person: &Person,
    form: &Form,
    posted: &Posted,
    progress: Progress,
) -> Response {
    let sheet = again(posted);
    let came = match came_of(web, person, form, (posted, &sheet), progress).await {
        Ok(came) => came,
        Err(refusal) => return error::refused(person, &refusal),
    };
    match came {
        Came::Done(Ok(Output::File { bytes, .. })) => download::file(form, bytes.into_vec()),
        Came::Done(Ok(output)) => done(person, form, output, &sheet.back),
        Came::Done(Err(refusal)) => not_done(web, person, form, (posted, sheet), refusal).await,
        Came::First(command) => said_first(web, person, form, (posted, &command), sheet).await,
        Came::NotSeen(held) => not_seen(web, person, form, &held, sheet).await,
        Came::Wrong(mistake) => {
            let mistake = Mistake {
                text: posted.without_folder(&mistake.text),
                ..mistake
            };
            shown(web, person, form, sheet.wrong(mistake)).await
        }
        Came::Gone => shown(web, person, form, sheet.gone()).await,
        Came::Stays(answers, said) => shown(web, person, form, sheet.stays(answers, said)).await,
    }
}

/// What will happen, for who has to confirm it; the form again, where nothing can.
async fn said_first(
    web: &Web,
    person: &Person,
    form: &Form,
    (posted, command): (&Posted, &Command),
    sheet: Sheet,
) -> Response {
    let asked = (posted, command, sheet.back.as_str());
    match confirm::confirm(web, person, form, asked).await {
        Ok(page) => page,
        Err(failure) => {
            let refusal = Refusal::Failed(failure);
            not_done(web, person, form, (posted, sheet), refusal).await
        }
    }
}

/// The form as it was sent.
fn again(posted: &Posted) -> Sheet {
    let own = |name: &str| posted.own.get(name).map_or("", String::as_str);
    Sheet {
        answers: posted.answers.clone(),
        back: local(own("_back")),
        seen: Seen {
            marks: own("_seen").to_owned(),
            at: own("_opened").parse().ok().map(UtcMs),
        },
        ..Sheet::default()
    }
}

/// The form again, for somebody who has not seen what they are about to change as it is now.
async fn not_seen(web: &Web, person: &Person, form: &Form, held: &Held, sheet: Sheet) -> Response {
    let now = web.app.now();
    let problem = match held.said(&web.app.store, &sheet.seen).await {
        Ok(problem) => problem,
        Err(failure) => return error::page(Some(person), &failure),
    };
    let (answers, beside) = held.beside(&sheet.seen.marks, &sheet.answers);
    let sheet = Sheet {
        answers,
        back: sheet.back,
        seen: Seen {
            marks: held.seen(),
            at: Some(now),
        },
        problem,
        beside,
    };
    shown(web, person, form, sheet).await
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
    let mut parts = blocks("answer", &title, &output, &query);
    parts.extend(next::code(&output));
    Page {
        shell,
        intro,
        actions,
        parts,
        more: Vec::new(),
    }
    .shown()
}

async fn not_done(
    web: &Web,
    person: &Person,
    form: &Form,
    (posted, sheet): (&Posted, Sheet),
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
                field: beside(&posted.answers, &failure.text),
                text: posted.without_folder(&failure.text),
            };
            shown(web, person, form, sheet.wrong(mistake)).await
        }
        other => error::refused(person, &other),
    }
}
