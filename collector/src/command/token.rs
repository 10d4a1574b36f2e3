//! Enrolment tokens.

use super::Caller;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::tokens::{Acceptance, Token};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::HOUR_MS;
use patchward_common::wire::token::EnrolmentToken;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Longest life of a token in hours: a roll-out of one week.
const MAX_TOKEN_HOURS: u32 = 7 * 24;
/// Most machines that one token may enrol: a hospital's largest order of PCs.
const MAX_TOKEN_USES: u32 = 10_000;

/// What can be done with enrolment tokens.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum TokenCommand {
    /// Make a token and show it once
    New {
        /// What people call it
        name: Name,
        /// The unit that its machines join
        #[arg(long)]
        unit: Name,
        /// Host names that may use it, with * for any part
        #[arg(long, default_value = "*")]
        hosts: String,
        /// How many machines may use it
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_TOKEN_USES)))]
        uses: u32,
        /// Hours until it is worth nothing
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_TOKEN_HOURS)))]
        hours: u32,
        /// Accept its machines without asking a person
        #[arg(long)]
        accept: bool,
    },
    /// End a token
    Revoke {
        /// What people call it
        name: Name,
    },
    /// Show the machines that came with a token, as after it was leaked
    Used {
        /// What people call it
        name: Name,
    },
    /// Show all tokens; never their secrets
    List,
}

/// Carries out a command on tokens.
pub async fn run(app: &App, caller: &Caller, command: TokenCommand) -> Result<Output, Failure> {
    match command {
        TokenCommand::New {
            name,
            unit,
            hosts,
            uses,
            hours,
            accept,
        } => {
            let root = app.hospital_root().await?;
            let secret: [u8; 32] = rand::random();
            let now = app.now();
            let token = Token {
                id: name,
                secret_hash: Digest::of(&secret),
                unit,
                host_pattern: hosts,
                acceptance: if accept {
                    Acceptance::Automatic
                } else {
                    Acceptance::Person
                },
                uses_left: uses,
                created_at: now,
                expires_at: now.plus_ms(i64::from(hours) * HOUR_MS),
                revoked_at: None,
            };
            let mut change = app.change(caller).await?;
            change.add_token(&token).await?;
            change.commit().await?;
            let text = EnrolmentToken {
                addresses: app.settings.addresses.clone(),
                ca: app.fleet.ca_fingerprint(),
                root,
                secret: ByteBuf::from(secret),
            }
            .to_text();
            Ok(Output::record([
                ("token", Cell::of(text)),
                ("unit", Cell::of(token.unit)),
                ("machines", Cell::Number(i64::from(uses))),
                ("expires", Cell::of(token.expires_at)),
            ]))
        }
        TokenCommand::Revoke { name } => {
            let mut change = app.change(caller).await?;
            change.revoke_token(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "Token {name} enrols nobody any more. `token used {name}` shows who came with it."
            )))
        }
        TokenCommand::Used { name } => used(app, &name).await,
        TokenCommand::List => {
            let mut table = Table::new(&["token", "unit", "hosts", "left", "expires", "accepts"]);
            for token in app.store.view().await?.tokens().await? {
                let left = match token.revoked_at {
                    Some(_) => Cell::of("revoked"),
                    None => Cell::Number(i64::from(token.uses_left)),
                };
                table.row(vec![
                    Cell::of(token.id),
                    Cell::of(token.unit),
                    Cell::of(token.host_pattern),
                    left,
                    Cell::of(token.expires_at),
                    Cell::of(match token.acceptance {
                        Acceptance::Automatic => "by rule",
                        Acceptance::Person => "by a person",
                    }),
                ]);
            }
            Ok(Output::Table(table))
        }
    }
}

async fn used(app: &App, name: &Name) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    if !view.tokens().await?.iter().any(|token| token.id == *name) {
        return Err(Failure::not_found(format!(
            "There is no token {name}. `token list` shows all."
        )));
    }
    let mut table = Table::new(&["host", "asked", "was", "name", "is", "machine"]);
    for asked in view.enrolments_by(name).await? {
        let known = view.machine(&asked.machine).await?;
        table.row(vec![
            Cell::of(asked.host),
            Cell::of(asked.asked_at),
            Cell::of(asked.state.word()),
            Cell::maybe(known.as_ref().map(|known| &known.name)),
            Cell::maybe(known.map(|known| known.state.word())),
            Cell::of(asked.machine),
        ]);
    }
    table.note = Some(
        "What is not the hospital's: `machine revoke` ends its access, `machine refuse` turns away \
         what still waits."
            .into(),
    );
    Ok(Output::Table(table))
}
