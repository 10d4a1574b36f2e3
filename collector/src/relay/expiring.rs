//! Tells the relay's log that its certificate ends: 90, 30 and 7 days ahead, and when it has. The
//! collector tells the same on Today and in its figures, where it made the certificate.

use crate::clock;
use crate::item::expiry::{Expires, Life, Step, What};
use std::time::Duration;

/// How often it is looked: steps are days.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
/// What it is called where its certificate does not say.
const UNNAMED: &str = "relay";

/// Looks for as long as the relay runs.
pub(super) async fn watch(name: Option<String>, life: Option<Life>) {
    let Some(life) = life else {
        return;
    };
    let expires = Expires {
        what: What::Relay,
        subject: name.unwrap_or_else(|| UNNAMED.to_owned()),
        life,
    };
    let (mut told, mut every) = (None, tokio::time::interval(LOOK_EVERY));
    loop {
        every.tick().await;
        if let Some(warning) = expires.warning(clock::now())
            && told.replace(warning.step) != Some(warning.step)
        {
            let (ends, days, why) = (expires.life.ends, warning.step.days(), warning.why());
            match warning.step {
                Step::Quarter => tracing::info!(days, %ends, why, "the certificate ends soon"),
                Step::Month | Step::Week => {
                    tracing::warn!(days, %ends, why, "the certificate ends soon");
                }
                Step::Over => tracing::error!(%ends, why, "the certificate has ended"),
            }
        }
    }
}
