//! Writes to a collector's store until it is killed, and says on standard output what was
//! acknowledged: `event MACHINE POSITION .` and `change .`. For the test that kills it.

use anyhow::Context as _;
use patchward_collector::store::journal::Append;
use patchward_collector::store::places::Site;
use patchward_collector::store::{Actor, Place, Store};
use patchward_common::id::{Label, MachineId, Name, OutboxId};
use patchward_common::time::UtcMs;
use std::io::Write as _;
use tokio::task::JoinSet;

/// Machines that write at once.
const MACHINES: u8 = 16;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let target = arguments
        .next()
        .context("usage: store-writer FILE|URL ROUND")?;
    let round: u8 = arguments
        .next()
        .context("usage: store-writer FILE|URL ROUND")?
        .parse()
        .context("ROUND must be a number up to 255")?;
    let place = if target.starts_with("postgres:") {
        Place::Postgres { url: target }
    } else {
        Place::Sqlite {
            path: target.into(),
            max_pages: None,
        }
    };
    let store = Store::create(&place).await?;
    let mut tasks = JoinSet::new();
    for number in 1..=MACHINES {
        tasks.spawn(write_events(store.clone(), number, round));
    }
    tasks.spawn(write_changes(store, round));
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

async fn write_events(store: Store, number: u8, round: u8) -> anyhow::Result<()> {
    let mut position = 0;
    loop {
        let sequence = position + 1;
        position = store
            .append_journal(Append {
                machine: MachineId([number; 32]),
                outbox: OutboxId([round; 16]),
                first: sequence,
                events: vec![format!("event {sequence} of {number}").into_bytes()],
                received_at: UtcMs(0),
            })
            .await?;
        say(&format!("event {number} {position} ."))?;
    }
}

async fn write_changes(store: Store, round: u8) -> anyhow::Result<()> {
    for number in 0u64.. {
        let mut change = store.change(Actor::Collector, UtcMs(0)).await?;
        change
            .add_site(&Site {
                name: Name::new(format!("s{round}-{number}"))?,
                title: Label::new("Written until killed")?,
            })
            .await?;
        change.commit().await?;
        say("change .")?;
    }
    Ok(())
}

/// One write for one line, so that a kill cuts at most the last.
fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()
}
