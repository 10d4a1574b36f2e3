//! Advisories that meet something of ours: whose move each is.

use super::Gathering;
use crate::advisory::Verdict;
use crate::advisory::entry::Outlook;
use crate::control::Failure;
use crate::item::{Item, Kind, Owner};
use crate::matching::{Holder, holders};
use crate::store::advisories::{Mark, MarkRow, MatchRow};
use patchward_common::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What belongs to one item.
struct Open {
    since: UtcMs,
    holders: BTreeSet<String>,
    things: usize,
    class: Option<patchward_common::trust::roster::Class>,
    first: String,
}

impl Gathering<'_> {
    /// One item for each advisory and next step: 60 monitors that wait for one fix are one.
    pub(super) async fn matches(&mut self) -> Result<(), Failure> {
        let rows = self.view.advisory_matches(None).await?;
        let rows: Vec<MatchRow> = rows.into_iter().filter(is_open).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let wanted: HashSet<String> = rows.iter().map(|row| row.thing.clone()).collect();
        let held = holders(self.view, &wanted).await?;
        let done = Done::of(
            &self.view.advisory_marks(None).await?,
            &self.view.advisory_vulnerabilities().await?,
        );
        let titles = self.view.advisories().await?.into_iter();
        let titles: HashMap<String, String> = titles.map(|row| (row.id, row.title)).collect();
        let mut open: BTreeMap<(String, Kind), Open> = BTreeMap::new();
        for row in &rows {
            let holders = held.get(&row.thing).map_or(&[][..], Vec::as_slice);
            let left: Vec<&Holder> = holders
                .iter()
                .filter(|holder| !done.is_done(&row.advisory, &holder.name))
                .collect();
            if left.is_empty() {
                continue;
            }
            let key = (row.advisory.clone(), kind(row));
            let one = open.entry(key).or_insert_with(|| Open {
                since: row.since,
                holders: BTreeSet::new(),
                things: 0,
                class: None,
                first: row.why.clone(),
            });
            one.since = one.since.min(row.since);
            one.things += 1;
            for holder in left {
                one.class = one.class.max(holder.class);
                one.holders.insert(holder.name.clone());
            }
        }
        for ((advisory, kind), one) in open {
            let about = titles.get(&advisory).cloned().unwrap_or_default();
            self.items.push(item(advisory, about, kind, one));
        }
        Ok(())
    }
}

fn is_open(row: &MatchRow) -> bool {
    row.value != Verdict::NotAffected.word()
}

fn kind(row: &MatchRow) -> Kind {
    if row.value == Verdict::NeedsPerson.word() {
        return Kind::Match;
    }
    match Outlook::of_word(&row.outlook) {
        Some(Outlook::Fix) => Kind::Fixable,
        _ => Kind::Unfixed,
    }
}

fn item(advisory: String, about: String, kind: Kind, one: Open) -> Item {
    let (count, things) = (one.holders.len(), one.things);
    let why = match kind {
        Kind::Match => format!(
            "{count} machines and assets ({things} kinds) may be affected: {}; `advisory matches \
             --advisory {advisory} --needs-person`, then `advisory decide`",
            one.first
        ),
        Kind::Fixable => format!(
            "{count} machines and assets ({things} kinds) are affected, and the vendor has a fix; \
             `advisory show {advisory}`"
        ),
        _ => format!(
            "{count} machines and assets ({things} kinds) are affected, and the vendor has no fix; \
             `advisory show {advisory}` has what lowers the risk meanwhile"
        ),
    };
    Item {
        kind,
        subject: advisory,
        about,
        unit: None,
        class: one.class,
        owner: match kind {
            Kind::Unfixed => Owner::Vendor,
            _ => Owner::Htm,
        },
        since: one.since,
        raise_at: None,
        why,
    }
}

/// The holders on which every vulnerability of an advisory is done.
struct Done(HashSet<(String, String)>);

impl Done {
    fn of(marks: &[MarkRow], vulnerabilities: &[(String, String)]) -> Self {
        let mut all: HashMap<&str, usize> = HashMap::new();
        for (advisory, _) in vulnerabilities {
            *all.entry(advisory).or_default() += 1;
        }
        let known: HashSet<(&str, &str)> = vulnerabilities
            .iter()
            .map(|(advisory, name)| (advisory.as_str(), name.as_str()))
            .collect();
        let mut marked: HashMap<(String, String), usize> = HashMap::new();
        for mark in marks.iter().filter(|mark| mark.mark == Mark::Done) {
            // A newer revision may have dropped a vulnerability.
            if known.contains(&(mark.advisory.as_str(), mark.vulnerability.as_str())) {
                let key = (mark.advisory.clone(), mark.holder.clone());
                *marked.entry(key).or_default() += 1;
            }
        }
        let whole = marked.into_iter().filter(|((advisory, _), count)| {
            all.get(advisory.as_str()).is_some_and(|all| count >= all)
        });
        Self(whole.map(|(key, _)| key).collect())
    }

    fn is_done(&self, advisory: &str, holder: &str) -> bool {
        self.0.contains(&(advisory.to_owned(), holder.to_owned()))
    }
}
