//! When work is allowed in a unit: windows less freezes, out of the store.

use crate::command::window::understood;
use crate::control::Failure;
use crate::schedule::freeze::{Freeze, FreezeScope, holding};
use crate::schedule::opening;
use crate::schedule::outlook::{self, Outlook};
use crate::schedule::planner::Frozen;
use crate::store::places::Unit;
use crate::store::windows::{self as stored, Area};
use crate::store::{StoreError, View};
use patchward_common::id::{Label, Name};
use patchward_common::time::{Interval, UtcMs};

/// The openings of a unit within `range`, less every freeze that holds there and is not
/// `overridden` by an emergency.
pub async fn of_unit(
    view: &mut View,
    unit: &Name,
    range: Interval,
    overridden: &[Label],
) -> Result<Vec<Interval>, Failure> {
    let known = view.unit(unit).await?;
    let known = known.ok_or_else(|| {
        Failure::not_found(format!("There is no unit {unit}. `unit list` shows all."))
    })?;
    let windows = openings(view, unit, range).await?;
    let freezes = freezes_in(view, unit, &known.site, range).await?;
    let holding = holding(&freezes, unit, &known.site, overridden);
    let allowed = opening::allowed(&windows, &opening::union(holding));
    Ok(opening::within(&allowed, range))
}

/// What freezes take of the openings of a unit within `range`; `None` where they take
/// nothing.
pub async fn taken(
    view: &mut View,
    unit: &Name,
    range: Interval,
    overridden: &[Label],
) -> Result<Option<Frozen>, Failure> {
    let Some(known) = view.unit(unit).await? else {
        return Ok(None);
    };
    let mut freezes = freezes_in(view, unit, &known.site, range).await?;
    freezes.retain(|freeze| !overridden.contains(&freeze.name));
    if freezes.is_empty() {
        return Ok(None);
    }
    let openings = openings(view, unit, range).await?;
    let takes = |freeze: &Freeze| {
        let mut openings = openings.iter();
        openings.any(|opening| opening.overlaps(freeze.interval))
    };
    freezes.retain(takes);
    let longest = openings.iter().map(|opening| opening.length_ms()).max();
    Ok(longest
        .filter(|_| !freezes.is_empty())
        .map(|longest_ms| Frozen {
            longest_ms,
            by: freezes.into_iter().map(|freeze| freeze.name).collect(),
        }))
}

/// The openings of a unit within `range`, whatever is frozen.
pub async fn openings(
    view: &mut View,
    unit: &Name,
    range: Interval,
) -> Result<Vec<Interval>, Failure> {
    let mut windows = Vec::new();
    for window in view.windows(Some(unit)).await? {
        let openings = understood(&window)?.openings(range);
        windows.extend(openings.map_err(|error| Failure::input(error.to_string()))?);
    }
    Ok(opening::union(windows))
}

/// The freezes that hold in `unit` of `site` and share an instant with `range`.
pub async fn freezes_in(
    view: &mut View,
    unit: &Name,
    site: &Name,
    range: Interval,
) -> Result<Vec<Freeze>, StoreError> {
    let freezes = view.freezes(range).await?;
    Ok(freezes_of(&freezes, unit, site))
}

/// Those of stored freezes that hold in `unit` of `site`.
pub fn freezes_of(stored: &[stored::Freeze], unit: &Name, site: &Name) -> Vec<Freeze> {
    let mut freezes: Vec<Freeze> = stored.iter().filter_map(of_a_place).collect();
    freezes.retain(|freeze| freeze.covers(unit, site));
    freezes
}

/// The next openings of a unit, with what its freezes leave of them.
pub async fn outlook(
    view: &mut View,
    unit: &Unit,
    now: UtcMs,
    count: usize,
) -> Result<Vec<Outlook>, Failure> {
    let mut windows = Vec::new();
    for window in view.windows(Some(&unit.name)).await? {
        windows.push((window.id.clone(), understood(&window)?));
    }
    let openings = outlook::next(&windows, now, count);
    let mut openings = openings.map_err(|error| Failure::input(error.to_string()))?;
    let Some(last) = openings.last() else {
        return Ok(openings);
    };
    if let Ok(range) = Interval::new(now, last.opening.end()) {
        let freezes = freezes_in(view, &unit.name, &unit.site, range).await?;
        openings.iter_mut().for_each(|one| one.less(&freezes));
    }
    Ok(openings)
}

/// A stored freeze, unless it is about one machine: that is for the go, as slots are laid
/// by unit.
fn of_a_place(freeze: &stored::Freeze) -> Option<Freeze> {
    let scope = match freeze.area {
        Area::All => FreezeScope::All,
        Area::Site => FreezeScope::Site(Name::new(&freeze.subject).ok()?),
        Area::Unit => FreezeScope::Unit(Name::new(&freeze.subject).ok()?),
        Area::Machine => return None,
    };
    Some(Freeze {
        name: freeze.id.clone(),
        scope,
        interval: Interval::new(freeze.start, freeze.end).ok()?,
    })
}
