//! What a command tells, at an address of its own: for lists that no page has.

use super::{Page, Shell};
use crate::account::Weight;
use crate::web::answer;
use crate::web::form::Form;
use crate::web::form::post;
use crate::web::person::Person;
use crate::web::show::blocks;
use crate::web::show::listing::Query;
use crate::web::{Web, error};
use axum::extract::{OriginalUri, Path, State};
use axum::http::Uri;
use axum::response::Response;

/// The address that is asked for.
pub fn asked(uri: &Uri) -> Query {
    let parts = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    Query {
        path: uri.path().to_owned(),
        parts: parts
            .map(|axum::extract::Query(parts)| parts)
            .unwrap_or_default(),
    }
}

/// Shows what a command tells.
pub async fn show(
    State(web): State<Web>,
    person: Person,
    Path(path): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    let form = Form::of(&path.replace('/', " "));
    let Some(form) = form.filter(|form| form.rule.weight == Weight::Ask) else {
        return error::no_page(State(web), Some(person.0)).await;
    };
    let query = asked(&uri);
    let answers = match post::in_address(&form, &query) {
        Ok(answers) => answers,
        Err(failure) => return error::page(Some(&person), &failure),
    };
    match answer::ask(&web, &person, &form, &answers).await {
        Ok(output) => {
            if let Some(file) = super::place::csv(&query, "list", &output) {
                return file;
            }
            let shell = Shell::new(&form.title(), "", Some(&person));
            Page {
                intro: form.about.clone(),
                actions: Vec::new(),
                parts: blocks("list", &shell.title, output, &query),
                more: Vec::new(),
                shell,
            }
            .shown()
        }
        Err(refusal) => error::refused(&person, &refusal),
    }
}
