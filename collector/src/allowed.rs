//! When work is allowed in a unit: windows less freezes, out of the store.

use crate::command::window::understood;
use crate::control::Failure;
use crate::schedule::opening;
use crate::store::View;
use crate::store::windows::Area;
use patchward_common::id::Name;
use patchward_common::time::Interval;

/// The openings of a unit within `range`, less every freeze that holds there.
pub async fn of_unit(
    view: &mut View,
    unit: &Name,
    range: Interval,
) -> Result<Vec<Interval>, Failure> {
    let known = view.unit(unit).await?;
    let known = known.ok_or_else(|| Failure::not_found(format!("There is no unit {unit}.")))?;
    let mut windows = Vec::new();
    for window in view.windows(Some(unit)).await? {
        let openings = understood(&window)?.openings(range);
        windows.extend(openings.map_err(|error| Failure::input(error.to_string()))?);
    }
    let mut freezes = Vec::new();
    for freeze in view.freezes(range).await? {
        let holds = match freeze.area {
            Area::All => true,
            Area::Site => freeze.subject == known.site.as_str(),
            Area::Unit => freeze.subject == unit.as_str(),
            Area::Machine => false,
        };
        if holds && let Ok(interval) = Interval::new(freeze.start, freeze.end) {
            freezes.push(interval);
        }
    }
    let allowed = opening::allowed(&opening::union(windows), &opening::union(freezes));
    Ok(opening::within(&allowed, range))
}
