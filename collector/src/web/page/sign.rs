//! Signing with the browser's key: the page shows the plan and what speaks against it, hands
//! out the very bytes that `patchward-sign` would sign, and takes the signature back.

use super::plan::{Parts, parts, short};
use super::{Action, Shell};
use crate::command::Command;
use crate::command::file::InputFile;
use crate::command::plan::{self, PlanCommand};
use crate::command::zones::Zones;
use crate::control::{Failure, Output};
use crate::store::plans::PlanState;
use crate::web::account::key::Keys;
use crate::web::answer::{self, Refusal};
use crate::web::form::Form;
use crate::web::person::Person;
use crate::web::show::Block;
use crate::web::show::listing::Query;
use crate::web::whole::Whole;
use crate::web::{Web, error};
use askama::Template;
use axum::extract::{Path, Query as Asked, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use ed25519_dalek::SIGNATURE_LENGTH;
use patchward_common::bytes::decode_hex;
use patchward_common::percent::encoded;
use patchward_common::plan::PlanFile;
use patchward_common::trust::sign::PublicKey;
use patchward_common::words::counted;
use serde::Deserialize;
use serde_bytes::ByteBuf;

#[derive(Template)]
#[template(path = "sign.html")]
struct Sign {
    shell: Shell,
    plan: String,
    account: String,
    /// The person's browser keys that the roster knows.
    keys: Vec<String>,
    /// What it lets machines try again, before anything else.
    clears: Vec<String>,
    parts: Vec<Block>,
    problem: String,
    /// What a person who may not sign here has to know, and do.
    hindrance: String,
    /// Whether they have to make a key first.
    makes_key: bool,
    /// What the findings mean for who signs.
    verdict: String,
    /// Why nobody signs it any more.
    over: String,
}

/// What a browser sends: its key and its signature, or the reason for declining.
#[derive(Deserialize)]
pub struct Signature {
    token: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    signature: String,
    #[serde(default)]
    declined: String,
}

/// Which bytes a browser asks for.
#[derive(Deserialize)]
pub struct Wanted {
    key: Option<String>,
}

/// Shows what is signed, or hands out its bytes for one key.
pub async fn show(
    State(web): State<Web>,
    person: Person,
    Path(plan): Path<String>,
    Asked(wanted): Asked<Wanted>,
) -> Response {
    if let Some(key) = wanted.key {
        return match bytes(&web, &person, &plan, &key).await {
            Ok(bytes) => {
                ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
            }
            Err(refusal) => error::refused(&person, &refusal),
        };
    }
    page(&web, &person, &plan, String::new()).await
}

async fn page(web: &Web, person: &Person, plan: &str, problem: String) -> Response {
    let query = Query {
        path: format!("/plan/{plan}"),
        parts: Vec::new(),
    };
    let parts = match parts(web, person, plan, &query).await {
        Ok(parts) => parts,
        Err(response) => return response,
    };
    let read = tokio::try_join!(
        Keys::of(web, person),
        plan::clears(&web.app, plan),
        over(web, plan),
    );
    let (keys, clears, (title, over)) = match read {
        Ok(read) => read,
        Err(failure) => return error::page(Some(person), &failure),
    };
    let mut makes_key = false;
    let hindrance = match (may_sign(web, person, plan).await, parts.blocking) {
        (Err(refusal @ Refusal::Forbidden(_)), _) => Ok(refusal.text().to_owned()),
        (_, 0) => {
            makes_key = keys.counting.is_empty() && keys.waiting().is_none();
            hindrance(web, &keys).await
        }
        (_, blocking) => Ok(blocked(plan, blocking)),
    };
    let hindrance = match hindrance {
        Ok(hindrance) => hindrance,
        Err(failure) => return error::page(Some(person), &failure),
    };
    error::render(&Sign {
        shell: Shell {
            // Nothing changes under who reads what they are about to sign.
            live: "",
            ..Shell::new(&format!("Sign: {title}"), "/plan", Some(person))
        },
        plan: plan.to_owned(),
        account: person.account.name.to_string(),
        makes_key,
        keys: keys.counting.iter().map(ToString::to_string).collect(),
        clears,
        verdict: verdict(&parts),
        parts: parts.blocks,
        problem,
        hindrance,
        over,
    })
}

/// What the findings mean for who signs.
fn verdict(parts: &Parts) -> String {
    match (parts.blocking, parts.findings) {
        (0, 0) => "The plan check found nothing.".to_owned(),
        (0, findings) => format!(
            "{} first; none keeps you from signing.",
            counted(
                findings,
                "finding to weigh stands",
                "findings to weigh stand"
            )
        ),
        (blocking, _) => format!(
            "{} it: nobody signs it like this.",
            counted(blocking, "finding blocks", "findings block")
        ),
    }
}

/// What is said of a plan that nobody signs as it is.
fn blocked(plan: &str, blocking: usize) -> String {
    format!(
        "This plan is not signed as it is: {} it. `plan again {}` makes it anew, or `plan new` where \
         somebody has signed it.",
        counted(blocking, "finding blocks", "findings block"),
        short(plan)
    )
}

/// What people call a plan, and why nobody signs it any more; empty where it waits for signatures.
async fn over(web: &Web, plan: &str) -> Result<(String, String), Failure> {
    let now = web.app.now();
    let mut view = web.app.store.view().await?;
    let plan = plan::find(&mut view, plan).await?;
    let zones = Zones::read(&mut view).await?;
    let over = match plan.state {
        PlanState::Draft if now < plan.expires_at => String::new(),
        PlanState::Draft => format!(
            "Nothing is left to sign: its last slot ended at {}. A new plan is needed.",
            zones.text(None, plan.expires_at)
        ),
        state => format!("Nothing is left to sign: the plan is {}.", state.word()),
    };
    Ok((plan.title.to_string(), over))
}

/// What keeps a person from signing in this browser, and what they do; empty where nothing does.
async fn hindrance(web: &Web, keys: &Keys) -> Result<String, Failure> {
    if !keys.counting.is_empty() {
        return Ok(String::new());
    }
    let Some(key) = keys.waiting() else {
        return Ok(format!(
            "You cannot sign here yet: the roster knows no browser key of yours. Make one on the page \
             of your account, and tell {} its first digits.",
            keys.registrar()
        ));
    };
    let zones = Zones::read(&mut web.app.store.view().await?).await?;
    Ok(format!(
        "You cannot sign here yet: your key {}… waits for {} since {}. Tell one of them these digits \
         by telephone or in person; they take it into the roster.",
        short(&key.key),
        keys.registrar(),
        zones.text(None, key.asked_at)
    ))
}

async fn own_key(web: &Web, person: &Person, key: &str) -> Result<PublicKey, Failure> {
    let known = Keys::of(web, person).await?.counting;
    let found = known.into_iter().find(|known| known.to_string() == key);
    found.ok_or_else(|| {
        Failure::input(
            "This browser's key is none of yours in the roster. Open the page where the key was \
             made, or ask a registrar to take this one in.",
        )
    })
}

async fn bytes(web: &Web, person: &Person, plan: &str, key: &str) -> Result<Vec<u8>, Refusal> {
    may_sign(web, person, plan).await?;
    let key = own_key(web, person, key).await?;
    let file = unblocked(web, plan).await?;
    Ok(file.plan.signed.to_be_signed(key.id()))
}

/// A plan that may be signed: `patchward-sign` asks the same, and signs nothing that is blocked.
async fn unblocked(web: &Web, plan: &str) -> Result<PlanFile, Failure> {
    let handed = plan::file(&web.app, plan).await?;
    match handed.blocking(web.app.now()) {
        0 => Ok(handed.file),
        blocking => Err(Failure::conflict(blocked(plan, blocking))),
    }
}

/// Takes a signature, or a reason for declining.
pub async fn take(
    State(web): State<Web>,
    person: Person,
    Path(plan): Path<String>,
    Whole(sent): Whole<Signature>,
) -> Response {
    if !person.sent(Some(&sent.token)) {
        return error::not_of_session(&person);
    }
    let taken = match sent.declined.trim() {
        "" => signed(&web, &person, &plan, &sent).await,
        reason => {
            let answers = [("plan", plan.as_str()), ("reason", reason)];
            declined(&web, &person, &answers).await
        }
    };
    match taken {
        Ok(output) => {
            let text = match &output {
                Output::Text(text) => text.as_str(),
                _ => "It is stored.",
            };
            error::answered(&person, "Thank you", text, next(&plan))
        }
        Err(refusal @ Refusal::Forbidden(_)) => error::refused(&person, &refusal),
        Err(refusal) => page(&web, &person, &plan, refusal.text().to_owned()).await,
    }
}

/// Where to go on after an answer.
fn next(plan: &str) -> Vec<Action> {
    let to = |title: &str, href: String| Action {
        title: title.to_owned(),
        href,
        grave: false,
    };
    let plan = encoded(plan);
    vec![
        to("See how the rollout goes", format!("/rollouts/{plan}")),
        to("Back to the plan", format!("/plan/{plan}")),
    ]
}

async fn declined(web: &Web, person: &Person, answers: &[(&str, &str)]) -> Result<Output, Refusal> {
    let form = Form::known("plan decline")?;
    answer::ask(web, person, form, &answer::given(answers)).await
}

async fn signed(
    web: &Web,
    person: &Person,
    plan: &str,
    sent: &Signature,
) -> Result<Output, Refusal> {
    may_sign(web, person, plan).await?;
    let mut file = unblocked(web, plan).await?;
    let mut signature = [0; SIGNATURE_LENGTH];
    decode_hex(&sent.signature, &mut signature).map_err(|_| {
        Failure::input("No signature came: signing needs JavaScript and this browser's key.")
    })?;
    let key = own_key(web, person, &sent.key).await?;
    let signed = &mut file.plan.signed;
    if !key.has_signed(&signed.to_be_signed(key.id()), &signature) {
        return Err(Failure::input(
            "The signature is none of your key over this plan; nothing was stored. Try again.",
        )
        .into());
    }
    signed.add_made(key.id(), &signature);
    let name = format!("the plan that {} signed here", person.account.name);
    let bytes = ByteBuf::from(file.to_bytes());
    let command = Command::Plan(PlanCommand::Sign {
        file: InputFile { name, bytes },
    });
    answer::carry_out(web, person, Form::known(SIGN)?, command).await
}

/// The command that a signature is.
pub const SIGN: &str = "plan sign";

/// Whether a person signs plans, in all the units of this one.
pub async fn may_sign(web: &Web, person: &Person, plan: &str) -> Result<(), Refusal> {
    answer::allowed(
        web,
        person,
        Form::known(SIGN)?,
        &answer::given(&[("plan", plan)]),
    )
    .await
}
