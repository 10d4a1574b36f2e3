//! Freezes: times in which nothing starts, for a unit, a site or everywhere.

use patchward_common::id::{Label, Name};
use patchward_common::time::Interval;
use serde::{Deserialize, Serialize};

/// Where a freeze holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeScope {
    /// In one unit.
    Unit(Name),
    /// In every unit of a site.
    Site(Name),
    /// Everywhere.
    All,
}

/// A time in which nothing starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// What people call it; an emergency names it to override it.
    pub name: Label,
    /// Where it holds.
    pub scope: FreezeScope,
    /// When.
    pub interval: Interval,
}

impl Freeze {
    /// Whether it holds in `unit`, which belongs to `site`.
    pub fn covers(&self, unit: &Name, site: &Name) -> bool {
        match &self.scope {
            FreezeScope::Unit(one) => one == unit,
            FreezeScope::Site(one) => one == site,
            FreezeScope::All => true,
        }
    }
}

/// The freezes that hold in `unit` of `site`, but for those that an emergency names.
pub fn holding<'a>(
    freezes: impl IntoIterator<Item = &'a Freeze>,
    unit: &Name,
    site: &Name,
    overridden: &[Label],
) -> Vec<Interval> {
    freezes
        .into_iter()
        .filter(|freeze| freeze.covers(unit, site) && !overridden.contains(&freeze.name))
        .map(|freeze| freeze.interval)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::time::UtcMs;

    #[test]
    fn a_freeze_holds_in_its_scope_unless_overridden() {
        let name = |text: &str| Name::new(text).unwrap();
        let freeze = |label: &str, scope, start| Freeze {
            name: Label::new(label).unwrap(),
            scope,
            interval: Interval::new(UtcMs(start), UtcMs(start + 1)).unwrap(),
        };
        let freezes = [
            freeze("theatre", FreezeScope::Unit(name("icu")), 1),
            freeze("move", FreezeScope::Site(name("main")), 2),
            freeze("go-live", FreezeScope::All, 3),
        ];
        let starts = |unit: &str, site: &str, overridden: &[Label]| -> Vec<i64> {
            let held = holding(&freezes, &name(unit), &name(site), overridden);
            held.iter().map(|interval| interval.start().0).collect()
        };
        assert_eq!(starts("icu", "main", &[]), [1, 2, 3]);
        assert_eq!(starts("lab", "main", &[]), [2, 3]);
        assert_eq!(starts("lab", "east", &[]), [3]);
        let overridden = [Label::new("go-live").unwrap()];
        assert_eq!(starts("icu", "main", &overridden), [1, 2]);
    }
}
