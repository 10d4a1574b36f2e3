//! Who people are at the hospital's OpenID provider. It says who somebody is; whose account that
//! is, is said here.

use crate::account::SubjectId;
use crate::app::App;
use crate::command::Caller;
use crate::command::zones::Zones;
use crate::control::{Cell, Failure, Output, Table};
use patchward_common::id::Name;
use serde::{Deserialize, Serialize};

/// What can be done with people's links to the provider.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum OpenidCommand {
    /// Link an account to who its person is at the provider: they sign in that way too
    Link {
        /// The account
        name: Name,
        /// What the provider calls the person (`sub`): what the page tells who is not linked
        /// yet, or what the provider's own administrator finds
        #[arg(long)]
        subject: SubjectId,
    },
    /// End an account's link, and all its sessions
    Unlink {
        /// The account
        name: Name,
    },
    /// Show who is linked
    List,
}

/// Carries out a command on links.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    command: OpenidCommand,
) -> Result<Output, Failure> {
    match command {
        OpenidCommand::Link { name, subject } => {
            let issuer = issuer(app)?;
            let mut change = app.change(caller).await?;
            change.link_subject(&name, issuer, &subject).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "Who is {subject} at {issuer} signs in as {name}. What {name} may, nobody there \
                 can change."
            )))
        }
        OpenidCommand::Unlink { name } => {
            let issuer = issuer(app)?;
            let mut change = app.change(caller).await?;
            change.unlink_subject(&name, issuer).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "{name} does not sign in by the provider any more; all sessions have ended. The \
                 password, if there is one, still counts."
            )))
        }
        OpenidCommand::List => list(app).await,
    }
}

fn issuer(app: &App) -> Result<&str, Failure> {
    let issuer = app.settings.oidc_issuer.as_deref();
    issuer.ok_or_else(|| {
        Failure::conflict(
            "The settings name no OpenID provider: write oidc_issuer and oidc_client into \
             collector.toml, and start the collector again.",
        )
    })
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let mut table = Table::new(&["account", "subject", "provider", "linked"]);
    for linked in view.linked_subjects().await? {
        table.row(vec![
            Cell::of(&linked.account),
            Cell::of(&linked.subject),
            Cell::of(&linked.issuer),
            zones.cell(None, linked.linked_at),
        ]);
    }
    Ok(Output::Table(table))
}
