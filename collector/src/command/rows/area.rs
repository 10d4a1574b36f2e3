//! Where something holds, as lists write it: `for` and `which`.

use super::Cells;
use crate::store::windows::Area;
use patchward_common::id::Name;

/// Reads both columns.
pub(super) fn area(cells: &Cells<'_>) -> Result<(Area, String), String> {
    let word = cells.text("for").ok_or("its for is empty")?;
    let which = || cells.needed::<Name>("which").map(String::from);
    match word {
        word if word == Area::All.word() => Ok((Area::All, String::new())),
        word if word == Area::Site.word() => Ok((Area::Site, which()?)),
        word if word == Area::Unit.word() => Ok((Area::Unit, which()?)),
        other => Err(format!(
            "for: {other:?} is not {}, {} or {}",
            Area::All.word(),
            Area::Site.word(),
            Area::Unit.word()
        )),
    }
}
