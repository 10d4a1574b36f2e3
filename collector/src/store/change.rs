//! One transaction of somebody's doing, with its audit rows.

use super::audit::{self, Head};
use super::logged;
use super::said::Said;
use super::sql::Tx;
use super::{StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use std::sync::Arc;
use tracing::Instrument as _;

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person with an account.
    Person(Name),
    /// The ward, by the link with this name.
    Kiosk(Name),
    /// A program with a token of this name.
    Program(Name),
    /// A user of the collector's own computer, over its socket, by user id.
    Local(u32),
    /// A machine, about itself.
    Machine(MachineId),
    /// The collector, by itself.
    Collector,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(name) => write!(f, "person:{name}"),
            Self::Kiosk(name) => write!(f, "kiosk:{name}"),
            Self::Program(name) => write!(f, "program:{name}"),
            Self::Local(uid) => write!(f, "local:{uid}"),
            Self::Machine(id) => write!(f, "machine:{id}"),
            Self::Collector => f.write_str("collector"),
        }
    }
}

/// An open transaction. Dropped without [`Change::commit`], nothing happened; after a
/// step that failed, it cannot be committed.
pub struct Change {
    view: View,
    actor: Actor,
    now: UtcMs,
    notes: Vec<Note>,
    /// Whether a step was begun and not finished.
    unfinished: bool,
    said: Arc<Said>,
}

/// What will become an audit row.
pub(super) struct Note {
    pub(super) actor: Actor,
    pub(super) action: &'static str,
    pub(super) subject: String,
    pub(super) detail: String,
    /// Whose job it is about: for the log alone, which is searched by these.
    pub(super) job_of: Option<(Digest, MachineId)>,
}

impl Change {
    pub(super) fn new(view: View, actor: Actor, now: UtcMs, said: Arc<Said>) -> Self {
        Self {
            view,
            actor,
            now,
            notes: Vec::new(),
            unfinished: false,
            said,
        }
    }

    /// What stands in the database, with this change's own steps.
    pub fn view(&mut self) -> &mut View {
        &mut self.view
    }

    /// When this change happens.
    pub fn now(&self) -> UtcMs {
        self.now
    }

    /// Who makes it.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// From here on `actor` makes it: what many machines reported goes into one
    /// transaction, and each row of the audit log still names its own.
    pub fn act_as(&mut self, actor: Actor) {
        self.actor = actor;
    }

    /// Writes an audit row for something that changes no other row: a refusal, an alarm.
    /// `action` is `noun.verb`; `detail` never holds a secret.
    pub fn note(
        &mut self,
        action: &'static str,
        subject: impl ToString,
        detail: &serde_json::Value,
    ) {
        self.notes.push(Note {
            actor: self.actor.clone(),
            action,
            subject: subject.to_string(),
            detail: detail.to_string(),
            job_of: None,
        });
    }

    /// Says of the last row whose job it is about: of this plan, on this machine.
    pub(super) fn is_about_job_of(&mut self, plan: Digest, machine: MachineId) {
        if let Some(note) = self.notes.last_mut() {
            note.job_of = Some((plan, machine));
        }
    }

    /// Begins a step: the only way to the statements that write. The audit row is part
    /// of it, and an error between here and [`Self::done`] spoils the change.
    pub(super) fn step(
        &mut self,
        action: &'static str,
        subject: impl ToString,
        detail: serde_json::Value,
    ) -> &mut Tx {
        self.note(action, subject, &detail);
        self.unfinished = true;
        &mut self.view.tx
    }

    /// Ends a step.
    pub(super) fn done(&mut self) {
        self.unfinished = false;
    }

    /// Ends a step that must have changed a row.
    pub(super) fn done_if(
        &mut self,
        changed: u64,
        otherwise: impl FnOnce() -> StoreError,
    ) -> Result<(), StoreError> {
        if changed == 0 {
            return Err(otherwise());
        }
        self.done();
        Ok(())
    }

    /// Appends the audit rows and makes all of it durable.
    pub async fn commit(mut self) -> Result<Head, StoreError> {
        if self.unfinished {
            return Err(StoreError::conflict(
                "an earlier step of this change failed",
            ));
        }
        let head = audit::append(&mut self.view.tx, self.now, &self.notes).await?;
        settled(self.settle(head)).await
    }

    async fn settle(self, head: Head) -> Result<Head, StoreError> {
        let rows = head.seq + 1 - self.notes.len() as u64..=head.seq;
        let is_shared = self.view.tx.is_shared();
        self.view.tx.commit().await?;
        match is_shared {
            true => self.said.wrote(rows),
            false => self.said.has_head(head.seq),
        }
        // Afterwards: who looks from now on finds it in the database.
        self.said.count(&self.actor);
        logged::committed(&self.notes, head);
        Ok(head)
    }
}

/// Commits, and does what has to follow it: where whoever waits goes away, a commit that was begun
/// goes through, and what is remembered has to know it.
pub(super) async fn settled<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(settled) => settled,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The collector ends.
            Err(_) => Err(StoreError::Closed),
        },
    }
}
