//! Who is called about which open item, out of the store.

use crate::item::Item;
use crate::item::oncall::{self, Call, Level};
use crate::store::items::Taken;
use crate::store::oncall::Heard;
use crate::store::windows::Area;
use crate::store::{StoreError, View};
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use std::collections::BTreeMap;

/// Every list, who has heard of what, and who took what.
#[derive(Debug)]
pub struct Lists {
    levels: BTreeMap<(String, String), Vec<Level>>,
    sites: BTreeMap<String, String>,
    heard: BTreeMap<String, Heard>,
    takers: BTreeMap<String, Taken>,
}

impl Lists {
    /// Reads them.
    pub async fn read(view: &mut View) -> Result<Self, StoreError> {
        let mut levels: BTreeMap<_, Vec<Level>> = BTreeMap::new();
        for one in view.on_call().await? {
            let key = (one.area.word().to_owned(), one.subject);
            levels.entry(key).or_default().push(one.level);
        }
        let units = view.units().await?;
        let sites = units
            .into_iter()
            .map(|unit| (unit.name.to_string(), unit.site.to_string()));
        Ok(Self {
            levels,
            sites: sites.collect(),
            heard: view.heard().await?,
            takers: view.takers().await?,
        })
    }

    /// Who took an item.
    pub fn taker(&self, item: &Item) -> Option<&Taken> {
        self.takers.get(&item.key())
    }

    /// How far an item is called out; `None` where it can wait for the morning.
    pub fn call(&self, item: &Item, now: UtcMs) -> Option<Call<'_>> {
        let key = item.key();
        let heard = self.heard.get(&key).filter(|one| one.since == item.since);
        let heard = heard.map(|one| one.at);
        let taken = self.takers.get(&key).map(|taken| taken.at);
        let first = heard
            .into_iter()
            .chain(taken.filter(|at| item.since <= *at));
        oncall::call(item, self.covering(item), first.min(), now)
    }

    /// The list of the item's unit, or else of its site, or else of the hospital.
    fn covering(&self, item: &Item) -> &[Level] {
        self.covering_unit(item.unit.as_ref())
    }

    /// Who is called about a unit's machines, by level.
    pub fn of_unit(&self, unit: &Name) -> &[Level] {
        self.covering_unit(Some(unit))
    }

    fn covering_unit(&self, unit: Option<&Name>) -> &[Level] {
        let unit = unit.map(|unit| unit.to_string());
        let site = unit.as_ref().and_then(|unit| self.sites.get(unit).cloned());
        let lists = [
            unit.map(|unit| (Area::Unit.word().to_owned(), unit)),
            site.map(|site| (Area::Site.word().to_owned(), site)),
            Some((Area::All.word().to_owned(), String::new())),
        ];
        let mut found = lists
            .iter()
            .flatten()
            .filter_map(|key| self.levels.get(key));
        found.next().map_or(&[], Vec::as_slice)
    }
}

/// A call in words.
pub fn words(call: &Call<'_>) -> String {
    match call {
        Call::Nobody => "nobody is on call for it: `oncall set`".to_owned(),
        Call::Heard(at) => format!("heard at {at}"),
        Call::Called { level, since, next } => {
            let then = next.map_or_else(String::new, |at| format!("; the next at {at}"));
            format!("{} ({}) since {since}{then}", level.who, level.contact)
        }
        Call::Unheard { level, since } => {
            format!("nobody has answered, {} was the last, {since}", level.who)
        }
    }
}
