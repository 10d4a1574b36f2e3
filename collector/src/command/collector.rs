//! The collectors on this database.

use super::zones::Zones;
use crate::app::App;
use crate::claims::Work;
use crate::control::{Cell, Failure, Output, Table};
use crate::rollout::clocks::{MAX_APART_MS, Wrong};
use patchward_common::time::SECOND_MS;
use serde::{Deserialize, Serialize};

/// What can be asked of collectors.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum CollectorCommand {
    /// Show the collectors that run on this database, and what each does for all
    List,
}

/// Carries one out.
pub(super) async fn run(app: &App, command: &CollectorCommand) -> Result<Output, Failure> {
    match command {
        CollectorCommand::List => list(app).await,
    }
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&[
        "collector",
        "host",
        "listens",
        "version",
        "started",
        "heard",
        "clock",
        "connected",
        "holds",
        "this",
    ]);
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let (all, claims) = match app.claims.is_shared() {
        true => (view.collectors().await?, view.claims().await?),
        false => {
            let connected = app.fleet.connected() as u64;
            (vec![app.claims.alone(app.now(), connected)], Vec::new())
        }
    };
    let clocks = app.fleet.clocks();
    for one in all {
        let held = claims.iter().filter(|claim| claim.holder == one.id);
        let held: Vec<String> = match app.claims.is_shared() {
            true => held.map(|claim| claim.work.clone()).collect(),
            false => Work::ALL.map(|work| work.word().to_owned()).to_vec(),
        };
        let is_this = one.id == app.claims.id();
        let ahead_ms = match is_this {
            true => Some(0),
            false => clocks.ahead_ms(&one.id),
        };
        table.row(vec![
            Cell::of(one.id),
            Cell::of(one.host),
            Cell::of(one.address),
            Cell::of(one.version),
            zones.cell(None, one.started_at),
            zones.cell(None, one.beat_at),
            Cell::maybe(ahead_ms.map(clock)),
            Cell::of(one.connected),
            Cell::List(held),
            Cell::Flag(is_this),
        ]);
    }
    table.note = Some(match app.claims.is_shared() {
        true if matches!(clocks.wrong(), Some(Wrong::Apart { .. })) => format!(
            "The clocks of these collectors are more than {} s apart: when a machine was heard, and \
             whether it is ready, is not sure any more. No go is given until they are set. See that \
             they are kept right (timedatectl, chronyc tracking).",
            MAX_APART_MS / SECOND_MS
        ),
        true => "What one does for all is another's within seconds of its end.".to_owned(),
        false => "On SQLite exactly one collector runs; several share a database of PostgreSQL."
            .to_owned(),
    });
    Ok(Output::Table(table))
}

/// What another's clock says, held against that of who is asked.
fn clock(ahead_ms: i64) -> String {
    match ahead_ms / SECOND_MS {
        0 => "agrees".to_owned(),
        ahead @ 1.. => format!("{ahead} s ahead"),
        behind => format!("{} s behind", -behind),
    }
}
