//! When work is allowed in a unit: windows less freezes, out of the store.

use crate::command::window::understood;
use crate::control::Failure;
use crate::schedule::freeze::{Freeze, FreezeScope, holding};
use crate::schedule::opening;
use crate::store::View;
use crate::store::windows::{self as stored, Area};
use patchward_common::id::{Label, Name};
use patchward_common::time::Interval;

/// The openings of a unit within `range`, less every freeze that holds there and is not
/// `overridden` by an emergency.
pub async fn of_unit(
    view: &mut View,
    unit: &Name,
    range: Interval,
    overridden: &[Label],
) -> Result<Vec<Interval>, Failure> {
    let known = view.unit(unit).await?;
    let known = known.ok_or_else(|| Failure::not_found(format!("There is no unit {unit}.")))?;
    let mut windows = Vec::new();
    for window in view.windows(Some(unit)).await? {
        let openings = understood(&window)?.openings(range);
        windows.extend(openings.map_err(|error| Failure::input(error.to_string()))?);
    }
    let freezes = view.freezes(range).await?;
    let freezes: Vec<Freeze> = freezes.iter().filter_map(of_a_place).collect();
    let holding = holding(&freezes, unit, &known.site, overridden);
    let allowed = opening::allowed(&opening::union(windows), &opening::union(holding));
    Ok(opening::within(&allowed, range))
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
