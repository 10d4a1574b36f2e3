//! What machines report of themselves. Not audited; see the module `store` for why.

use crate::rollout::clocks::AHEAD_MS;
use crate::store::queue::{Entry, Results};
use crate::store::value::{args, from_row, words};
use crate::store::{Engine, Store, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, MachineId};
use patchward_common::time::UtcMs;
use patchward_common::wire::machine::InterlockWord;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Most machines of one transaction: a COMMIT is worth some hundred rows.
pub(super) const MAX_GROUP: usize = 512;

words! {
    /// What a machine's readiness probes say.
    Readiness {
        /// They pass.
        Ready = "ready",
        /// One fails.
        NotReady = "not_ready",
        /// It has none.
        Unknown = "unknown",
    }
}

/// What a machine last said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineStatus {
    /// Its boot.
    pub boot: BootId,
    /// Version of its agent.
    pub agent_version: String,
    /// Version of its installer; empty while it is not known.
    pub installer_version: String,
    /// What its readiness probes say.
    pub readiness: Readiness,
    /// What its interlock says.
    pub interlock: InterlockWord,
    /// Until when the ward holds it.
    pub hold_until: Option<UtcMs>,
    /// Digest of its watermark.
    pub watermark: Digest,
    /// Digest of the facts by which a clone is told.
    pub fingerprint: Digest,
}
from_row!(MachineStatus {
    boot,
    agent_version,
    installer_version,
    readiness,
    interlock,
    hold_until,
    watermark,
    fingerprint
});

impl View {
    /// What a machine last said of itself.
    pub async fn machine_status(
        &mut self,
        id: &MachineId,
    ) -> Result<Option<MachineStatus>, StoreError> {
        self.tx
            .first(
                "SELECT boot, agent_version, installer_version, readiness, interlock,
                        hold_until, watermark, fingerprint
                 FROM machine_status WHERE machine = $1",
                args![id],
            )
            .await
    }

    /// The facts that a machine reported last, as they came, and when.
    pub async fn machine_facts(
        &mut self,
        id: &MachineId,
    ) -> Result<Option<(Vec<u8>, UtcMs)>, StoreError> {
        self.tx
            .first(
                "SELECT facts, changed_at FROM machine_facts WHERE machine = $1",
                args![id],
            )
            .await
    }

    /// When a machine was last heard.
    pub async fn seen_at(&mut self, id: &MachineId) -> Result<Option<UtcMs>, StoreError> {
        let row: Option<(UtcMs,)> = self
            .tx
            .first("SELECT at FROM machine_seen WHERE machine = $1", args![id])
            .await?;
        Ok(row.map(|(at,)| at))
    }

    /// How many enrolled machines were last heard after each of these instants, the latest
    /// first; then how many were heard before all of them, and how many never. Each counts
    /// once.
    pub async fn heard_since(&mut self, since: [UtcMs; 4]) -> Result<[u64; 6], StoreError> {
        let rows: Vec<(i64, u64)> = self
            .tx
            .all(
                "SELECT CAST(CASE WHEN s.at IS NULL THEN 5 WHEN s.at > $1 THEN 0
                                  WHEN s.at > $2 THEN 1 WHEN s.at > $3 THEN 2
                                  WHEN s.at > $4 THEN 3 ELSE 4 END AS BIGINT) AS place,
                        COUNT(*)
                 FROM machines m LEFT JOIN machine_seen s ON s.machine = m.id
                 WHERE m.state = 'enrolled' GROUP BY 1 ORDER BY 1",
                args![since[0], since[1], since[2], since[3]],
            )
            .await?;
        let mut counts = [0; 6];
        for (place, count) in rows {
            let place = usize::try_from(place).ok();
            if let Some(found) = place.and_then(|place| counts.get_mut(place)) {
                *found = count;
            }
        }
        Ok(counts)
    }
}

/// That a machine was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: UtcMs,
    /// From which address, where that is known.
    pub from: Option<IpAddr>,
}

impl From<UtcMs> for Seen {
    /// Heard from somewhere.
    fn from(at: UtcMs) -> Self {
        Self { at, from: None }
    }
}

impl Store {
    /// Notes when machines were last heard, and from where; an older time never replaces a
    /// newer one, and an address that is not known replaces none. A time that lies ahead of
    /// `now` was noted by a collector whose clock was wrong, and is replaced by any: machines
    /// would else not be heard until that time has come.
    pub async fn record_seen(
        &self,
        seen: &[(MachineId, Seen)],
        now: UtcMs,
    ) -> Result<(), StoreError> {
        // The newest of each, in one order for everybody: PostgreSQL takes a row once per
        // statement, and two that lock in different orders would wait for each other.
        let mut newest: BTreeMap<&MachineId, Seen> = BTreeMap::new();
        for (machine, seen) in seen {
            let entry = newest.entry(machine).or_insert(*seen);
            if entry.at < seen.at {
                *entry = *seen;
            }
        }
        let rows = newest.iter().map(|(machine, seen)| {
            let from = seen.from.map(|from| from.to_canonical().to_string());
            let since = from.is_some().then_some(seen.at);
            args![machine, seen.at, from, since]
        });
        let mut tx = self.engine.begin().await?;
        let written = tx.execute_many(
            (
                "INSERT INTO machine_seen (machine, at, address, address_since) VALUES",
                "ON CONFLICT (machine) DO UPDATE SET at = excluded.at,
                    address_since = CASE
                        WHEN excluded.address IS NULL THEN machine_seen.address_since
                        WHEN excluded.address = machine_seen.address
                        THEN machine_seen.address_since
                        ELSE excluded.address_since END,
                    address = COALESCE(excluded.address, machine_seen.address)
                 WHERE excluded.at > machine_seen.at",
            ),
            rows.collect(),
        );
        if written.await? < newest.len() as u64 {
            // Rare: the text of a statement is kept for each that is another.
            let ahead = now.plus_ms(AHEAD_MS).0;
            let over = format!(
                "ON CONFLICT (machine) DO UPDATE SET at = excluded.at
                 WHERE machine_seen.at > {ahead}"
            );
            let rows = newest.iter().map(|(machine, seen)| args![machine, seen.at]);
            let insert = "INSERT INTO machine_seen (machine, at) VALUES";
            tx.execute_many((insert, &over), rows.collect()).await?;
        }
        tx.commit().await
    }

    /// Notes what a machine says of itself, and gives back once it is on disk. Call it when
    /// something changed. What comes together is written together.
    pub async fn record_status(
        &self,
        machine: &MachineId,
        status: &MachineStatus,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let report = Report {
            machine: *machine,
            status: status.clone(),
            at: now,
        };
        self.statuses.put(report).await
    }

    /// Notes the facts that a machine reported, as they came.
    pub async fn record_facts(
        &self,
        machine: &MachineId,
        facts: &[u8],
        now: UtcMs,
    ) -> Result<(), StoreError> {
        self.record_facts_of(&[(*machine, facts)], now).await
    }

    /// Notes the facts of many machines; each stands there once.
    pub async fn record_facts_of(
        &self,
        facts: &[(MachineId, &[u8])],
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let rows = facts.iter().map(|(machine, facts)| {
            let facts = facts.to_vec();
            args![machine, facts, now]
        });
        let mut tx = self.engine.begin().await?;
        tx.execute_many(
            (
                "INSERT INTO machine_facts (machine, facts, changed_at) VALUES",
                "ON CONFLICT (machine) DO UPDATE SET facts = excluded.facts,
                    changed_at = excluded.changed_at",
            ),
            rows.collect(),
        )
        .await?;
        tx.commit().await
    }
}

/// What one machine says of itself, on its way to the database.
pub(in crate::store) struct Report {
    machine: MachineId,
    status: MachineStatus,
    at: UtcMs,
}

impl Entry for Report {
    type Answer = ();
    type Error = StoreError;
    const MAX_GROUP: usize = MAX_GROUP;

    async fn together(engine: &Engine, entries: &[Self]) -> Result<Results<Self>, StoreError> {
        // The last of each machine, in one order for everybody: PostgreSQL takes a row once
        // per statement, and two that lock in different orders would wait for each other.
        let last: BTreeMap<_, _> = entries.iter().map(|one| (one.machine, one)).collect();
        let rows = last.into_values().map(
            |Self {
                 machine,
                 status,
                 at,
             }| {
                args![
                    machine,
                    status.boot,
                    status.agent_version,
                    status.installer_version,
                    status.readiness,
                    status.interlock,
                    status.hold_until,
                    status.watermark,
                    status.fingerprint,
                    at
                ]
            },
        );
        let mut tx = engine.begin().await?;
        tx.execute_many(
            (
                "INSERT INTO machine_status (machine, boot, agent_version, installer_version,
                    readiness, interlock, hold_until, watermark, fingerprint, changed_at)
                 VALUES",
                "ON CONFLICT (machine) DO UPDATE SET boot = excluded.boot,
                    agent_version = excluded.agent_version,
                    installer_version = excluded.installer_version,
                    readiness = excluded.readiness, interlock = excluded.interlock,
                    hold_until = excluded.hold_until, watermark = excluded.watermark,
                    fingerprint = excluded.fingerprint, changed_at = excluded.changed_at",
            ),
            rows.collect(),
        )
        .await?;
        tx.commit().await?;
        Ok(entries.iter().map(|_| Ok(())).collect())
    }
}
