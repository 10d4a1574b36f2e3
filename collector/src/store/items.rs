//! Who took which item, exceptions, and the checklists for the way back into service.

use super::value::{args, from_row};
use super::{Change, StoreError, View};
use crate::item::machine::Exception;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::job::State;
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::Class;
use serde_json::json;
use std::collections::BTreeMap;

/// Who took an item, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Who, as the audit log names them.
    pub by: String,
    /// When.
    pub at: UtcMs,
}

/// One step of a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecklistStep {
    /// Its name, by which it is confirmed.
    pub step: Name,
    /// What to look at.
    pub title: Label,
}
from_row!(ChecklistStep { step, title });

impl View {
    /// Every item that somebody took, by its key.
    pub async fn takers(&mut self) -> Result<BTreeMap<String, Taken>, StoreError> {
        let rows: Vec<(String, String, UtcMs)> = self
            .tx
            .all("SELECT item, taker, at FROM item_takers", args![])
            .await?;
        let taken = rows
            .into_iter()
            .map(|(item, by, at)| (item, Taken { by, at }));
        Ok(taken.collect())
    }

    /// Every machine's exception, also one that has ended.
    pub async fn exceptions(&mut self) -> Result<BTreeMap<MachineId, Exception>, StoreError> {
        let rows: Vec<(MachineId, UtcMs, String)> = self
            .tx
            .all("SELECT machine, until, control FROM exceptions", args![])
            .await?;
        let pairs = rows
            .into_iter()
            .map(|(machine, until, control)| (machine, Exception { until, control }));
        Ok(pairs.collect())
    }

    /// The steps for a class and model, in their order; no model stands for every model
    /// of the class.
    pub async fn checklist(
        &mut self,
        class: Class,
        model: Option<&Name>,
    ) -> Result<Vec<ChecklistStep>, StoreError> {
        let model = model.map_or("", Name::as_str);
        self.tx
            .all(
                "SELECT step, title FROM checklists WHERE class = $1 AND model = $2
                 ORDER BY position",
                args![class, model],
            )
            .await
    }

    /// Every step of every checklist, with the class and the model that it is for, in their order.
    pub async fn checklists(
        &mut self,
    ) -> Result<Vec<(Class, Option<Name>, ChecklistStep)>, StoreError> {
        let rows: Vec<(Class, String, Name, Label)> = self
            .tx
            .all(
                "SELECT class, model, step, title FROM checklists
                 ORDER BY class, model, position",
                args![],
            )
            .await?;
        let rows = rows.into_iter().map(|(class, model, step, title)| {
            // No model is kept as an empty one.
            let model = Name::new(&model).ok();
            (class, model, ChecklistStep { step, title })
        });
        Ok(rows.collect())
    }
}

impl Change {
    /// Takes an item.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody else has it.
    pub async fn take_item(&mut self, item: &str) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let has_it = self.view().takers().await?.remove(item);
        let taken = self
            .step("item.take", item, json!({}))
            .execute(
                "INSERT INTO item_takers (item, taker, at) VALUES ($1, $2, $3)
                 ON CONFLICT (item) DO UPDATE SET at = item_takers.at
                 WHERE item_takers.taker = excluded.taker",
                args![item, by, now],
            )
            .await?;
        self.done_if(taken, || {
            let who = has_it.map_or_else(
                || "somebody else has it".to_owned(),
                |has| format!("{} has it since {}", has.by, has.at),
            );
            StoreError::conflict(format!("{item}: {who}; `item drop` frees it first"))
        })
    }

    /// Gives an item to somebody, whoever had it.
    pub async fn assign_item(&mut self, item: &str, taker: &str) -> Result<(), StoreError> {
        let now = self.now();
        self.step("item.assign", item, json!({ "to": taker }))
            .execute(
                "INSERT INTO item_takers (item, taker, at) VALUES ($1, $2, $3)
                 ON CONFLICT (item) DO UPDATE SET taker = excluded.taker, at = excluded.at",
                args![item, taker, now],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Frees an item, whoever has it: people go home.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where nobody has it.
    pub async fn drop_item(&mut self, item: &str) -> Result<(), StoreError> {
        let freed = self
            .step("item.drop", item, json!({}))
            .execute("DELETE FROM item_takers WHERE item = $1", args![item])
            .await?;
        self.done_if(freed, || StoreError::missing("item that was taken", item))
    }

    /// Leaves a machine as it is until then, with what protects it meanwhile.
    pub async fn set_exception(
        &mut self,
        machine: &MachineId,
        until: UtcMs,
        control: &Label,
    ) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let detail = json!({ "until": until.to_string(), "control": control });
        self.step("exception.set", machine, detail)
            .execute(
                "INSERT INTO exceptions (machine, until, control, set_by, set_at)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (machine) DO UPDATE SET until = excluded.until,
                    control = excluded.control, set_by = excluded.set_by,
                    set_at = excluded.set_at",
                args![machine, until, control, by, now],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Ends a machine's exception.
    pub async fn end_exception(&mut self, machine: &MachineId) -> Result<(), StoreError> {
        let ended = self
            .step("exception.end", machine, json!({}))
            .execute("DELETE FROM exceptions WHERE machine = $1", args![machine])
            .await?;
        self.done_if(ended, || {
            StoreError::missing("exception of machine", machine)
        })
    }

    /// Replaces the checklist of a class and model; without steps it is removed.
    pub async fn set_checklist(
        &mut self,
        class: Class,
        model: Option<&Name>,
        steps: &[ChecklistStep],
    ) -> Result<(), StoreError> {
        let name = model.map_or("", Name::as_str);
        let titles: Vec<_> = steps
            .iter()
            .map(|s| (s.step.as_str(), s.title.as_str()))
            .collect();
        let subject = format!("{}/{name}", class.word());
        let rows = steps.iter().zip(0u32..);
        let rows = rows
            .map(|(s, n)| args![class, name, s.step, n, s.title])
            .collect();
        let tx = self.step("checklist.set", subject, json!({ "steps": titles }));
        tx.execute(
            "DELETE FROM checklists WHERE class = $1 AND model = $2",
            args![class, name],
        )
        .await?;
        tx.execute_many(
            (
                "INSERT INTO checklists (class, model, step, position, title) VALUES",
                "",
            ),
            rows,
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Returns a machine to service after a verified job; the log says what was confirmed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the job was moved since it was read.
    pub async fn return_to_service(
        &mut self,
        job: &super::jobs::Job,
        confirmed: &[ChecklistStep],
    ) -> Result<(), StoreError> {
        let steps: Vec<_> = confirmed.iter().map(|s| (&s.step, &s.title)).collect();
        let detail = json!({ "machine": job.machine, "confirmed": steps });
        self.note("job.return", job.id, &detail);
        self.move_job(job, &State::InService, job.slot, job.attempt)
            .await?;
        Ok(())
    }
}
