//! The certificate authority and its follower: which machines know the next one.

use super::meta::{AUTHORITY, NEXT_AUTHORITY, note};
use super::value::{args, from_row};
use super::{Change, Store, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use serde_json::json;
use std::collections::BTreeSet;

/// An enrolled machine that has not come with a certificate of the next authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// The machine.
    pub machine: MachineId,
    /// What people call it.
    pub name: Name,
    /// Its care area.
    pub unit: Name,
    /// When it was last heard.
    pub seen_at: Option<UtcMs>,
    /// When its certificate ends.
    pub ends_at: Option<UtcMs>,
}
from_row!(Unreached {
    machine,
    name,
    unit,
    seen_at,
    ends_at
});

/// The certificate of a relay that was made last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayCertificate {
    /// Whose.
    pub relay: Name,
    /// Its serial number.
    pub serial: String,
    /// When it was made.
    pub issued_at: UtcMs,
    /// Until when it counts.
    pub expires_at: UtcMs,
}
from_row!(RelayCertificate {
    relay,
    serial,
    issued_at,
    expires_at
});

impl View {
    /// The certificates of relays, by their names.
    pub async fn relay_certificates(&mut self) -> Result<Vec<RelayCertificate>, StoreError> {
        self.tx
            .all(
                "SELECT relay, serial, issued_at, expires_at FROM relay_certificates
                 ORDER BY relay",
                args![],
            )
            .await
    }

    /// The enrolled machines with an agent that would be left behind now, by name.
    pub async fn unreached(&mut self) -> Result<Vec<Unreached>, StoreError> {
        self.tx
            .all(
                "SELECT m.id, m.name, m.unit, seen.at,
                        (SELECT MAX(c.expires_at) FROM certificates c WHERE c.machine = m.id)
                 FROM machines m
                 LEFT JOIN machine_seen seen ON seen.machine = m.id
                 LEFT JOIN authority_reached r ON r.machine = m.id
                 WHERE m.state = 'enrolled' AND LENGTH(m.spki) > 0 AND r.machine IS NULL
                 ORDER BY m.name",
                args![],
            )
            .await
    }

    /// How many enrolled machines know the next authority.
    pub async fn reached(&mut self) -> Result<u64, StoreError> {
        let (count,) = self
            .tx
            .one(
                "SELECT COUNT(*) FROM authority_reached r JOIN machines m ON m.id = r.machine
                 WHERE m.state = 'enrolled'",
                args![],
            )
            .await?;
        Ok(count)
    }
}

impl Store {
    /// Notes that machines came with certificates of the next authority. Not audited: it is
    /// what machines showed.
    pub async fn record_reached(
        &self,
        machines: &[MachineId],
        now: UtcMs,
    ) -> Result<(), StoreError> {
        // In one order for everybody: two that lock in different ones would wait for each other.
        let once: BTreeSet<&MachineId> = machines.iter().collect();
        let rows = once.into_iter().map(|machine| args![machine, now]);
        let mut tx = self.engine.begin().await?;
        tx.execute_many(
            (
                "INSERT INTO authority_reached (machine, at) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            rows.collect(),
        )
        .await?;
        tx.commit().await
    }
}

impl Change {
    /// Until this change ends, whoever asks for the same waits: who goes over to another authority
    /// alone, and a collector that comes and looks which one it is.
    pub async fn lock_authority(&mut self) -> Result<(), StoreError> {
        let lock = "UPDATE meta SET value = value WHERE key = $1";
        let tx = &mut self.view().tx;
        tx.execute(lock, args![AUTHORITY]).await?;
        Ok(())
    }

    /// Notes that the next authority is there, and that nobody knows it yet.
    pub async fn begin_authority(&mut self, next: &Digest, reason: &str) -> Result<(), StoreError> {
        let detail = json!({ "reason": reason });
        let tx = self.step("collector.authority_next", next, detail);
        tx.execute("DELETE FROM authority_reached", args![]).await?;
        note(tx, NEXT_AUTHORITY, next).await?;
        self.done();
        Ok(())
    }

    /// Notes that a relay was certified, and until when: what it had before counts no more.
    pub async fn certify_relay(
        &mut self,
        relay: &Name,
        serial: &str,
        expires: UtcMs,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let detail = json!({ "serial": serial, "expires": expires.to_string() });
        let tx = self.step("collector.relay_certified", relay, detail);
        tx.execute(
            "INSERT INTO relay_certificates (relay, serial, issued_at, expires_at)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (relay) DO UPDATE SET serial = excluded.serial,
                issued_at = excluded.issued_at, expires_at = excluded.expires_at",
            args![relay, serial, now, expires],
        )
        .await?;
        self.done();
        Ok(())
    }

    /// From now on the database belongs to the authority `new`; `left` machines do not know it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it belongs to another than `old`.
    pub async fn replace_authority(
        &mut self,
        old: &Digest,
        new: &Digest,
        left: usize,
        reason: &str,
    ) -> Result<(), StoreError> {
        let detail = json!({ "old": old.to_string(), "left": left, "reason": reason });
        let tx = self.step("collector.authority_finish", new, detail);
        let changed = tx
            .execute(
                "INSERT INTO meta (key, value) VALUES ($1, $2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE meta.value = $3",
                args![AUTHORITY, new, old],
            )
            .await?;
        tx.execute("DELETE FROM authority_reached", args![]).await?;
        tx.execute("DELETE FROM meta WHERE key = $1", args![NEXT_AUTHORITY])
            .await?;
        self.done_if(changed, || {
            StoreError::conflict("the database belongs to another certificate authority")
        })
    }
}
