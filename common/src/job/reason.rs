//! Why a job is where it is.

use crate::id::Nonce;
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
