//! Whom the collector tells by itself what is open: webhooks and mail.

use super::Caller;
use super::zones::Zones;
use crate::app::App;
use crate::calendar::shown;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::deliver;
use crate::item::{KINDS, Kind};
use crate::notice::mail::{MAX_ADDRESSES, is_address};
use crate::notice::{is_usual, webhook};
use crate::secret::Secret;
use crate::store::notices::{NoticeTarget, Waiting, Way};
use patchward_common::id::Name;
use serde::{Deserialize, Serialize};

/// Most rows that `notice outbox` shows.
const MAX_SHOWN: u32 = 500;

/// What can be done with notices.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum NoticeCommand {
    /// Webhooks: signed JSON by HTTPS
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Mail, by the server that the settings name
    #[command(subcommand)]
    Mail(MailCommand),
    /// Show who is told what, and how well they are reached
    List,
    /// Remove one who is told, with what waits for them
    Remove {
        /// Its name
        name: Name,
    },
    /// Send one a test now, past what waits
    Test {
        /// Its name
        name: Name,
    },
    /// Show what waits to be delivered, how often it was tried, and what went wrong
    Outbox,
}

/// What can be done with webhooks.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum WebhookCommand {
    /// Add a webhook; prints the secret that it is signed with, once
    Add {
        /// What people call it, such as duty-chat
        name: Name,
        /// Where it is: an https address; http only on the collector's own computer
        #[arg(long)]
        url: String,
        /// Of what
        #[command(flatten)]
        scope: Scope,
    },
}

/// What can be done with mail.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum MailCommand {
    /// Add people who get mail
    Add {
        /// What people call them, such as it-operations
        name: Name,
        /// An address; may be given several times
        #[arg(long, required = true, value_delimiter = ',')]
        to: Vec<String>,
        /// Of what
        #[command(flatten)]
        scope: Scope,
    },
}

/// Of what somebody is told.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Scope {
    /// Only these kinds of items, such as failed; without it the usual ones. May be given
    /// several times
    #[arg(long, value_delimiter = ',', value_parser = kind_word)]
    kinds: Vec<String>,
    /// Only items of these units, and those of no unit; may be given several times
    #[arg(long, value_delimiter = ',')]
    units: Vec<Name>,
}

fn kind_word(word: &str) -> Result<String, String> {
    let known = || KINDS.map(Kind::word).join(", ");
    let kind = Kind::of_word(word).ok_or_else(|| format!("a kind is one of {}", known()))?;
    Ok(kind.word().to_owned())
}

/// Carries out a command on notices.
pub async fn run(app: &App, caller: &Caller, command: NoticeCommand) -> Result<Output, Failure> {
    match command {
        NoticeCommand::Webhook(WebhookCommand::Add { name, url, scope }) => {
            add_webhook(app, caller, name, url, scope).await
        }
        NoticeCommand::Mail(MailCommand::Add { name, to, scope }) => {
            add_mail(app, caller, name, to, scope).await
        }
        NoticeCommand::List => list(app).await,
        NoticeCommand::Remove { name } => {
            let mut change = app.change(caller).await?;
            change.remove_notice_target(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!("{name} is told nothing any more.")))
        }
        NoticeCommand::Test { name } => test(app, caller, &name).await,
        NoticeCommand::Outbox => outbox(app).await,
    }
}

async fn add(app: &App, caller: &Caller, target: &NoticeTarget) -> Result<(), Failure> {
    let place = match target.way {
        Way::Webhook => shown(&target.place),
        Way::Mail => target.place.clone(),
    };
    let mut change = app.change(caller).await?;
    change.add_notice_target(target, &place).await?;
    change.commit().await?;
    Ok(())
}

fn target(app: &App, name: Name, way: Way, place: String, scope: Scope) -> NoticeTarget {
    let Scope {
        mut kinds,
        mut units,
    } = scope;
    kinds.sort();
    kinds.dedup();
    units.sort();
    units.dedup();
    NoticeTarget {
        name,
        way,
        place,
        secret: None,
        kinds,
        units,
        added_at: app.now(),
    }
}

async fn add_webhook(
    app: &App,
    caller: &Caller,
    name: Name,
    url: String,
    scope: Scope,
) -> Result<Output, Failure> {
    webhook::check_url(&url).map_err(Failure::input)?;
    let secret = webhook::secret(rand::random());
    let target = NoticeTarget {
        secret: Some(secret.clone()),
        ..target(app, name, Way::Webhook, url, scope)
    };
    add(app, caller, &target).await?;
    let name = &target.name;
    let text = format!(
        "What is open is sent to {} within a minute, each once, and once more when it is over. \
         `notice test {name}` tries it. What is sent is signed with this secret, as Standard \
         Webhooks has it; it is shown once:\n{secret}",
        shown(&target.place)
    );
    let parts = [("target", Cell::of(name)), ("secret", Cell::of(&secret))];
    Ok(Output::Report(Report::new(parts, text)))
}

async fn add_mail(
    app: &App,
    caller: &Caller,
    name: Name,
    to: Vec<String>,
    scope: Scope,
) -> Result<Output, Failure> {
    if app.settings.smtp_server.is_none() {
        return Err(Failure::conflict(
            "The settings name no server of mail: write smtp_server and smtp_from into \
             collector.toml, and start the collector again.",
        ));
    }
    if let Some(bad) = to.iter().find(|address| !is_address(address)) {
        return Err(Failure::input(format!(
            "{bad:?} is no address of mail, such as it@hospital.example."
        )));
    }
    if to.len() > MAX_ADDRESSES {
        return Err(Failure::input(format!(
            "One name has up to {MAX_ADDRESSES} addresses; use a list of your server of mail."
        )));
    }
    let target = target(app, name, Way::Mail, to.join(","), scope);
    add(app, caller, &target).await?;
    Ok(Output::Text(format!(
        "{} get mail of what is open within a minute, each once, and once more when it is over. \
         `notice test {}` tries it.",
        to.join(", "),
        target.name
    )))
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let mut table = Table::new(&[
        "target",
        "way",
        "to",
        "kinds",
        "units",
        "waiting",
        "last_delivered",
        "failed_in_a_row",
        "problem",
        "gave_up",
    ]);
    let reach = view.notices_reach().await?;
    for (target, reached) in view.notice_targets().await?.iter().zip(reach) {
        let waiting = view.notices_waiting(&target.name).await?;
        let kinds = match target.kinds.is_empty() {
            true => Cell::of("the usual ones"),
            false => Cell::List(target.kinds.clone()),
        };
        let units = match target.units.is_empty() {
            true => Cell::of("all"),
            false => Cell::List(target.units.iter().map(Name::to_string).collect()),
        };
        table.row(vec![
            Cell::of(&target.name),
            Cell::of(target.way.word()),
            Cell::of(deliver::place(target)),
            kinds,
            units,
            Cell::Number(i64::try_from(waiting).unwrap_or(i64::MAX)),
            zones.maybe(None, reached.delivered_at),
            Cell::Number(reached.failures.into()),
            Cell::maybe(reached.problem),
            zones.maybe(None, reached.gave_up_at),
        ]);
    }
    let usual = KINDS.into_iter().filter(|kind| is_usual(*kind));
    let usual: Vec<&str> = usual.map(Kind::word).collect();
    table.note = Some(format!("The usual kinds: {}.", usual.join(", ")));
    Ok(Output::Table(table))
}

async fn test(app: &App, caller: &Caller, name: &Name) -> Result<Output, Failure> {
    let targets = app.store.view().await?.notice_targets().await?;
    let target = targets.into_iter().find(|target| target.name == *name);
    let target = target.ok_or_else(|| {
        Failure::not_found(format!(
            "There is no target of notices {name}. `notice list` shows all."
        ))
    })?;
    let id = format!("msg_{}", &Secret::new().text()[..32]);
    let place = deliver::place(&target);
    let tried = deliver::try_out(app, &target, &id, app.now()).await?;
    app.store.did(&caller.actor);
    match tried {
        Ok(()) => Ok(Output::Text(format!(
            "{place} took it. What waits for {name} goes out now."
        ))),
        Err(problem) => Err(Failure::unavailable(format!(
            "{place} did not take it: {}.",
            problem.text()
        ))),
    }
}

async fn outbox(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let mut table = Table::new(&[
        "id", "target", "says", "written", "attempts", "next_try", "problem", "given_up",
    ]);
    for waiting in view.notice_outbox(MAX_SHOWN).await? {
        let next = waiting.given_up_at.is_none().then_some(waiting.due_at);
        table.row(vec![
            Cell::of(&waiting.id),
            Cell::of(&waiting.target),
            Cell::of(says(&waiting)),
            zones.cell(None, waiting.made_at),
            Cell::Number(waiting.attempts.into()),
            zones.maybe(None, next),
            Cell::maybe(waiting.problem.as_ref()),
            zones.maybe(None, waiting.given_up_at),
        ]);
    }
    let (waiting, given_up) = view.notices_left().await?;
    table.note = Some(format!(
        "{waiting} wait and {given_up} were given up after three days; the first {MAX_SHOWN} are \
         shown. `notice test NAME` tries one at once, and lets what waits for it go out."
    ));
    Ok(Output::Table(table))
}

/// What something that waits says, in short.
fn says(waiting: &Waiting) -> String {
    let body: serde_json::Value = serde_json::from_str(&waiting.body).unwrap_or_default();
    let of = |notice: &serde_json::Value, event: &str| {
        let item = notice["item"].as_str().unwrap_or_default();
        format!("{event} {item}").trim().to_owned()
    };
    match &body {
        serde_json::Value::Array(notices) => {
            let each = notices.iter();
            let each = each.map(|one| of(one, one["event"].as_str().unwrap_or_default()));
            each.collect::<Vec<_>>().join(", ")
        }
        one => {
            let event = one["type"].as_str().unwrap_or_default();
            of(&one["data"], event.trim_start_matches("notice."))
        }
    }
}
