//! Which jobs evidence is asked of.

use super::period::{self, Period};
use crate::command::{job, machine, no_unit, plan};
use crate::control::Failure;
use crate::store::View;
use crate::store::chosen::Chosen;
use crate::store::jobs::Job;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};

/// Which jobs; each that is said narrows.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct Choice {
    /// One job, by its id or the first digits of it
    pub job: Option<String>,
    /// Jobs of a plan, by the plan's id or the first digits of it
    #[arg(long, conflicts_with = "job")]
    pub plan: Option<String>,
    /// Jobs that install this release, as PRODUCT=VERSION
    #[arg(long, value_parser = release)]
    pub release: Option<String>,
    /// Jobs of the machines that stand in this unit now
    #[arg(long)]
    pub unit: Option<Name>,
    /// Jobs of a machine, by its name or id
    #[arg(long)]
    pub machine: Option<String>,
    /// Jobs whose outcome, or last step, is of this year, quarter, month or day (2026,
    /// 2026-Q4, 2026-12, 2026-12-31), in UTC
    #[arg(long, value_parser = period::period, conflicts_with_all = ["from", "until"])]
    pub during: Option<Period>,
    /// Jobs whose outcome, or last step, is not older: a year, quarter, month or day, or an
    /// instant such as 2026-12-31T12:00:00Z
    #[arg(long, value_parser = period::from)]
    pub from: Option<UtcMs>,
    /// Jobs whose outcome, or last step, is not newer: the year, quarter, month or day counts
    #[arg(long, value_parser = period::until)]
    pub until: Option<UtcMs>,
}

/// The jobs that were chosen.
pub(super) struct Selected {
    /// The jobs, in the order in which they last moved.
    pub(super) jobs: Vec<Job>,
    /// Which they are, for people.
    pub(super) words: String,
}

fn release(text: &str) -> Result<String, String> {
    split(text).map(|_| text.to_owned())
}

fn split(text: &str) -> Result<(Name, String), String> {
    let (product, version) = text
        .split_once('=')
        .filter(|(_, version)| !version.is_empty())
        .ok_or("write it as PRODUCT=VERSION, as `release list` shows them")?;
    let product = Name::new(product).map_err(|error| format!("\"{product}\" {error}"))?;
    Ok((product, version.to_owned()))
}

impl Choice {
    fn is_empty(&self) -> bool {
        let Self {
            job,
            plan,
            release,
            unit,
            machine,
            during,
            from,
            until,
        } = self;
        let words = [job, plan, release, machine];
        let times = during.is_some() || from.is_some() || until.is_some();
        words.iter().all(|one| one.is_none()) && unit.is_none() && !times
    }

    /// The jobs, at most `most`; `otherwise` says what to do where there are more.
    pub(super) async fn select(
        &self,
        view: &mut View,
        most: usize,
        otherwise: &str,
    ) -> Result<Selected, Failure> {
        let (chosen, words) = self.read(view).await?;
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let mut jobs = view.jobs_chosen(&chosen, limit.saturating_add(1)).await?;
        must_be_some(jobs.len() as u64, most, &words, otherwise)?;
        jobs.sort_by_key(|job| (job.since, job.id));
        Ok(Selected { jobs, words })
    }

    /// Which jobs these are, and the same in words.
    pub(super) async fn read(&self, view: &mut View) -> Result<(Chosen, String), Failure> {
        if self.is_empty() {
            return Err(Failure::input(
                "Name a job, or narrow with --plan, --release, --unit, --machine, --during, --from \
                 or --until.",
            ));
        }
        let mut words = Vec::new();
        let chosen = self.chosen(view, &mut words).await?;
        Ok((chosen, words.join(", ")))
    }

    async fn chosen(&self, view: &mut View, words: &mut Vec<String>) -> Result<Chosen, Failure> {
        let mut chosen = Chosen::default();
        if let Some(text) = &self.job {
            let found = job::named(view, text).await?;
            words.push(format!("job {}", found.id));
            chosen.job = Some(found.id);
        }
        if let Some(text) = &self.plan {
            let found = plan::find(view, text).await?;
            words.push(format!("plan {} ({})", found.short(), found.title));
            chosen.plan = Some(found.id);
        }
        if let Some(text) = &self.release {
            let (product, version) = split(text).map_err(Failure::input)?;
            words.push(format!("release {product} {version}"));
            chosen.release = Some((product, version));
        }
        if let Some(unit) = &self.unit {
            if view.unit(unit).await?.is_none() {
                return Err(no_unit(unit));
            }
            words.push(format!("unit {unit}"));
            chosen.unit = Some(unit.clone());
        }
        if let Some(text) = &self.machine {
            let found = machine::find(view, text).await?;
            words.push(format!("machine {}", found.name));
            chosen.machine = Some(found.id);
        }
        let during = self.during;
        chosen.from = self.from.or(during.map(|period| period.from));
        chosen.until = self.until.or(during.map(|period| period.until));
        words.extend(chosen.from.map(|from| format!("from {from}")));
        words.extend(chosen.until.map(|until| format!("before {until}")));
        Ok(chosen)
    }
}

/// Of `found` jobs there must be some, and at most `most`.
pub(super) fn must_be_some(
    found: u64,
    most: usize,
    words: &str,
    otherwise: &str,
) -> Result<(), Failure> {
    if found == 0 {
        return Err(Failure::not_found(format!(
            "No job is chosen by {words}. `evidence places` and `evidence releases` count what there \
             is."
        )));
    }
    if found > most as u64 {
        return Err(Failure::input(format!(
            "More than {most} jobs are chosen by {words}. {otherwise}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_a_product_and_a_version() {
        assert_eq!(release("viewer=2.1").as_deref(), Ok("viewer=2.1"));
        assert_eq!(split("viewer=2=1").unwrap().1, "2=1");
        for wrong in ["viewer", "viewer=", "=2", "Not a name=2"] {
            assert!(release(wrong).is_err(), "{wrong}");
        }
        assert!(Choice::default().is_empty());
    }
}
