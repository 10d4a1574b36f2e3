//! What stands in until fixes are verified: mitigations, exceptions, vendors' cases, risks.

mod cases;
mod exceptions;
mod mitigations;
mod risks;
mod trainings;

pub use cases::{Case, CaseStep, Contact, NewStep};
pub use exceptions::NewException;
pub use mitigations::{NewAttestation, NewMitigation};
pub use risks::{DECISIONS, Decision, Risk};

use super::StoreError;
use crate::exposure::Scope;

/// A scope as it is kept.
fn kept(scope: &[Scope]) -> String {
    let parts: Vec<_> = scope.iter().map(Scope::parts).collect();
    serde_json::json!(parts).to_string()
}

/// A scope that was kept.
fn scope(text: &str) -> Result<Vec<Scope>, StoreError> {
    let damaged = || StoreError::Corrupt(format!("\"{text}\" is no scope"));
    let parts: Vec<(String, String)> = serde_json::from_str(text).map_err(|_| damaged())?;
    let parts = parts.iter().map(|(kind, what)| Scope::of_parts(kind, what));
    parts.map(|part| part.ok_or_else(damaged)).collect()
}
