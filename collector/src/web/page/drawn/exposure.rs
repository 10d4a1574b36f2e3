//! What is open by unit, counted from the list of matches that stands below the picture.

use super::report;
use crate::control::{Cell, Output};
use crate::web::picture::exposure::{Bar, drawn};
use crate::web::show::Block;
use std::collections::BTreeMap;

/// The bars of the matches that a person sees.
pub(super) fn by_unit(told: &Output) -> Option<Block> {
    drawn(&bars(told)?).map(Block::Picture)
}

fn bars(told: &Output) -> Option<Vec<Bar>> {
    let table = report(told)?.list("matches")?;
    let (unit, value) = (table.column("unit")?, table.column("value")?);
    let mut bars: BTreeMap<Option<&str>, Bar> = BTreeMap::new();
    for row in &table.rows {
        let text = |at: usize| match row.get(at) {
            Some(Cell::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let name = text(unit);
        let bar = bars.entry(name).or_insert_with(|| Bar {
            unit: name.map(str::to_owned),
            affected: 0,
            needs_person: 0,
        });
        match text(value) {
            Some("needs_person") => bar.needs_person += 1,
            _ => bar.affected += 1,
        }
    }
    Some(bars.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Report, Table};

    #[test]
    fn every_match_is_in_one_bar() {
        let mut table = Table::new(&["advisory", "unit", "value"]);
        for (unit, value) in [
            (Some("icu"), "affected"),
            (Some("icu"), "needs_person"),
            (None, "affected"),
            (Some("lab"), "affected"),
            (Some("icu"), "affected"),
        ] {
            table.row(vec![Cell::of("x"), Cell::maybe(unit), Cell::of(value)]);
        }
        let told = Output::Report(Report::new([], "").with("matches", table));
        let bar = |unit: Option<&str>, affected, needs_person| Bar {
            unit: unit.map(str::to_owned),
            affected,
            needs_person,
        };
        let expected = vec![
            bar(None, 1, 0),
            bar(Some("icu"), 2, 1),
            bar(Some("lab"), 1, 0),
        ];
        assert_eq!(bars(&told), Some(expected));
    }
}
