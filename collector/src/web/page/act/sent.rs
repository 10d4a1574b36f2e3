//! What comes of a form that was sent, before a page is drawn of it: who edits at the same time
//! waits for no more than that.

use super::confirm;
use super::sheet::Sheet;
use crate::command::{Command, Progress};
use crate::control::{Failure, Output};
use crate::web::Web;
use crate::web::answer::{self, Refusal};
use crate::web::asks::Asks as _;
use crate::web::form::Form;
use crate::web::form::call::{Answers, Mistake, command};
use crate::web::form::post::Posted;
use crate::web::held::{self, Held};
use crate::web::person::Person;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How long an edit waits for those that are under way.
const TURN: Duration = Duration::from_secs(10);

/// What comes of a form.
pub(super) enum Came {
    /// Its command was carried out, or refused.
    Done(Result<Output, Refusal>),
    /// What would happen is shown first.
    First(Box<Command>),
    /// Its answers are no command.
    Wrong(Mistake),
    /// They have not seen what is there now.
    NotSeen(Held),
    /// What they have seen is not there any more.
    Gone,
    /// What they emptied stays: the answers with it, and what is said beside its fields.
    Stays(Answers, BTreeMap<String, String>),
}

/// What comes of a form that was sent.
///
/// # Errors
/// Where it is not for them, or not possible: nothing was done.
pub(super) async fn came_of(
    web: &Web,
    person: &Person,
    form: &Form,
    (posted, sheet): (&Posted, &Sheet),
    progress: Progress,
) -> Result<Came, Refusal> {
    let is_due = confirm::is_due(form, posted);
    // Of those who edit at the same time one is first, and the others are told.
    let _until_done = match held::is_edit(form) && !is_due {
        true => Some(turn(&web.edits, TURN).await?),
        false => None,
    };
    let held = held_now(web, form, &posted.answers).await?;
    let seen = held.as_ref().filter(|held| held.seen() == sheet.seen.marks);
    let is_seen = seen.is_some();
    let mut answers = posted.answers.clone();
    let stays = seen.map_or_else(BTreeMap::new, |held| held.emptied(form, &mut answers));
    let named = match &held {
        Some(held) => held.changes(form, &answers),
        None => answers.clone(),
    };
    let command = match command(form, &named) {
        Ok(command) => command,
        Err(mistake) => return Ok(Came::Wrong(mistake)),
    };
    // Before the form is taken: who asked for too much may correct it and send it again.
    answer::allowed(web, person, form, &named).await?;
    match held {
        Some(held) if !is_seen => return Ok(Came::NotSeen(held)),
        None if held::adds(form) && !sheet.seen.marks.is_empty() => return Ok(Came::Gone),
        _ if !stays.is_empty() => return Ok(Came::Stays(answers, stays)),
        _ => {}
    }
    if is_due {
        return Ok(Came::First(Box::new(command)));
    }
    meant(web, person, form, posted).await?;
    let done = answer::carried_out(web, person, form, command, progress).await;
    Ok(Came::Done(done))
}

/// Waits for the others who edit, but not for ever.
async fn turn(edits: &Arc<Mutex<()>>, wait: Duration) -> Result<OwnedMutexGuard<()>, Failure> {
    let turn = tokio::time::timeout(wait, Arc::clone(edits).lock_owned()).await;
    turn.map_err(|_| {
        Failure::unavailable(
            "Somebody else's change is under way and takes long, so nothing of yours was done. Go \
             back and send it again in a minute.",
        )
    })
}

/// What a form edits, as it is now.
pub(super) async fn held_now(
    web: &Web,
    form: &Form,
    answers: &Answers,
) -> Result<Option<Held>, Failure> {
    match held::is_edit(form) {
        true => held::of(&mut web.app.store.view().await?, form, answers).await,
        false => Ok(None),
    }
}

/// Takes a form that is meant as it is; otherwise there is something to say first.
async fn meant(web: &Web, person: &Person, form: &Form, posted: &Posted) -> Result<(), Failure> {
    if let Some(missing) = not_again(form, posted) {
        return Err(Failure::input(format!(
            "{missing} was not chosen again on the page before this one, so nothing was done. Go \
             back and choose it."
        )));
    }
    let id = posted.own.get("_form").map_or("", String::as_str);
    if !web.take_form(id).await? {
        return Err(Failure::conflict(
            "This form was sent already and is not carried out twice. Open it again if you mean it \
             again.",
        ));
    }
    match confirm::why(posted) {
        "" => Ok(()),
        why => note(web, person, form, why).await,
    }
}

/// A file that was sent before the confirmation and not with it: a browser hands a file out
/// only where a person chooses it.
fn not_again(form: &Form, posted: &Posted) -> Option<String> {
    let before = posted.own.get("_files")?;
    let missing = before
        .split(',')
        .filter(|name| !posted.answers.contains_key(*name));
    let mut fields = missing.filter_map(|name| form.field(name));
    fields.next().map(|field| field.label.clone())
}

/// The reason of what has no reason of its own, for the auditor.
async fn note(web: &Web, person: &Person, form: &Form, why: &str) -> Result<(), Failure> {
    let reason: patchward_common::id::Label = why
        .parse()
        .map_err(|error| Failure::input(format!("the reason: {error}")))?;
    let mut change = web.app.change(&person.caller()).await?;
    change.note("page.reason", form.path, &json!({ "reason": reason }));
    change.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::FailureKind;

    #[tokio::test]
    async fn nobody_waits_for_another_s_edit_for_ever() {
        let edits = Arc::default();
        let first = turn(&edits, Duration::ZERO).await.unwrap();
        let second = turn(&edits, Duration::ZERO).await.unwrap_err();
        assert_eq!(second.kind, FailureKind::Unavailable);
        drop(first);
        assert!(turn(&edits, Duration::ZERO).await.is_ok());
    }
}
