//! The collectors on this database.

use super::zones::Zones;
use crate::app::App;
use crate::claims::Work;
use crate::control::{Cell, Failure, Output, Table};
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
    for one in all {
        let held = claims.iter().filter(|claim| claim.holder == one.id);
        let held: Vec<String> = match app.claims.is_shared() {
            true => held.map(|claim| claim.work.clone()).collect(),
            false => Work::ALL.map(|work| work.word().to_owned()).to_vec(),
        };
        let is_this = one.id == app.claims.id();
        table.row(vec![
            Cell::of(one.id),
            Cell::of(one.host),
            Cell::of(one.address),
            Cell::of(one.version),
            zones.cell(None, one.started_at),
            zones.cell(None, one.beat_at),
            Cell::of(one.connected),
            Cell::List(held),
            Cell::Flag(is_this),
        ]);
    }
    table.note = Some(match app.claims.is_shared() {
        true => "What one does for all is another's within seconds of its end.".to_owned(),
        false => "On SQLite exactly one collector runs; several share a database of PostgreSQL."
            .to_owned(),
    });
    Ok(Output::Table(table))
}
