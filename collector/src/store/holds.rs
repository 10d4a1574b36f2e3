//! What the ward says on its page: "not now", and that it wants a machine handed over.

use super::go::lock_all_groups;
use super::value::{args, from_row};
use super::windows::Area;
use super::{Change, StoreError, View};
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use patchward_common::wire::local::MAX_HOLD_MS;
use serde_json::json;

/// "Not now", said by the ward on its page. What is said at the machine itself is in
/// [`super::machines::MachineStatus::hold_until`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// A unit or a machine.
    pub area: Area,
    /// Which one.
    pub subject: String,
    /// When it ends by itself.
    pub until: UtcMs,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub set_by: String,
    /// When.
    pub set_at: UtcMs,
}
from_row!(Hold {
    area,
    subject,
    until,
    reason,
    set_by,
    set_at
});

/// The ward asks for the handover of a machine, and nobody has said that it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoverAsk {
    /// The machine.
    pub machine: MachineId,
    /// When.
    pub asked_at: UtcMs,
    /// Who.
    pub asked_by: String,
}
from_row!(HandoverAsk {
    machine,
    asked_at,
    asked_by
});

impl View {
    /// The holds that have not ended at `now`, by subject.
    pub async fn holds(&mut self, now: UtcMs) -> Result<Vec<Hold>, StoreError> {
        self.tx
            .all(
                "SELECT scope, subject, until, reason, set_by, set_at FROM holds
                 WHERE until > $1 ORDER BY scope, subject, set_by",
                args![now],
            )
            .await
    }

    /// Those of one unit or machine.
    pub async fn holds_on(
        &mut self,
        area: Area,
        subject: &str,
        now: UtcMs,
    ) -> Result<Vec<Hold>, StoreError> {
        self.tx
            .all(
                "SELECT scope, subject, until, reason, set_by, set_at FROM holds
                 WHERE scope = $1 AND subject = $2 AND until > $3 ORDER BY set_by",
                args![area, subject, now],
            )
            .await
    }

    /// The handovers that were asked for and are not done, the oldest first.
    pub async fn handover_asks(&mut self) -> Result<Vec<HandoverAsk>, StoreError> {
        self.tx
            .all(
                "SELECT machine, asked_at, asked_by FROM handover_asks WHERE ended_at IS NULL
                 ORDER BY asked_at, machine",
                args![],
            )
            .await
    }
}

impl Change {
    /// Holds a unit or a machine until an instant, in place of what the same person or link
    /// said of it before. What others said of it stands.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] where it would be over at once, or last too long.
    pub async fn hold(
        &mut self,
        area: Area,
        subject: &str,
        until: UtcMs,
        reason: &str,
    ) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        if until <= now || until.since_ms(now) > MAX_HOLD_MS {
            return Err(StoreError::Invalid(format!(
                "a hold until {until}: it has to end later than now and within 12 hours"
            )));
        }
        self.need_area(area, subject).await?;
        let detail = json!({ "area": area, "until": until.to_string(), "reason": reason });
        let tx = self.step("hold.set", subject, detail);
        lock_all_groups(tx).await?;
        // What is over says nothing any more; the audit log knows of it.
        tx.execute("DELETE FROM holds WHERE until <= $1", args![now])
            .await?;
        tx.execute(
            "INSERT INTO holds (scope, subject, until, reason, set_by, set_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (scope, subject, set_by) DO UPDATE SET until = excluded.until,
                reason = excluded.reason, set_at = excluded.set_at",
            args![area, subject, until, reason, by, now],
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Ends the holds of a unit or a machine before their time: those that `by` set, or all
    /// of them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where none is in force.
    pub async fn end_hold(
        &mut self,
        area: Area,
        subject: &str,
        by: Option<&str>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let removed = self
            .step("hold.end", subject, json!({ "area": area, "of": by }))
            .execute(
                "DELETE FROM holds WHERE scope = $1 AND subject = $2 AND until > $3
                   AND ($4 IS NULL OR set_by = $4)",
                args![area, subject, now, by],
            )
            .await?;
        self.done_if(removed, || StoreError::missing("hold on", subject))
    }

    /// Notes that the ward wants a machine handed over.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it was asked for already.
    pub async fn ask_handover(&mut self, machine: &MachineId) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let asked = self
            .step("handover.ask", machine, json!({}))
            .execute(
                "INSERT INTO handover_asks (machine, asked_at, asked_by) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                args![machine, now, by],
            )
            .await?;
        self.done_if(asked, || {
            StoreError::conflict("its handover was asked for already, and nobody has done it yet")
        })
    }

    /// Notes that a handover that was asked for is done, or needed no more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where nobody asks for it.
    pub async fn end_handover_ask(&mut self, machine: &MachineId) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let ended = self
            .step("handover.end", machine, json!({}))
            .execute(
                "UPDATE handover_asks SET ended_at = $2, ended_by = $3
                 WHERE machine = $1 AND ended_at IS NULL",
                args![machine, now, by],
            )
            .await?;
        self.done_if(ended, || {
            StoreError::missing("handover that was asked for of", machine)
        })
    }
}
