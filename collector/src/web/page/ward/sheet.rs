//! The downtime sheet of a unit, to hang up: what is down tonight from when to when, who
//! stands in, whom to call.

use super::night::Night;
use super::{Door, Shell};
use crate::web::person::Person;
use crate::web::{Web, error};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

#[derive(Template)]
#[template(path = "ward_sheet.html")]
struct Sheet {
    shell: Shell,
    unit: String,
    night: Night,
    back: String,
}

async fn shown(web: &Web, door: &Door) -> Response {
    match door.night(web).await {
        Ok((unit, night)) => error::render(&Sheet {
            shell: Shell::new(
                &format!("Downtime tonight: {}", night.title),
                "/ward",
                door.person(),
            ),
            unit: unit.name.to_string(),
            night,
            back: door.path(),
        }),
        Err(failure) => error::page(door.person(), &failure),
    }
}

/// For a person.
pub async fn of_unit(State(web): State<Web>, person: Person, Path(unit): Path<String>) -> Response {
    match Door::of_person(person.clone(), &unit) {
        Ok(door) => shown(&web, &door).await,
        Err(failure) => error::page(Some(&person), &failure),
    }
}

/// For who has the link.
pub async fn of_kiosk(State(web): State<Web>, Path(secret): Path<String>) -> Response {
    match Door::of_kiosk(&web, &secret).await {
        Ok(door) => shown(&web, &door).await,
        Err(failure) => error::page(None, &failure),
    }
}
