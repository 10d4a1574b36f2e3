//! A database that came from a backup: until a person confirms that it is the one to go on
//! with, no go leaves it, and machines are asked what they know that it does not.

use super::meta::note;
use super::value::{args, from_row};
use super::{Change, Store, StoreError, View};
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The key that is there while a person has to confirm.
const RESTORED: &str = "restored";

/// Where a restored database comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// When it was restored.
    pub at: UtcMs,
    /// As of when it knows the hospital; `None` where nobody noted that.
    pub of: Option<UtcMs>,
}

/// What a machine remembers of a collector that was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The machine.
    pub machine: MachineId,
    /// Its name.
    pub name: Name,
    /// Its unit.
    pub unit: Name,
    /// When it was asked.
    pub at: UtcMs,
    /// What it knows and this collector does not, in words; empty where that is nothing.
    pub ahead: String,
}
from_row!(Witnessed {
    machine,
    name,
    unit,
    at,
    ahead
});

impl View {
    /// Whether this is a restored database that nobody has confirmed yet: no go until then.
    pub async fn awaits_confirmation(&mut self) -> Result<bool, StoreError> {
        Ok(self.restored().await?.is_some())
    }

    /// Where a restored database comes from that nobody has confirmed yet.
    pub async fn restored(&mut self) -> Result<Option<Restored>, StoreError> {
        let noted: Option<String> = self.noted(RESTORED).await?;
        let read = |text: String| {
            serde_json::from_str(&text)
                .map_err(|error| StoreError::Corrupt(format!("when it was restored: {error}")))
        };
        noted.map(read).transpose()
    }

    /// What each machine remembers that has answered since, those that know more first.
    pub async fn witnesses(&mut self) -> Result<Vec<Witnessed>, StoreError> {
        self.tx
            .all(
                "SELECT w.machine, m.name, m.unit, w.at, w.ahead
                 FROM witnesses w JOIN machines m ON m.id = w.machine
                 ORDER BY CASE WHEN w.ahead = '' THEN 1 ELSE 0 END, m.name, m.id",
                args![],
            )
            .await
    }
}

impl Store {
    /// Notes what a machine remembers; what it said before makes room for it.
    pub async fn record_witness(
        &self,
        machine: &MachineId,
        ahead: &str,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "INSERT INTO witnesses (machine, at, ahead) VALUES ($1, $2, $3)
             ON CONFLICT (machine) DO UPDATE SET at = excluded.at, ahead = excluded.ahead",
            args![machine, now, ahead],
        )
        .await?;
        tx.commit().await
    }
}

impl Change {
    /// Notes that this database came from a backup that knows the hospital as of `of`. Who had
    /// signed in signs in anew: sessions that ended since would be there again.
    pub async fn mark_restored(&mut self, of: Option<UtcMs>) -> Result<(), StoreError> {
        let restored = Restored { at: self.now(), of };
        let text = serde_json::to_string(&restored)
            .map_err(|error| StoreError::Invalid(error.to_string()))?;
        let tx = self.step("collector.restore", "", json!({ "of": of }));
        note(tx, RESTORED, &text).await?;
        tx.execute("DELETE FROM witnesses", args![]).await?;
        tx.execute("DELETE FROM sessions", args![]).await?;
        // Those that ran then do not run on this one.
        tx.execute("DELETE FROM claims", args![]).await?;
        tx.execute("DELETE FROM collectors", args![]).await?;
        self.done();
        Ok(())
    }

    /// A person says that the restored database is the one to go on with. What machines
    /// remembered stays readable until the next restore.
    pub async fn confirm_restored(&mut self, reason: &str) -> Result<(), StoreError> {
        let changed = self
            .step("collector.confirm", "", json!({ "reason": reason }))
            .execute("DELETE FROM meta WHERE key = $1", args![RESTORED])
            .await?;
        self.done_if(changed, || {
            StoreError::conflict("there is no restored database to confirm")
        })
    }
}
