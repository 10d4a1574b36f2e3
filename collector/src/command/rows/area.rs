//! Where something holds, as lists write it: `for` and `which`, or `where` with both.

use super::Cells;
use crate::store::windows::Area;
use patchward_common::id::Name;

/// Reads both columns.
pub(super) fn area(cells: &Cells<'_>) -> Result<(Area, String), String> {
    let word = cells.text("for").ok_or("its for is empty")?;
    of("for", word, || cells.needed("which"))
}

/// Reads one column with both, such as `unit icu-3`.
pub(super) fn place(cells: &Cells<'_>) -> Result<(Area, String), String> {
    let text = cells.text("where").ok_or("its where is empty")?;
    let (word, which) = text.split_once(' ').unwrap_or((text, ""));
    of("where", word, || {
        let name = Name::new(which.trim());
        name.map_err(|error| format!("where: {:?} {error}", which.trim()))
    })
}

fn of(
    column: &str,
    word: &str,
    which: impl FnOnce() -> Result<Name, String>,
) -> Result<(Area, String), String> {
    match word {
        word if word == Area::All.word() => Ok((Area::All, String::new())),
        word if word == Area::Site.word() => Ok((Area::Site, which()?.into())),
        word if word == Area::Unit.word() => Ok((Area::Unit, which()?.into())),
        other => Err(format!(
            "{column}: {other:?} is not {}, {} or {}",
            Area::All.word(),
            Area::Site.word(),
            Area::Unit.word()
        )),
    }
}
