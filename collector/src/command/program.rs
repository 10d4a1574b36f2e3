//! Programs that ask over the network: a CMMS, a dashboard, a script of IT.

use super::Caller;
use super::zones::Zones;
use crate::account::{Grant, Role, Scope};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::secret::Secret;
use crate::store::accounts::Program;
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use serde::{Deserialize, Serialize};

/// Longest life of a token in days: whoever runs the program says once a year that it is
/// still needed.
const MAX_DAYS: u32 = 366;

/// What can be done with programs.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum ProgramCommand {
    /// Add a program; prints its token, once
    Add {
        /// What people call it, such as cmms
        name: Name,
        /// As `user add` takes them, but for admin: no program lets people in
        #[arg(long = "role", required = true)]
        roles: Vec<Grant>,
        /// The gravest that it may ask for, whatever its roles
        #[arg(long, value_enum, default_value_t = Scope::Ask)]
        scope: Scope,
        /// Days until its token is worth nothing
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_DAYS)))]
        days: u32,
    },
    /// Show all programs and what they may; never their tokens
    List,
    /// End a program: its token is worth nothing from now on
    End {
        /// Its name
        name: Name,
    },
}

/// Carries out a command on programs.
pub async fn run(app: &App, caller: &Caller, command: ProgramCommand) -> Result<Output, Failure> {
    match command {
        ProgramCommand::Add {
            name,
            roles,
            scope,
            days,
        } => {
            if roles.iter().any(|grant| grant.role == Role::Admin) {
                return Err(Failure::input(
                    "No program is an administrator: who lets people and programs in is a person.",
                ));
            }
            let secret = Secret::new();
            let mut change = app.change(caller).await?;
            let expires = change.now().plus_ms(i64::from(days) * DAY_MS);
            change
                .add_program(&name, &secret.hash(), scope, &roles, expires)
                .await?;
            change.commit().await?;
            Ok(handed(app, &name, &secret, expires))
        }
        ProgramCommand::List => list(app).await,
        ProgramCommand::End { name } => {
            let mut change = app.change(caller).await?;
            change.end_program(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!("{name} may not ask any more.")))
        }
    }
}

fn handed(app: &App, name: &Name, secret: &Secret, expires: UtcMs) -> Output {
    let address = app.settings.web_link("/api/v1/openapi.json");
    let text = format!(
        "{name} sends this token with each request, as `Authorization: Bearer TOKEN`. It is shown \
         once, and is worth nothing after {expires}:\n{}\nWhat can be asked: {address}",
        secret.text()
    );
    let parts = [
        ("program", Cell::of(name)),
        ("token", Cell::of(secret.text())),
        ("expires", Cell::of(expires)),
        ("description", Cell::of(address)),
    ];
    Output::Report(Report::new(parts, text))
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let grants = view.program_grants().await?;
    let now = app.now();
    let mut table = Table::new(&[
        "program", "roles", "scope", "state", "added", "expires", "asked",
    ]);
    for program in view.programs().await? {
        let of = grants.iter().filter(|(name, _)| *name == program.name);
        table.row(vec![
            Cell::of(&program.name),
            Cell::List(of.map(|(_, grant)| grant.to_string()).collect()),
            Cell::of(program.scope),
            Cell::of(state(&program, now)),
            zones.cell(None, program.added_at),
            zones.cell(None, program.expires_at),
            zones.maybe(None, program.seen_at),
        ]);
    }
    Ok(Output::Table(table))
}

/// How a program stands.
fn state(program: &Program, now: UtcMs) -> &'static str {
    match program.ended_at {
        Some(_) => "ended",
        None if now >= program.expires_at => "expired",
        None => "active",
    }
}
