//! The ward's page: tonight's machines of one unit, "not now", and whom to call. Who has the
//! link can hold and ask, and nothing else.

use super::Shell;
use crate::control::Failure;
use crate::secret::Secret;
use crate::store::accounts::Kiosk;
use crate::web::{Web, error};
use axum::extract::{Path, State};
use axum::response::Response;

/// The unit that a link is for.
async fn kiosk(web: &Web, secret: &str) -> Result<Kiosk, Failure> {
    let found = match Secret::of(secret) {
        Some(secret) => {
            web.app
                .store
                .view()
                .await?
                .kiosk_by_secret(&secret.hash())
                .await?
        }
        None => None,
    };
    found.ok_or_else(|| {
        Failure::not_found("This link of the ward is worth nothing any more. Ask HTM for another.")
    })
}

/// Shows the unit's night.
pub async fn show(State(web): State<Web>, Path(secret): Path<String>) -> Response {
    match kiosk(&web, &secret).await {
        Ok(kiosk) => {
            let _ = Shell::new("Ward", "", None);
            error::message(None, &format!("Unit {}", kiosk.unit), "", false)
        }
        Err(failure) => error::page(None, &failure),
    }
}

/// Takes a "not now", or asks for a handover.
pub async fn carry_out(State(web): State<Web>, Path(secret): Path<String>) -> Response {
    match kiosk(&web, &secret).await {
        Ok(_) => error::message(None, "Ward", "", false),
        Err(failure) => error::page(None, &failure),
    }
}
