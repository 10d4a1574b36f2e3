//! The units that a person sees, each with its night in a few counts.

use super::Shell;
use crate::account::access::WARD_PAGE;
use crate::account::role::Reach;
use crate::command::zones::Zones;
use crate::command::{self, TONIGHT_MS};
use crate::control::Failure;
use crate::item::Kind;
use crate::web::asks::Asks as _;
use crate::web::person::Person;
use crate::web::{Web, error};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Template)]
#[template(path = "ward_units.html")]
struct Page {
    shell: Shell,
    rows: Vec<Row>,
}

/// A unit with its night.
struct Row {
    unit: Name,
    title: String,
    site: String,
    /// How many machines have a slot until this time tomorrow.
    machines: usize,
    /// When the first begins.
    first: String,
    /// How many holds of the page are in force.
    holds: usize,
    /// How many handovers are asked for.
    asks: usize,
}

/// What is counted of a unit.
#[derive(Default)]
struct Counts {
    machines: BTreeSet<String>,
    first: Option<UtcMs>,
    holds: usize,
    asks: usize,
}

/// Shows them; who sees one alone is there at once.
pub async fn show(State(web): State<Web>, person: Person) -> Response {
    let reach = Reach::of(&person.grants, WARD_PAGE);
    if let Reach::Units(units) = &reach
        && let (1, Some(only)) = (units.len(), units.first())
    {
        return Redirect::to(&format!("/ward/unit/{only}")).into_response();
    }
    match rows(&web, &person, &reach).await {
        Ok(rows) => error::render(&Page {
            shell: Shell::new("Ward", "/ward", Some(&person)),
            rows,
        }),
        Err(failure) => error::page(Some(&person), &failure),
    }
}

async fn rows(web: &Web, person: &Person, reach: &Reach) -> Result<Vec<Row>, Failure> {
    let now = web.app.now();
    let agenda = command::agenda(&web.app, &person.caller()).await?;
    let mut view = web.app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let mut counts: BTreeMap<Name, Counts> = BTreeMap::new();
    let until = now.plus_ms(TONIGHT_MS);
    let begins = agenda.slots.iter();
    for next in begins.filter(|next| next.slot.start() < until) {
        if let Some(unit) = agenda.units.get(&next.machine) {
            let of_unit = counts.entry(unit.clone()).or_default();
            of_unit.machines.insert(next.machine.clone());
            of_unit.first = of_unit.first.or(Some(next.slot.start()));
        }
    }
    for item in &agenda.items {
        let Some(unit) = item.unit.clone() else {
            continue;
        };
        match item.kind {
            Kind::Held => counts.entry(unit).or_default().holds += 1,
            Kind::Handover => counts.entry(unit).or_default().asks += 1,
            _ => {}
        }
    }
    let seen = view.units().await?.into_iter();
    let rows = seen.filter(|unit| reach.covers(&unit.name)).map(|unit| {
        let found = counts.remove(&unit.name).unwrap_or_default();
        Row {
            title: unit.title.to_string(),
            site: unit.site.to_string(),
            machines: found.machines.len(),
            first: found
                .first
                .map(|at| zones.clock(&unit.name, at))
                .unwrap_or_default(),
            holds: found.holds,
            asks: found.asks,
            unit: unit.name,
        }
    });
    Ok(rows.collect())
}
