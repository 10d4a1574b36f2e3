//! The collector's go-key: without a go that it signed no machine starts. Another takes its
//! place without a night in which nothing starts: the roster names both for a while.

use super::Caller;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report};
use crate::{folder, go_keys};
use patchward_common::id::Label;
use patchward_common::trust::sign::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What can be done with the go-key.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum GoKeyCommand {
    /// Show the collector's go-key, the next one, and whether the roster names them
    Show,
    /// Make the go-key that is to take its place
    Next {
        /// Why
        #[arg(long)]
        reason: Label,
    },
}

/// Carries out a command on the go-key.
pub async fn run(app: &App, caller: &Caller, command: GoKeyCommand) -> Result<Output, Failure> {
    match command {
        GoKeyCommand::Show => show(app).await,
        GoKeyCommand::Next { reason } => next(app, caller, &reason).await,
    }
}

async fn show(app: &App) -> Result<Output, Failure> {
    let (key, next) = (app.go_key(), go_keys::next(&app.folder)?);
    let mut view = app.store.view().await?;
    let now = app.now();
    let is_named = go_keys::is_named(&mut view, &key, now).await;
    let next_is_named = match &next {
        Some(next) => go_keys::is_named(&mut view, next, now).await,
        None => false,
    };
    let text = told(is_named, next.as_ref(), next_is_named);
    let parts = [
        ("go_key", Cell::of(key)),
        ("named", Cell::Flag(is_named)),
        ("next", Cell::maybe(next)),
        ("next_named", Cell::Flag(next_is_named)),
    ];
    Ok(Output::Report(Report::new(parts, text)))
}

/// How it stands, and whose move it is.
pub(super) fn told(is_named: bool, next: Option<&PublicKey>, next_is_named: bool) -> String {
    match (is_named, next, next_is_named) {
        (_, Some(_), true) => {
            "The roster names the next go-key: start the collector anew, and it signs with that \
             one. The roster after may leave out the old one."
                .to_owned()
        }
        (_, Some(next), false) => format!(
            "The next go-key {next} waits: a registrar puts it into the next roster, beside the \
             old one."
        ),
        (true, None, _) => "This collector may issue go.".to_owned(),
        (false, None, _) => {
            "This collector's go-key does not stand in the roster: no job will start.".to_owned()
        }
    }
}

async fn next(app: &App, caller: &Caller, reason: &Label) -> Result<Output, Failure> {
    let path = app.folder.next_go_key();
    if let Some(next) = go_keys::next(&app.folder)? {
        return Err(Failure::conflict(format!(
            "There is a next go-key already, {next}. `go-key show` tells what it waits for."
        )));
    }
    let key = folder::new_key(&path)?;
    let mut change = app.change(caller).await?;
    let detail = json!({ "reason": reason.as_str() });
    change.note("collector.go_key_next", key, &detail);
    if let Err(error) = change.commit().await {
        // Nobody was told of it.
        let _ = std::fs::remove_file(&path);
        return Err(error.into());
    }
    Ok(Output::Text(format!(
        "The next go-key is {key}. {}",
        told(true, Some(&key), false)
    )))
}
