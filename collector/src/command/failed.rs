//! What the store refuses, as commands say it: with the list of what there is.

use crate::control::{Failure, FailureKind};
use crate::store::StoreError;

/// The command that lists what was not found.
fn list_of(what: &str) -> Option<&'static str> {
    Some(match what {
        "unit" => "unit list",
        "site" => "site list",
        "coverage group" => "group list",
        "machine" => "machine list",
        "asset" => "asset list",
        "mapping" => "asset mapping list",
        "baseline" => "asset baseline list",
        "subnet" => "unit subnet list",
        "advisory" => "advisory list",
        "alias" => "advisory alias list",
        "decision that counts" => "advisory decisions",
        "mitigation that is not closed" => "mitigation list",
        "exception that is not ended" => "exposure except list",
        "case that is open" => "case list",
        "contact" => "vendor contact list",
        "risk assessment" => "risk list",
        "vendor" => "vendor list",
        "release" => "release list",
        "window" => "window list",
        "freeze" => "freeze list",
        "calendar" => "freeze calendar list",
        "plan" => "plan list",
        "account that has not ended" => "user list",
        "link to the provider" => "user openid list",
        "ward's link" => "kiosk list",
        "program that has not ended" => "program list",
        "secret address" => "feed list",
        "target of notices" => "notice list",
        "level of this list" => "oncall list",
        "token that is not revoked" => "token list",
        _ => return None,
    })
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Conflict(_) => FailureKind::Conflict,
            StoreError::NotFound { .. } | StoreError::NoDatabase(_) => FailureKind::NotFound,
            StoreError::Invalid(_) => FailureKind::Input,
            StoreError::Busy
            | StoreError::Full
            | StoreError::Unreachable(_)
            | StoreError::Closed => FailureKind::Unavailable,
            StoreError::Corrupt(_) | StoreError::Schema(_) | StoreError::Other(_) => {
                FailureKind::Internal
            }
        };
        if kind == FailureKind::Internal {
            tracing::error!(error = ?error, "the store failed");
        }
        let mut text = error.to_string();
        if let StoreError::NotFound { what, .. } = &error
            && let Some(list) = list_of(what)
        {
            text.push_str(&format!(". `{list}` shows all."));
        }
        Self { kind, text }
    }
}
