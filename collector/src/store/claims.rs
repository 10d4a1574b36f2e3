//! The collectors that run on one database, and which of them does the work that must happen
//! once. Nobody audits who does it: what is done is audited.

use super::value::{args, from_row};
use super::{Store, StoreError, View};
use patchward_common::time::UtcMs;

/// A running collector, and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Drawn at its start.
    pub id: String,
    /// The name of its computer.
    pub host: String,
    /// Where machines reach it.
    pub address: String,
    /// Of its program.
    pub version: String,
    /// When it was started.
    pub started_at: UtcMs,
    /// Counts its signs of life.
    pub beat: u64,
    /// When it gave the last one, by its own clock.
    pub beat_at: UtcMs,
    /// How many machines are connected with it.
    pub connected: u64,
    /// How far each stop in force has come with them, as JSON.
    pub reach: String,
}
from_row!(Collector {
    id,
    host,
    address,
    version,
    started_at,
    beat,
    beat_at,
    connected,
    reach
});

/// Who does some work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The work, by its word.
    pub work: String,
    /// The collector, by its id.
    pub holder: String,
    /// Since when, by the holder's clock.
    pub since: UtcMs,
}
from_row!(Claim {
    work,
    holder,
    since
});

/// A collector that was seen to stand still, by its id, and at which sign of life.
pub type Still = (String, u64);

impl View {
    /// The collectors, those that were started first before the others.
    pub async fn collectors(&mut self) -> Result<Vec<Collector>, StoreError> {
        self.tx
            .all(
                "SELECT id, host, address, version, started_at, beat, beat_at, connected, reach
                 FROM collectors ORDER BY started_at, id",
                args![],
            )
            .await
    }

    /// Who does which work, by work.
    pub async fn claims(&mut self) -> Result<Vec<Claim>, StoreError> {
        self.tx
            .all(
                "SELECT work, holder, since FROM claims ORDER BY work",
                args![],
            )
            .await
    }
}

impl Store {
    /// A sign of life of one collector, and all that goes with it, in one transaction: those that
    /// stand `still` and gave none since are gone and hold nothing any more, and what of `works`
    /// nobody holds is this one's. Gives back who holds what.
    ///
    /// One that was taken for gone itself begins anew, and holds what is left.
    pub async fn beat(
        &self,
        own: &Collector,
        still: &[Still],
        works: &[&str],
    ) -> Result<Vec<Claim>, StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "INSERT INTO collectors (id, host, address, version, started_at, beat, beat_at,
                                     connected, reach)
             VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8)
             ON CONFLICT (id) DO UPDATE SET beat = collectors.beat + 1,
                beat_at = excluded.beat_at, connected = excluded.connected,
                reach = excluded.reach",
            args![
                own.id,
                own.host,
                own.address,
                own.version,
                own.started_at,
                own.beat_at,
                own.connected,
                own.reach
            ],
        )
        .await?;
        for (id, beat) in still {
            tx.execute(
                "DELETE FROM collectors WHERE id = $1 AND beat = $2",
                args![id, beat],
            )
            .await?;
        }
        tx.execute(
            "DELETE FROM claims WHERE holder NOT IN (SELECT id FROM collectors)",
            args![],
        )
        .await?;
        let wanted = works.iter().map(|work| args![work, own.id, own.beat_at]);
        tx.execute_many(
            (
                "INSERT INTO claims (work, holder, since) VALUES",
                "ON CONFLICT (work) DO NOTHING",
            ),
            wanted.collect(),
        )
        .await?;
        let claims = tx
            .all(
                "SELECT work, holder, since FROM claims ORDER BY work",
                args![],
            )
            .await?;
        tx.commit().await?;
        Ok(claims)
    }

    /// A collector ends in order: what it held is free at once.
    pub async fn leave(&self, id: &str) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute("DELETE FROM claims WHERE holder = $1", args![id])
            .await?;
        tx.execute("DELETE FROM collectors WHERE id = $1", args![id])
            .await?;
        tx.commit().await
    }

    /// Whether other collectors may run on this database beside this one: PostgreSQL lets them,
    /// a file of SQLite has one.
    pub fn is_shared(&self) -> bool {
        matches!(self.engine, super::Engine::Postgres(_))
    }
}
