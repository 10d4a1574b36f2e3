//! What is open of advisories on machines and assets, with what stands in for a fix there.

use super::done::Done;
use super::holders::{Holder, holders};
use crate::advisory::Verdict;
use crate::advisory::identity::Thing;
use crate::exposure::exception::Granted;
use crate::exposure::mitigation::{Mitigation, OpenOn, OpenPlaces, Progress};
use crate::store::advisories::MatchRow;
use crate::store::{StoreError, View};
use patchward_common::component::Source;
use patchward_common::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A match that is open somewhere.
#[derive(Clone, Debug)]
pub struct OpenMatch {
    /// The match.
    pub row: MatchRow,
    /// The machines and assets on which it is.
    pub holders: Vec<Holder>,
}

/// Everything that is open.
#[derive(Clone, Debug, Default)]
pub struct OpenMatches {
    /// The matches, by advisory and thing.
    pub matches: Vec<OpenMatch>,
    /// Mitigations, also those that are closed.
    pub mitigations: Vec<Mitigation>,
    /// Exceptions, also those that are over.
    pub granted: Vec<Granted>,
    /// What is marked as done.
    pub(super) done: Done,
    /// By the number of a mitigation: where its probe answers what it should.
    probed: BTreeMap<u32, BTreeSet<String>>,
}

/// The thing that a machine has where a mitigation's probe answers so.
fn answer(mitigation: &Mitigation) -> Option<String> {
    let (probe, answer) = mitigation.probe.as_ref()?;
    Some(Thing::component(Source::Probe, probe, answer).key())
}

/// Reads what is open, of one advisory or of all.
pub async fn open(view: &mut View, advisory: Option<&str>) -> Result<OpenMatches, StoreError> {
    let is_asked = |id: &str| advisory.is_none_or(|asked| asked == id);
    let mut mitigations = view.mitigations().await?;
    mitigations.retain(|one| is_asked(&one.advisory));
    let mut granted = view.granted().await?;
    granted.retain(|one| is_asked(&one.advisory));
    let mut rows = view.advisory_matches(advisory).await?;
    rows.retain(|row| row.value != Verdict::NotAffected.word());
    if rows.is_empty() {
        return Ok(OpenMatches {
            mitigations,
            granted,
            ..OpenMatches::default()
        });
    }
    let probes = mitigations.iter().filter_map(answer);
    let wanted: HashSet<String> = rows
        .iter()
        .map(|row| row.thing.clone())
        .chain(probes)
        .collect();
    let held = holders(view, &wanted).await?;
    let done = Done::of(
        &view.advisory_marks(advisory).await?,
        &view.advisory_vulnerabilities().await?,
    );
    let of = |key: &str| held.get(key).map_or(&[][..], Vec::as_slice);
    let matches = rows.into_iter().filter_map(|row| {
        let left = of(&row.thing).iter();
        let left = left.filter(|holder| !done.is_done(&row.advisory, &holder.name, row.since));
        let holders: Vec<Holder> = left.cloned().collect();
        (!holders.is_empty()).then_some(OpenMatch { row, holders })
    });
    let matches: Vec<OpenMatch> = matches.collect();
    let probed = mitigations.iter().filter_map(|one| {
        let names = of(&answer(one)?).iter().map(|holder| holder.name.clone());
        Some((one.number, names.collect()))
    });
    Ok(OpenMatches {
        probed: probed.collect(),
        done,
        matches,
        mitigations,
        granted,
    })
}

impl OpenMatches {
    /// The exception that runs for a machine or asset.
    pub fn exception(&self, row: &MatchRow, holder: &Holder, now: UtcMs) -> Option<&Granted> {
        self.granted.iter().find(|one| {
            one.advisory == row.advisory
                && one.runs(now)
                && one.is_about(&holder.name, holder.unit.as_ref(), row.since)
        })
    }

    /// The machines and assets of a match for which no exception runs.
    pub fn not_excepted<'a>(&self, one: &'a OpenMatch, now: UtcMs) -> Vec<&'a Holder> {
        let holders = one.holders.iter();
        let left = holders.filter(|holder| self.exception(&one.row, holder, now).is_none());
        left.collect()
    }

    /// How many machines and assets an exception is still about.
    pub fn excepted(&self, granted: &Granted) -> usize {
        let of = self
            .matches
            .iter()
            .filter(|one| one.row.advisory == granted.advisory);
        let about = of.flat_map(|one| {
            one.holders
                .iter()
                .filter(|holder| {
                    granted.is_about(&holder.name, holder.unit.as_ref(), one.row.since)
                })
                .map(|holder| holder.name.as_str())
        });
        about.collect::<BTreeSet<_>>().len()
    }

    /// What is open of an advisory, by machine or asset.
    pub fn of_advisory(&self, advisory: &str) -> OpenPlaces {
        let of = self
            .matches
            .iter()
            .filter(|one| one.row.advisory == advisory);
        let mut places = OpenPlaces::new();
        for (holder, since) in of.flat_map(|one| one.holders.iter().map(|it| (it, one.row.since))) {
            let on = places.entry(holder.name.clone()).or_insert_with(|| OpenOn {
                unit: holder.unit.clone(),
                since,
            });
            on.since = on.since.max(since);
        }
        places
    }

    /// How a mitigation stands.
    pub fn progress(&self, mitigation: &Mitigation, now: UtcMs) -> Progress {
        let nowhere = BTreeSet::new();
        let probed = self.probed.get(&mitigation.number).unwrap_or(&nowhere);
        mitigation.progress(&self.of_advisory(&mitigation.advisory), probed, now)
    }
}
