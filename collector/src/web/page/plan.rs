//! One plan: its slots as a picture, the forecast, what the plan check finds, who signed.

use super::list::asked;
use super::{Action, Page, Shell, actions, drawn};
use crate::control::Output;
use crate::web::answer::Refusal;
use crate::web::asks::Asks as _;
use crate::web::form::Form;
use crate::web::look;
use crate::web::person::Person;
use crate::web::show::{Block, blocks};
use crate::web::{Web, error};
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use patchward_common::percent::encoded;

/// What tells of a plan, in the order in which it is read before signing.
const PARTS: [(&str, &str, &str); 3] = [
    ("check", "Findings", "plan check"),
    ("plan", "", "plan show"),
    ("forecast", "Forecast", "plan forecast"),
];

/// Shows a plan.
pub async fn show(
    State(web): State<Web>,
    person: Person,
    Path(plan): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    let query = asked(&uri);
    let parts = match parts(&web, &person, &plan, &query).await {
        Ok(parts) => parts,
        Err(response) => return response,
    };
    let known = format!("plan={}", encoded(&plan));
    let back = format!("/plan/{}", encoded(&plan));
    let mut first = vec![Action {
        title: "Read and sign".to_owned(),
        href: format!("{back}/sign"),
        grave: false,
    }];
    first.extend(actions(
        &person,
        &["plan again", "plan due", "plan export"],
        &known,
        &back,
    ));
    Page {
        shell: Shell::new(&format!("Plan {}", short(&plan)), "/plan", Some(&person)),
        intro: String::new(),
        actions: first,
        parts,
        more: actions(
            &person,
            &[
                "plan decline",
                "plan remove",
                "rollout show",
                "rollout halt",
                "evidence export",
            ],
            &known,
            &back,
        ),
    }
    .shown()
}

/// The parts of a plan's page, or the answer where there is none.
pub async fn parts(
    web: &Web,
    person: &Person,
    plan: &str,
    query: &crate::web::show::listing::Query,
) -> Result<Vec<Block>, Response> {
    let mut parts = Vec::new();
    for (id, title, command) in PARTS {
        match look::tell(web, person, command, &[("plan", plan)]).await {
            Ok(output) => {
                if let Some(file) = super::place::csv(query, id, &output) {
                    return Err(file);
                }
                parts.extend(picture(web, person, plan, command, &output).await);
                parts.extend(blocks(id, title, &output, query));
            }
            Err(refusal @ Refusal::Forbidden(_)) => return Err(error::refused(person, &refusal)),
            Err(refusal) if parts.is_empty() => return Err(error::refused(person, &refusal)),
            Err(refusal) => parts.push(Block::Text(vec![refusal.text().to_owned()])),
        }
    }
    Ok(parts)
}

/// What is drawn above a part.
async fn picture(
    web: &Web,
    person: &Person,
    plan: &str,
    command: &str,
    told: &Output,
) -> Option<Block> {
    let form = Form::of(command)?;
    let drawn = match command {
        "plan show" => drawn::timeline(&web.app, plan, &person.reach(form.rule)).await,
        "plan forecast" => drawn::forecast(&web.app, told).await,
        _ => Ok(None),
    };
    drawn::or_said(drawn)
}

/// The first digits of an id: enough to name it.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
