//! Today: what needs me now, tonight, the fleet in a few counts.

use super::list::asked;
use super::{Page, Shell, actions, drawn};
use crate::web::person::Person;
use crate::web::show::blocks_but;
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
    let mut parts = drawn::day(&output);
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
