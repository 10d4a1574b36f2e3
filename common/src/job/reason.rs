//! Why a job is where it is.

use super::{Event, Verdict};
use crate::id::Nonce;
use crate::time::Interval;
use crate::trust::check::{Refusal, Step};
use serde::{Deserialize, Serialize};

/// Longest text of a reason.
pub const MAX_REASON_BYTES: usize = 1_024;

/// Why a job is where it is, in words for people. The step is there where one of the
/// eleven checks refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The check that refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// What happened and why.
    pub text: String,
}

impl Reason {
    /// A reason without a step; a longer text than [`MAX_REASON_BYTES`] is cut.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            step: None,
            text: cut(text.into()),
        }
    }
}

impl From<&Refusal> for Reason {
    fn from(refusal: &Refusal) -> Self {
        Self {
            step: Some(refusal.step),
            text: cut(refusal.why.to_string()),
        }
    }
}

/// Texts from outside stand in reasons; an event must fit its limit whatever they say.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_REASON_BYTES));
    text
}

/// A refusal: nothing ran, and with one go nothing will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotStarted {
    /// Why.
    pub reason: Reason,
    /// The nonce that the refused start used up: a go that answers it starts nothing any
    /// more. `None` where only the preparation was refused, which asks for no go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

impl From<Reason> for NotStarted {
    fn from(reason: Reason) -> Self {
        let nonce = None;
        Self { reason, nonce }
    }
}

impl Event {
    /// The reason that it gives, where it gives one.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Refused(refused) => Some(&refused.reason),
            Self::RebootPending(reason)
            | Self::RecoveryBegan(reason)
            | Self::Withdrawn(reason)
            | Self::Stopped(reason) => Some(reason),
            Self::Measured(measured) => match &measured.verdict {
                Verdict::RolledBack(reason) | Verdict::Failed(reason) => Some(reason),
                Verdict::Verified => None,
            },
            Self::Prepared
            | Self::WouldHaveStarted(_)
            | Self::Started(_)
            | Self::StepEnded(_)
            | Self::RebootOrdered(_) => None,
        }
    }

    /// What is worth saying beside its word; empty where nothing is.
    pub fn detail(&self) -> String {
        match self {
            Self::StepEnded(end) => format!("{} {:?}", end.step, end.outcome),
            Self::Started(start) => format!("slot until {}", start.slot.end()),
            Self::Measured(measured) if self.reason().is_none() => {
                format!("{:?}", measured.verdict)
            }
            other => other
                .reason()
                .map_or_else(String::new, |reason| reason.text.clone()),
        }
    }
}

/// The slots in which a job would have started, but for a rehearsal.
pub fn rehearsed<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Interval> {
    let slots = events.into_iter().filter_map(|event| match event {
        Event::WouldHaveStarted(start) => Some(start.slot),
        _ => None,
    });
    slots.collect()
}
