//! Addresses that are read without an account: approved work for people's calendars, and
//! figures for monitoring. Each has a secret of its own, and is worth nothing once it ended.

use super::Caller;
use super::zones::Zones;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::secret::Secret;
use crate::store::feed_links::FeedKind;
use patchward_common::id::Name;
use serde::{Deserialize, Serialize};

/// What can be done with secret addresses.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum FeedCommand {
    /// Make a secret address; it is shown once
    Add {
        /// What people call it, such as icu-3-calendar
        name: Name,
        /// What stands there: calendar (approved work, .ics), or metrics (for Prometheus)
        #[arg(long, value_parser = ["calendar", "metrics"])]
        what: String,
        /// The unit whose work it is; of the whole hospital, without it
        #[arg(long)]
        unit: Option<Name>,
    },
    /// Show all secret addresses and when each was last used; never their secrets
    List,
    /// End a secret address
    End {
        /// Its name
        name: Name,
    },
}

/// Carries out a command on secret addresses.
pub async fn run(app: &App, caller: &Caller, command: FeedCommand) -> Result<Output, Failure> {
    match command {
        FeedCommand::Add { name, what, unit } => add(app, caller, name, &what, unit).await,
        FeedCommand::List => list(app).await,
        FeedCommand::End { name } => {
            let mut change = app.change(caller).await?;
            change.end_feed_link(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "The secret address {name} is worth nothing any more."
            )))
        }
    }
}

async fn add(
    app: &App,
    caller: &Caller,
    name: Name,
    what: &str,
    unit: Option<Name>,
) -> Result<Output, Failure> {
    let what = match what {
        "metrics" => FeedKind::Metrics,
        _ => FeedKind::Calendar,
    };
    if what == FeedKind::Metrics && unit.is_some() {
        return Err(Failure::input(
            "Metrics are figures of the whole collector; leave the unit out.",
        ));
    }
    let secret = Secret::new();
    let mut change = app.change(caller).await?;
    change
        .add_feed_link(&name, what, unit.as_ref(), &secret.hash())
        .await?;
    change.commit().await?;
    let of = unit.map_or_else(|| "the whole hospital".to_owned(), |unit| unit.to_string());
    let (link, text) = match what {
        FeedKind::Calendar => {
            let link = app
                .settings
                .web_link(&format!("/feed/{}.ics", secret.text()));
            let text = format!(
                "Who has this address may read the approved work of {of}, and nothing else. \
                 Subscribe to it in a calendar; it is shown once:\n{link}"
            );
            (link, text)
        }
        FeedKind::Metrics => {
            let link = app.settings.web_link("/metrics");
            let text = format!(
                "Who has this secret may read the figures at {link}, and nothing else. It goes \
                 into the header \"Authorization: Bearer SECRET\" (Prometheus: \
                 `authorization: {{ credentials_file: ... }}`), and is shown once:\n{}",
                secret.text()
            );
            (link, text)
        }
    };
    let mut parts = vec![("feed", Cell::of(name)), ("link", Cell::of(link))];
    if what == FeedKind::Metrics {
        parts.push(("secret", Cell::of(secret.text())));
    }
    let parts = parts
        .into_iter()
        .map(|(name, cell)| (name.to_owned(), cell));
    Ok(Output::Report(Report {
        parts: parts.collect(),
        lists: Vec::new(),
        text,
    }))
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let mut table = Table::new(&["feed", "what", "unit", "made", "last_used", "ended"]);
    for link in view.feed_links().await? {
        let unit = link.unit.as_ref();
        table.row(vec![
            Cell::of(&link.name),
            Cell::of(link.what.word()),
            Cell::maybe(unit),
            zones.cell(unit, link.made_at),
            zones.maybe(unit, link.used_at),
            zones.maybe(unit, link.ended_at),
        ]);
    }
    Ok(Output::Table(table))
}
