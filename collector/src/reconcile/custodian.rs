//! Signs the custodian repository's snapshot and timestamp anew before they end.

use crate::app::App;
use crate::command::custodian;

/// Looks at every custodian repository of the charter.
///
/// # Errors
/// What a person has to put right.
pub async fn run(app: &App) -> Result<(), String> {
    custodian::renew(app).await.map_err(|failure| failure.text)
}
