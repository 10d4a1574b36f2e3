//! What moves a job without an event of its machine.

use super::{Reason, State, Unexpected};

/// A fact that the reader of the events knows from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The job is staged and has a slot ahead: the next move is time's.
    SlotAhead,
    /// The machine was heard from in a boot after the one that ordered the restart.
    Restarted,
    /// The last slot of the approval passed without a start.
    SlotsOver,
    /// HTM returned the machine to service.
    ReturnedToService,
    /// A person said that the machine is up, and how that is known.
    Freed(Reason),
    /// A person said that the job is not started any more, and why.
    Closed(Reason),
    /// A person lets it wait for its next slot again: nothing was started of it.
    Retried,
    /// A person began the work of a manual job.
    Begun,
    /// A person did the work and says that the new version is there.
    Attested,
    /// A person did the work, and says why the new version is not there.
    NotDone(Reason),
}

impl Outside {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::SlotAhead,
        Self::Restarted,
        Self::SlotsOver,
        Self::ReturnedToService,
        Self::Freed(Reason {
            step: None,
            text: String::new(),
        }),
        Self::Closed(Reason {
            step: None,
            text: String::new(),
        }),
        Self::Retried,
        Self::Begun,
        Self::Attested,
        Self::NotDone(Reason {
            step: None,
            text: String::new(),
        }),
    ];

    /// The word for it in tables and messages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::SlotAhead => "slot_ahead",
            Self::Restarted => "restarted",
            Self::SlotsOver => "slots_over",
            Self::ReturnedToService => "returned_to_service",
            Self::Freed(_) => "freed",
            Self::Closed(_) => "closed",
            Self::Retried => "retried",
            Self::Begun => "begun",
            Self::Attested => "attested",
            Self::NotDone(_) => "not_done",
        }
    }
}

impl State {
    /// The state after a fact that is no event of the machine.
    pub fn after_outside(&self, fact: Outside) -> Result<Self, Unexpected> {
        match (fact, self) {
            (Outside::SlotAhead, Self::Staged | Self::Deferred(_)) => Ok(Self::Armed),
            (Outside::Restarted, Self::RebootPending | Self::Rebooting) => Ok(Self::Measuring),
            (
                Outside::SlotsOver,
                Self::Assigned | Self::Staged | Self::Armed | Self::Deferred(_),
            ) => Ok(Self::Missed),
            (
                Outside::Closed(reason),
                Self::Assigned | Self::Staged | Self::Armed | Self::Deferred(_),
            ) => Ok(Self::Stopped(reason)),
            (Outside::Retried, Self::Stopped(_) | Self::Failed(_) | Self::Freed(_)) => {
                Ok(Self::Assigned)
            }
            (Outside::Begun, Self::Assigned | Self::Staged | Self::Armed | Self::Deferred(_)) => {
                Ok(Self::Installing)
            }
            (Outside::Attested, Self::Installing | Self::Freed(_)) => Ok(Self::Attested),
            (Outside::NotDone(reason), Self::Installing | Self::Freed(_)) => {
                Ok(Self::Failed(reason))
            }
            (Outside::ReturnedToService, Self::Verified | Self::Attested) => Ok(Self::InService),
            (Outside::Freed(reason), open) if open.is_open() => Ok(Self::Freed(reason)),
            (fact, _) => Err(Unexpected {
                state: self.word(),
                event: fact.word(),
            }),
        }
    }
}
