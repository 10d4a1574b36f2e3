//! Tells the log of what ends soon: once for each step, 90, 30 and 7 days ahead and when it has
//! ended.

use crate::app::App;
use crate::control::Failure;
use crate::expiring;
use crate::item::expiry::{Expires, Step, Warning, warnings};
use patchward_common::time::{MINUTE_MS, UtcMs};
use std::collections::BTreeSet;

/// How often it is looked at what ends: steps are days.
const LOOK_EVERY_MS: i64 = 10 * MINUTE_MS;

/// What remembers when it last looked, and what need not be asked of the store again.
#[derive(Debug, Default)]
pub struct Expiries {
    looked: Option<UtcMs>,
    told: BTreeSet<(String, UtcMs, Step)>,
}

impl Expiries {
    /// Tells what nobody was told, where it is time to look. Gives back what was told.
    ///
    /// # Errors
    /// Where the store does not answer; the next look tells what was left.
    pub async fn run(&mut self, app: &App, now: UtcMs) -> Result<Vec<Warning>, Failure> {
        let since = self.looked.map(|looked| now.since_ms(looked));
        if since.is_some_and(|since| (0..LOOK_EVERY_MS).contains(&since)) {
            return Ok(Vec::new());
        }
        let all = {
            let mut view = app.store.view().await?;
            expiring::with_machines(&app.fleet, &mut view, now).await?
        };
        let mut told = Vec::new();
        let mut known = BTreeSet::new();
        for warning in warnings(&all, now) {
            let Expires {
                what,
                subject,
                life,
            } = &warning.expires;
            let thing = format!("{}/{subject}", what.word());
            let one = (thing, life.ends, warning.step);
            let (thing, ends, step) = &one;
            if !self.told.contains(&one)
                && app
                    .store
                    .tell_expiry(thing, *ends, step.days(), now)
                    .await?
            {
                line(&warning);
                told.push(warning);
            }
            known.insert(one);
        }
        (self.looked, self.told) = (Some(now), known);
        Ok(told)
    }
}

/// One line. It is louder the nearer the end is.
fn line(warning: &Warning) {
    let Expires {
        what,
        subject,
        life,
    } = &warning.expires;
    let (what, days, ends, why) = (what.word(), warning.step.days(), life.ends, warning.why());
    match warning.step {
        Step::Quarter => tracing::info!(what, subject, days, %ends, why, "it ends soon"),
        Step::Month | Step::Week => {
            tracing::warn!(what, subject, days, %ends, why, "it ends soon");
        }
        Step::Over => tracing::error!(what, subject, %ends, why, "it has ended"),
    }
}
