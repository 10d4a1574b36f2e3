//! What a command tells, at an address of its own: for lists that no page has.

use super::{Page, Shell};
use crate::account::Weight;
use crate::web::form::Form;
use crate::web::form::post;
use crate::web::look::{self, Told};
use crate::web::person::Person;
use crate::web::show::listing::Query;
use crate::web::show::{blocks, paged};
use crate::web::{Web, error};
use axum::extract::{OriginalUri, Path, State};
use axum::http::Uri;
use axum::response::Response;

/// What the list is called in its address.
const ID: &str = "list";

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
    let answers = match post::in_address(form, &query) {
        Ok(answers) => answers,
        Err(failure) => return error::page(Some(&person), &failure),
    };
    let told = look::look(&web, &person, form, &answers, (ID, &query)).await;
    let shell = Shell::new(&form.title(), "", Some(&person));
    let parts = match told {
        Ok(Told::File(file)) => return file,
        Ok(Told::Page(page)) => paged(ID, &shell.title, &page, &query),
        Ok(Told::Whole(output)) => {
            if let Some(file) = super::place::csv(&query, ID, &output) {
                return file;
            }
            blocks(ID, &shell.title, &output, &query)
        }
        Err(refusal) => return error::refused(&person, &refusal),
    };
    Page {
        intro: form.about.clone(),
        actions: Vec::new(),
        parts,
        more: Vec::new(),
        shell,
    }
    .shown()
}
