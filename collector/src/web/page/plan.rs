//! One plan: its slots as a picture, the forecast, what the plan check finds, who signed.

use super::list::asked;
use super::{Action, Page, Shell, actions, drawn, why_none};
use crate::command::plan;
use crate::control::{Cell, Failure, Output};
use crate::store::plans::PlanState;
use crate::web::answer::Refusal;
use crate::web::asks::Asks as _;
use crate::web::form::Form;
use crate::web::look::{self, Looking};
use crate::web::person::Person;
use crate::web::show::{Block, blocks, without_nothing};
use crate::web::{Web, error};
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use futures_util::future::join_all;
use patchward_common::percent::encoded;
use patchward_common::plan::check::Severity;

/// The command that tells what speaks against a plan.
const CHECK: &str = "plan check";

/// What tells of a plan, in the order in which it is read before signing.
const PARTS: [(&str, &str, &str); 3] = [
    ("check", "Findings", CHECK),
    ("plan", "", "plan show"),
    ("forecast", "Forecast", "plan forecast"),
];

/// What leads to the page on which a plan is signed.
pub const READ_AND_SIGN: &str = "Read and sign";

/// Shows a plan.
pub async fn show(
    State(web): State<Web>,
    person: Person,
    Path(plan): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    let query = asked(&uri);
    let parts = match parts(&web, &person, &plan, &query).await {
        Ok(parts) => parts.blocks,
        Err(response) => return response,
    };
    let known = format!("plan={}", encoded(&plan));
    let back = format!("/plan/{}", encoded(&plan));
    // What is signed is not signed again, and no draft any more that could be taken away.
    let is_draft = match is_draft(&web, &plan).await {
        Ok(is_draft) => is_draft,
        Err(failure) => return error::page(Some(&person), &failure),
    };
    let read = is_draft.then(|| Action {
        title: READ_AND_SIGN.to_owned(),
        href: format!("{back}/sign"),
        grave: false,
    });
    let mut first: Vec<Action> = read.into_iter().collect();
    first.extend(actions(
        &person,
        &["plan again", "plan due", "plan export"],
        &known,
        &back,
    ));
    Page {
        shell: Shell::new(&format!("Plan {}", short(&plan)), "/plan", Some(&person)),
        intro: is_draft
            .then(|| why_none(&person, &["plan sign"]))
            .flatten()
            .unwrap_or_default(),
        actions: first,
        parts,
        more: actions(
            &person,
            match is_draft {
                true => &["plan decline", "plan remove"],
                false => &["rollout show", "rollout halt", "evidence export"],
            },
            &known,
            &back,
        ),
    }
    .shown()
}

async fn is_draft(web: &Web, plan: &str) -> Result<bool, Failure> {
    let mut view = web.app.store.view().await?;
    let plan = plan::find(&mut view, plan).await?;
    Ok(plan.state == PlanState::Draft)
}

/// The parts of a plan's page, and how many findings the plan check has.
#[derive(Default)]
pub struct Parts {
    /// What is shown.
    pub blocks: Vec<Block>,
    /// Findings of each kind.
    pub findings: usize,
    /// Those of them with which nobody signs.
    pub blocking: usize,
}

impl Parts {
    fn count(&mut self, check: &Output) {
        let Output::Table(table) = check else {
            return;
        };
        let at = table.column("finding");
        let blocks = Cell::of(plan::severity(Severity::Blocks));
        let is_blocking = |row: &&Vec<Cell>| at.and_then(|at| row.get(at)) == Some(&blocks);
        self.findings = table.rows.len();
        self.blocking = table.rows.iter().filter(is_blocking).count();
    }
}

/// The parts of a plan's page, or the answer where there is none.
pub async fn parts(
    web: &Web,
    person: &Person,
    plan: &str,
    query: &crate::web::show::listing::Query,
) -> Result<Parts, Response> {
    let mut parts = Parts::default();
    let looking = Looking::begins(web, person).await;
    let looking = &looking.map_err(|failure| error::page(Some(person), &failure))?;
    let told = PARTS.map(|(_, _, command)| async move {
        let answers = [("plan", plan)];
        look::tell(web, looking, command, &answers).await
    });
    // At once: each waits for the database most of the time.
    let told = join_all(told).await;
    for ((id, title, command), told) in PARTS.into_iter().zip(told) {
        match told {
            Ok(output) => {
                if let Some(file) = super::place::csv(query, id, &output) {
                    return Err(file);
                }
                let drawn = picture(web, looking, plan, command, &output).await;
                parts.blocks.extend(drawn);
                let mut shown = blocks(id, title, &output, query);
                // That nothing was found is worth saying; that a list is empty is not.
                match command {
                    CHECK => parts.count(&output),
                    _ => shown = without_nothing(shown),
                }
                parts.blocks.extend(shown);
            }
            Err(refusal @ Refusal::Forbidden(_)) => return Err(error::refused(person, &refusal)),
            Err(refusal) if parts.blocks.is_empty() => {
                return Err(error::refused(person, &refusal));
            }
            Err(refusal) => {
                let said = Block::Text(vec![refusal.text().to_owned()]);
                parts.blocks.push(said);
            }
        }
    }
    Ok(parts)
}

/// What is drawn above a part.
async fn picture(
    web: &Web,
    looking: &Looking<'_>,
    plan: &str,
    command: &str,
    told: &Output,
) -> Option<Block> {
    let form = Form::of(command)?;
    let drawn = match command {
        "plan show" => {
            let reach = looking.reach(form.rule);
            let slots = web.pictures.slots(&web.app, looking.look(), plan, reach);
            let slots = slots.await;
            slots.map(|slots| (*slots).clone().map(Block::Picture))
        }
        "plan forecast" => drawn::forecast(&web.app, told).await,
        _ => Ok(None),
    };
    drawn::or_said(drawn)
}

/// The first digits of an id: enough to name it.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
