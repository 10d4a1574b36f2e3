//! Advisories that meet something of ours: whose move each is.

use super::Gathering;
use crate::advisory::Verdict;
use crate::advisory::entry::Outlook;
use crate::control::Failure;
use crate::item::{Item, Kind, Owner};
use crate::store::advisories::MatchRow;
use patchward_common::time::UtcMs;
use patchward_common::words::counted;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
        let found = crate::matching::open(self.view, None).await?;
        self.mitigations(&found);
        self.over(&found);
        let titles = self.view.advisories().await?.into_iter();
        let titles: HashMap<String, String> = titles.map(|row| (row.id, row.title)).collect();
        let mut open: BTreeMap<(String, Kind), Open> = BTreeMap::new();
        for one in &found.matches {
            let (row, left) = (&one.row, found.not_excepted(one, self.now));
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
    let count = counted(one.holders.len(), "machine or asset", "machines and assets");
    let things = counted(one.things, "kind", "kinds");
    let is = match one.holders.len() {
        1 => "is",
        _ => "are",
    };
    let why = match kind {
        Kind::Match => format!(
            "{count} ({things}) may be affected: {}; `advisory matches \
             --advisory {advisory} --needs-person`, then `advisory decide`",
            one.first
        ),
        Kind::Fixable => format!(
            "{count} ({things}) {is} affected, and the vendor has a fix; \
             `advisory show {advisory}`"
        ),
        _ => format!(
            "{count} ({things}) {is} affected, and the vendor has no fix; \
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
