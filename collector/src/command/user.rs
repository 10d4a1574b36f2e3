//! People who use the page.

pub(super) mod end;
mod openid;

pub use openid::OpenidCommand;

use super::Caller;
use super::rows::{self, ENDED, FromFile, Person};
use super::zones::Zones;
use crate::account::{Grant, LINK_MS};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::secret::Secret;
use crate::store::Change;
use patchward_common::id::{Label, Name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What can be done with accounts.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum UserCommand {
    /// Add a person; prints the one-time link with which they choose a password
    Add {
        /// Short name; the person's in the roster, where they are in it
        name: Name,
        /// What people call them
        #[arg(long)]
        title: Label,
        /// viewer, auditor, technician, approver, security, operator, admin; technician, approver
        /// and ward also for one unit, as technician:icu-3; may be given several times
        #[arg(long = "role", required = true)]
        roles: Vec<Grant>,
    },
    /// Add people and give them exactly the roles of a CSV file as `user list` gives it, with the columns
    /// account, called and roles: all of it, or nothing. It makes no links: `user link` does, one by one
    Import(FromFile),
    /// Give a person exactly these roles
    Grant {
        /// The account
        name: Name,
        /// As `user add` takes them
        #[arg(long = "role", required = true)]
        roles: Vec<Grant>,
    },
    /// Make a new one-time link: for who forgot the password or lost the second factor. Following it
    /// takes the second factor and all passkeys away
    Link {
        /// The account
        name: Name,
    },
    /// End an account: its sessions end at once, its name is not given again
    End {
        /// The account
        name: Name,
    },
    /// Show all accounts and what they may
    List,
    /// Show the browser keys that wait for a registrar, as a roster's description writes them
    Keys,
    /// Who people are at the hospital's OpenID provider
    #[command(subcommand)]
    Openid(OpenidCommand),
}

/// Carries out a command on accounts.
pub async fn run(app: &App, caller: &Caller, command: UserCommand) -> Result<Output, Failure> {
    match command {
        UserCommand::Add { name, title, roles } => {
            let mut change = app.change(caller).await?;
            change.add_account(&name, &title).await?;
            change.grant_roles(&name, &roles).await?;
            let link = link(app, &mut change, &name).await?;
            change.commit().await?;
            Ok(handed(&name, link, format!("{title} is added.")))
        }
        UserCommand::Import(from) => {
            let mut report = rows::taken_in::<Person>(app, caller, from).await?;
            report.text +=
                " Who is new gets a one-time link by `user link`, in person, or comes by OpenID.";
            Ok(Output::Report(report))
        }
        UserCommand::Grant { name, roles } => {
            let mut change = app.change(caller).await?;
            need(&mut change, &name).await?;
            change.grant_roles(&name, &roles).await?;
            change.commit().await?;
            let roles: Vec<String> = roles.iter().map(Grant::to_string).collect();
            Ok(Output::Text(format!("{name} is {}.", roles.join(", "))))
        }
        UserCommand::Link { name } => {
            let mut change = app.change(caller).await?;
            need(&mut change, &name).await?;
            let link = link(app, &mut change, &name).await?;
            change.commit().await?;
            let text = "The password, the second factor and passkeys count until the link was \
                        followed; then all of them are gone."
                .to_owned();
            Ok(handed(&name, link, text))
        }
        UserCommand::End { name } => end::end(app, caller, &name).await,
        UserCommand::List => list(app).await,
        UserCommand::Keys => keys(app).await,
        UserCommand::Openid(command) => openid::run(app, caller, command).await,
    }
}

async fn need(change: &mut Change, name: &Name) -> Result<(), Failure> {
    let found = change.view().account(name).await?;
    match found.filter(|account| account.ended_at.is_none()) {
        Some(_) => Ok(()),
        None => Err(Failure::not_found(format!(
            "There is no account {name}. `user list` shows all."
        ))),
    }
}

async fn link(app: &App, change: &mut Change, name: &Name) -> Result<String, Failure> {
    let secret = Secret::new();
    let expires = change.now().plus_ms(LINK_MS);
    change
        .add_account_link(&secret.hash(), Some(name), expires)
        .await?;
    Ok(app
        .settings
        .web_link(&format!("/welcome/{}", secret.text())))
}

fn handed(name: &Name, link: String, first: String) -> Output {
    let text = format!(
        "{first} Hand this link to {name} in person; it is good once, for {} hours:\n{link}",
        LINK_MS / patchward_common::time::HOUR_MS
    );
    let parts = [("account", Cell::of(name)), ("link", Cell::of(link))];
    Output::Report(Report::new(parts, text))
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let grants = view.grants().await?;
    let issuer = app.settings.oidc_issuer.as_ref();
    let linked = view.linked_subjects().await?.into_iter();
    let linked = linked.filter(|linked| Some(&linked.issuer) == issuer);
    let linked: BTreeSet<Name> = linked.map(|linked| linked.account).collect();
    let passkeys = view.passkey_counts().await?;
    let now = app.now();
    let mut table = Table::new(&[
        "account",
        "called",
        "roles",
        "state",
        "second_factor",
        "passkeys",
        "added",
    ]);
    for account in view.accounts().await? {
        let of = grants.iter().filter(|(name, _)| *name == account.name);
        let held = passkeys.iter().find(|(name, _)| *name == account.name);
        let is_reachable = account.password.is_some() || linked.contains(&account.name);
        let state = match (&account.ended_at, &account.locked_until) {
            (Some(_), _) => ENDED,
            (None, _) if !is_reachable => "invited",
            (None, Some(until)) if *until > now => "locked",
            (None, _) => "active",
        };
        table.row(vec![
            Cell::of(&account.name),
            Cell::of(&account.title),
            Cell::List(of.map(|(_, grant)| grant.to_string()).collect()),
            Cell::of(state),
            Cell::Flag(account.totp.is_some()),
            Cell::Number(held.map_or(0, |(_, count)| *count)),
            zones.cell(None, account.added_at),
        ]);
    }
    Ok(Output::Table(table))
}

async fn keys(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let mut table = Table::new(&["account", "key", "asked"]);
    for request in view.key_requests().await? {
        table.row(vec![
            Cell::of(&request.account),
            Cell::of(&request.key),
            zones.cell(None, request.asked_at),
        ]);
    }
    table.note = Some(
        "Ask the person by another way whether the key is theirs, write it into the roster's \
         description with `kind = \"browser\"`, and sign that with `patchward-sign roster`."
            .to_owned(),
    );
    Ok(Output::Table(table))
}
