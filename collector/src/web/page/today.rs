//! Today: what needs me now, tonight, the fleet in a few counts.

use super::list::asked;
use super::{Page, Shell, actions, drawn};
use crate::control::{Cell, Output};
use crate::web::person::Person;
use crate::web::show::mark::WARN;
use crate::web::show::{Block, Shown, blocks_but};
use crate::web::{Web, error, look};
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse as _, Redirect, Response};

/// What the command tells that stands elsewhere.
const ELSEWHERE: [&str; 1] = ["machines"];

/// Shows the day.
pub async fn show(
    State(web): State<Web>,
    person: Person,
    OriginalUri(uri): OriginalUri,
) -> Response {
    // What the ward has to know stands on its own page.
    if person.is_only_ward() {
        return Redirect::to("/ward").into_response();
    }
    let query = asked(&uri);
    let output = match look::tell(&web, &person, "today", &[]).await {
        Ok(output) => output,
        Err(refusal) => return error::refused(&person, &refusal),
    };
    if let Some(file) = super::place::csv(&query, "today", &output) {
        return file;
    }
    let mut parts: Vec<Block> = unfinished(&web, &person).await.into_iter().collect();
    parts.extend(drawn::day(&output));
    parts.extend(blocks_but("today", "", &output, &query, &ELSEWHERE));
    Page {
        shell: Shell::new("Today", "/", Some(&person)),
        intro: String::new(),
        actions: actions(
            &person,
            &["item take", "item drop", "oncall heard"],
            "",
            "/",
        ),
        parts,
        more: actions(
            &person,
            &["item list", "item except", "oncall calls"],
            "",
            "/",
        ),
    }
    .shown()
}

/// How far the first day is, for those who may see it, until it is over.
async fn unfinished(web: &Web, person: &Person) -> Option<Block> {
    // Who may not is told nothing; the page stands without it.
    let told = look::tell(web, person, "setup", &[]).await.ok()?;
    let Output::Report(report) = &*told else {
        return None;
    };
    let next = report.parts.iter().find(|(name, _)| name == "next");
    matches!(next, Some((_, Cell::Text(_)))).then(|| {
        let shown = Shown {
            text: report.text.clone(),
            href: Some("/setup".to_owned()),
            mark: Some(WARN),
            ..Shown::default()
        };
        Block::Facts(vec![("The first day".to_owned(), shown)])
    })
}
