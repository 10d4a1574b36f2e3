//! Tells the log of what ends soon: once for each step, 90, 30 and 7 days ahead and when it has
//! ended. Vendors' metadata, which lives for days, is told of as Today does, and when it has ended.

use crate::agenda;
use crate::app::App;
use crate::control::Failure;
use crate::expiring;
use crate::item::expiry::{Expires, Step, Warning, warnings};
use patchward_common::time::{MINUTE_MS, UtcMs};
use std::collections::BTreeSet;

/// How often it is looked at what ends: steps are days.
const LOOK_EVERY_MS: i64 = 10 * MINUTE_MS;
/// What a vendor's metadata is called, as in figures.
const METADATA: &str = "vendor_metadata";

/// A thing that ends, its end, and a step on the way there.
type Told = (String, UtcMs, Step);

/// What remembers when it last looked, and what need not be asked of the store again.
#[derive(Debug, Default)]
pub struct Expiries {
    looked: Option<UtcMs>,
    told: BTreeSet<Told>,
}

impl Expiries {
    /// Tells what nobody was told, where it is time to look. Gives back what was told.
    ///
    /// # Errors
    /// Where the store does not answer, or something of a vendor cannot be read; the next look tells
    /// what was left.
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
            if self.is_news(app, &one, now).await? {
                line(&warning);
                told.push(warning);
            }
            known.insert(one);
        }
        let looked = self.metadata(app, now, &mut known).await;
        if looked.is_err() {
            // What could not be looked at is as it was.
            known.append(&mut self.told);
        }
        // Also then: it was a long look, and the next one in seconds would fail the same way.
        (self.looked, self.told) = (Some(now), known);
        looked.map(|()| told)
    }

    /// Whether nobody was told yet; from now on somebody was.
    async fn is_news(&self, app: &App, one: &Told, now: UtcMs) -> Result<bool, Failure> {
        let (thing, ends, step) = one;
        let is_known = self.told.contains(one);
        Ok(!is_known
            && app
                .store
                .tell_expiry(thing, *ends, step.days(), now)
                .await?)
    }

    /// Tells of vendors' metadata; what is told is `known` from now on.
    async fn metadata(
        &self,
        app: &App,
        now: UtcMs,
        known: &mut BTreeSet<Told>,
    ) -> Result<(), Failure> {
        let all = {
            let mut view = app.store.view().await?;
            agenda::metadata_ending(&mut view, now).await?
        };
        for (vendor, ends, ending) in all {
            let step = match ends <= now {
                true => Step::Over,
                false => Step::Week,
            };
            let one = (format!("{METADATA}/{vendor}"), ends, step);
            if is_further(&self.told, &one) && self.is_news(app, &one, now).await? {
                let (what, subject, why) = (METADATA, vendor.as_str(), ending.why);
                match step {
                    Step::Over => tracing::error!(what, subject, %ends, why, "it has ended"),
                    _ => tracing::warn!(what, subject, %ends, why, "it ends soon"),
                }
            }
            known.insert(one);
        }
        Ok(())
    }
}

/// Whether a thing has come further than at the look before, whatever its end was then: metadata that
/// lives for a day or two always ends soon, and has another end with each import.
fn is_further(before: &BTreeSet<Told>, (thing, _, step): &Told) -> bool {
    let was = before.iter().filter(|(of, ..)| of == thing);
    was.map(|(_, _, step)| step).max() < Some(step)
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

#[cfg(test)]
mod tests;
