//! What stands in for a fix, whom the hospital waits for, and what was to be looked at again.

use super::Gathering;
use crate::control::Failure;
use crate::exposure::case::{Step, reminder, waiting};
use crate::exposure::mitigation::State;
use crate::item::{Item, Kind, Owner};
use crate::matching::OpenMatches;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;

/// An item that is nobody's machine.
fn item(kind: Kind, subject: String, about: String, owner: Owner, since: UtcMs) -> Item {
    Item {
        kind,
        subject,
        about,
        unit: None,
        class: None,
        owner,
        since,
        raise_at: None,
        why: String::new(),
    }
}

impl Gathering<'_> {
    /// Mitigations that are not in place wherever they have to be.
    pub(super) fn mitigations(&mut self, open: &OpenMatches) {
        let open_ones = open.mitigations.iter().filter(|one| one.closed.is_none());
        for one in open_ones {
            let progress = open.progress(one, self.now);
            if !matches!(progress.state, State::Open | State::Overdue) {
                continue;
            }
            let (left, covered) = (progress.left.len(), progress.covered.len());
            let (number, due, owner) = (one.number, one.due, &one.owner);
            let subject = number.to_string();
            self.items.push(Item {
                raise_at: Some(due),
                why: format!(
                    "{}: not in place on {left} of {covered} machines and assets, due {due}, by \
                     {owner}; `mitigation attest {number}` when it is",
                    one.title
                ),
                ..item(
                    Kind::Mitigation,
                    subject,
                    one.advisory.clone(),
                    one.asked(),
                    one.made_at,
                )
            });
        }
    }

    /// Exceptions that are over while what they are about is still open.
    pub(super) fn over(&mut self, open: &OpenMatches) {
        for one in open.granted.iter().filter(|one| one.is_over(self.now)) {
            let left = open.excepted(one);
            if left == 0 {
                continue;
            }
            let subject = format!("{}/{}", one.advisory, one.number);
            self.items.push(Item {
                why: format!(
                    "its exception has ended, and {left} machines and assets are still open; {} \
                     stood in, {} answers for it",
                    one.control, one.owner
                ),
                ..item(
                    Kind::Exception,
                    subject,
                    one.advisory.clone(),
                    one.asked(),
                    one.until,
                )
            });
        }
    }

    /// Open cases, and reminders that are due.
    pub(super) async fn cases(&mut self) -> Result<(), Failure> {
        let mut cases = self.view.cases().await?;
        cases.retain(|case| case.closed_at.is_none());
        if cases.is_empty() {
            return Ok(());
        }
        let steps = self.view.case_steps(None).await?;
        for case in cases {
            let of_case = steps.iter().filter(|one| one.case == case.number);
            let of_case: Vec<Step> = of_case.map(|one| one.step.clone()).collect();
            let number = case.number;
            let about = format!("{}: {}", case.vendor, case.about);
            let waits = waiting(case.opened_at, &of_case, self.now);
            self.items.push(Item {
                raise_at: waits.raise_at,
                why: format!("{}; `case show {number}`", waits.why),
                ..item(
                    Kind::Case,
                    number.to_string(),
                    about.clone(),
                    waits.owner,
                    waits.since,
                )
            });
            if let Some(step) = reminder(&of_case, self.now) {
                let since = step.due.unwrap_or(step.at);
                self.items.push(Item {
                    why: format!(
                        "{}; `case asked {number}` when the vendor was asked again",
                        step.words
                    ),
                    ..item(Kind::Reminder, number.to_string(), about, Owner::Htm, since)
                });
            }
        }
        Ok(())
    }

    /// Risk assessments that were to be looked at again.
    pub(super) async fn reviews(&mut self) -> Result<(), Failure> {
        for risk in self.view.risks().await? {
            if self.now < risk.review_at {
                continue;
            }
            let release = format!("{}={}", risk.product, risk.version);
            let subject = format!("{release}/{}", risk.model);
            self.items.push(Item {
                why: format!(
                    "the risk of {release} on {} was to be looked at again ({}); `risk put` when \
                     it was",
                    risk.model,
                    risk.decision.word()
                ),
                ..item(
                    Kind::Review,
                    subject,
                    risk.model.to_string(),
                    Owner::Htm,
                    risk.review_at,
                )
            });
        }
        Ok(())
    }

    /// Training that nobody has confirmed: its plans are not signed until then.
    pub(super) async fn trainings(&mut self) -> Result<(), Failure> {
        let since = self.view.trainings_since().await?;
        for training in self.view.trainings().await? {
            if training.confirmed.is_some() {
                continue;
            }
            let unit = training.unit.as_ref();
            let of_unit = unit.map_or("", Name::as_str);
            let known = since.iter().find(|(product, version, unit, _)| {
                *product == training.product && *version == training.version && unit == of_unit
            });
            // What was stated before that was kept counts from now: it is never raised for a
            // time that nobody knows.
            let since = known.and_then(|(.., at)| *at).unwrap_or(self.now);
            let release = format!("{}={}", training.product, training.version);
            let place = unit.map_or_else(String::new, |unit| format!("/{unit}"));
            let option = unit.map_or_else(String::new, |unit| format!(" --unit {unit}"));
            let owner = match unit {
                Some(_) => Owner::Ward,
                None => Owner::Htm,
            };
            self.items.push(Item {
                unit: training.unit.clone(),
                why: format!(
                    "training is needed ({}), and no plan with it is signed until `plan training \
                     confirm {release} --by WHO{option}`",
                    training.what
                ),
                ..item(
                    Kind::Training,
                    format!("{release}{place}"),
                    release,
                    owner,
                    since,
                )
            });
        }
        Ok(())
    }
}
