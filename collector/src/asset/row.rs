//! One row of a hospital's file: read whole, or refused with its line, its column and what
//! to do.

use super::Field;
use super::field::{kind, life_cycle};
use super::mapping::Mapping;
use crate::sheet::SheetRow;
use crate::store::assets::LIFE_CYCLES;
use crate::store::places::{Group, Unit};
use patchward_common::id::{Label, MAX_LABEL_LEN};
use patchward_common::nearest::nearest;
use std::collections::BTreeMap;

/// What a row says of one asset: every field that the file has, as the list will have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its line.
    pub line: usize,
    /// The asset.
    pub tag: Label,
    /// Its fields but for the tag.
    pub fields: BTreeMap<Field, String>,
}

/// A row that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its line.
    pub line: usize,
    /// The heading of the column that is wrong; empty where the row as a whole is.
    pub column: String,
    /// The tag, where one can be read.
    pub tag: String,
    /// What is wrong and what to do.
    pub why: String,
}

/// What rows may refer to, found without looking at all of it for each row.
#[derive(Clone, Debug, Default)]
pub struct Known {
    units: Names,
    groups: Names,
}

impl Known {
    /// Of every unit and coverage group.
    pub fn of(units: &[Unit], groups: &[Group]) -> Self {
        let titled = units.iter();
        let titled = titled.map(|unit| (unit.name.as_str(), unit.title.as_str()));
        let named = groups.iter().map(|group| (group.name.as_str(), ""));
        Self {
            units: Names::of(titled),
            groups: Names::of(named),
        }
    }
}

/// Names and titles, by their lower case.
#[derive(Clone, Debug, Default)]
struct Names {
    names: BTreeMap<String, String>,
    titles: BTreeMap<String, Vec<String>>,
}

impl Names {
    fn of<'a>(all: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut known = Self::default();
        for (name, title) in all {
            known
                .names
                .insert(name.to_ascii_lowercase(), name.to_owned());
            let titled = known.titles.entry(title.to_lowercase()).or_default();
            titled.push(name.to_owned());
        }
        known
    }
}

/// Reads a row.
///
/// # Errors
/// Every column that is wrong, so that a file is mended once.
pub fn read(row: &SheetRow, mapping: &Mapping, known: &Known) -> Result<Given, Vec<Refused>> {
    let cell = |at: usize| row.cells.get(at).map_or("", String::as_str);
    let mut tag = None;
    let mut fields = BTreeMap::new();
    let mut wrong: Vec<(String, String)> = Vec::new();
    for (at, (heading, field)) in mapping.columns.iter().enumerate() {
        let Some(field) = field else { continue };
        match (field, value(*field, cell(at), known)) {
            (Field::Tag, Ok(text)) => tag = Label::new(text).ok(),
            (field, Ok(text)) => drop(fields.insert(*field, text)),
            (_, Err(why)) => wrong.push((heading.clone(), why)),
        }
    }
    let extra = row.cells.iter().skip(mapping.columns.len());
    if extra.clone().any(|cell| !cell.is_empty()) {
        let why = format!(
            "it has {} cells under {} headings; is a separator within a cell that is not quoted?",
            row.cells.len(),
            mapping.columns.len()
        );
        wrong.push((String::new(), why));
    }
    match (tag, wrong.is_empty()) {
        (Some(tag), true) => Ok(Given {
            line: row.line,
            tag,
            fields,
        }),
        (tag, _) => Err(wrong
            .into_iter()
            .map(|(column, why)| Refused {
                line: row.line,
                column,
                tag: tag.as_ref().map_or_else(String::new, Label::to_string),
                why,
            })
            .collect()),
    }
}

/// A cell as the list will have it, or what is wrong with it.
fn value(field: Field, cell: &str, known: &Known) -> Result<String, String> {
    if cell.is_empty() {
        return match field {
            Field::Tag => Err("the asset tag is missing; every row needs one".to_owned()),
            _ => Ok(String::new()),
        };
    }
    if let Err(error) = Label::new(cell) {
        return Err(match cell.chars().count() > MAX_LABEL_LEN {
            true => format!("longer than {MAX_LABEL_LEN} characters; shorten it"),
            false => format!("it {error}; correct it"),
        });
    }
    match field {
        Field::Unit => named(cell, &known.units, "unit", "unit add"),
        Field::Group => named(cell, &known.groups, "coverage group", "group add"),
        Field::Kind => match kind(cell) {
            Some(kind) => Ok(kind.word().to_owned()),
            None => Err(format!(
                "\"{cell}\" is no kind of asset; write device or none_yet. That it is a machine is said by `asset link`"
            )),
        },
        Field::LifeCycle => match life_cycle(cell) {
            Some(state) => Ok(state.word().to_owned()),
            None => {
                let words: Vec<&str> = LIFE_CYCLES.iter().map(|state| state.word()).collect();
                Err(format!(
                    "\"{cell}\" is no state of an asset's life; one of {}, or leave the column out with --map",
                    words.join(", ")
                ))
            }
        },
        _ => Ok(cell.to_owned()),
    }
}

/// The name that a cell means: itself, or a title that only one has.
fn named(cell: &str, known: &Names, what: &str, add: &str) -> Result<String, String> {
    if let Some(name) = known.names.get(&cell.to_ascii_lowercase()) {
        return Ok(name.clone());
    }
    let titled = known.titles.get(&cell.to_lowercase());
    match titled.map_or(&[][..], Vec::as_slice) {
        [one] => Ok(one.clone()),
        [] => {
            let names: Vec<&str> = known.names.values().map(String::as_str).collect();
            let meant = nearest(cell, &names);
            let meant = meant.map_or_else(String::new, |one| format!(" (is {one} meant?)"));
            Err(format!(
                "there is no {what} {cell}{meant}; correct it, or add it first with `{add}`"
            ))
        }
        several => Err(format!(
            "several are called {cell}: {}; write the short name",
            several.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::id::Name;
    use patchward_common::trust::roster::Class;

    fn unit(name: &str, title: &str) -> Unit {
        Unit {
            name: Name::new(name).unwrap(),
            site: Name::new("main").unwrap(),
            title: Label::new(title).unwrap(),
            class: Class::Standard,
        }
    }

    fn tried(headings: &str, cells: &str) -> Result<Given, Vec<Refused>> {
        let split = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mapping = Mapping::of(&split(headings), &[], false).unwrap();
        let units = [
            unit("icu-3", "Intensive care 3"),
            unit("er", "Ward"),
            unit("lab", "Ward"),
        ];
        let known = Known::of(&units, &[]);
        let row = SheetRow {
            line: 7,
            cells: split(cells),
        };
        read(&row, &mapping, &known)
    }

    #[test]
    fn units_are_known_by_name_and_title() {
        for cell in ["icu-3", "ICU-3", "intensive CARE 3"] {
            let given = tried("tag,unit", &format!("A-1,{cell}")).unwrap();
            assert_eq!(given.fields[&Field::Unit], "icu-3");
        }
        let empty = tried("tag,unit", "A-1").unwrap();
        assert_eq!(empty.fields[&Field::Unit], "");
        let several = tried("tag,unit", "A-1,ward").unwrap_err();
        assert!(several[0].why.contains("er, lab"), "{several:?}");
    }

    #[test]
    fn every_wrong_column_is_named_at_once() {
        let wrong = tried("tag,unit,status,serial", "A-1,icu3,broken,x\u{202e}y").unwrap_err();
        let said: Vec<_> = wrong
            .iter()
            .map(|one| (one.line, one.column.as_str(), one.tag.as_str()))
            .collect();
        let expected = [
            (7, "unit", "A-1"),
            (7, "status", "A-1"),
            (7, "serial", "A-1"),
        ];
        assert_eq!(said, expected);
        assert!(wrong[0].why.contains("is icu-3 meant"), "{wrong:?}");
        let missing = tried("tag,serial", ",S7").unwrap_err();
        assert!(missing[0].why.contains("missing"));
        let more = tried("tag,serial", "A-1,S7,8").unwrap_err();
        assert!(more[0].why.contains("separator"));
        let long = tried("tag,serial", &format!("A-1,{}", "x".repeat(257))).unwrap_err();
        assert!(long[0].why.contains("256"));
    }
}
