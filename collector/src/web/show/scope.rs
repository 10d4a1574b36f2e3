//! Who is in charge of some units sees these units' rows.

use crate::account::role::Reach;
use crate::control::{Cell, Output, Report, Table};
use patchward_common::id::Name;
use std::collections::BTreeMap;

/// Whether rows of an answer say by their machine alone whose they are.
pub fn asks_for_machines(output: &Output) -> bool {
    let by_machine =
        |table: &Table| table.column("unit").is_none() && table.column("machine").is_some();
    match output {
        Output::Table(table) => by_machine(table),
        Output::Report(report) => report.lists.iter().any(|(_, table)| by_machine(table)),
        _ => false,
    }
}

/// The rows of an answer that lie within reach. A row that names no unit and no machine
/// concerns everybody.
pub fn narrow(output: &Output, reach: &Reach, units: &BTreeMap<String, Name>) -> Output {
    match output {
        Output::Table(table) => Output::Table(narrowed(table, reach, units)),
        Output::Report(report) => Output::Report(Report {
            parts: report.parts.clone(),
            text: report.text.clone(),
            lists: report
                .lists
                .iter()
                .map(|(name, table)| (name.clone(), narrowed(table, reach, units)))
                .collect(),
        }),
        other => other.clone(),
    }
}

fn narrowed(table: &Table, reach: &Reach, units: &BTreeMap<String, Name>) -> Table {
    let (unit, machine) = (table.column("unit"), table.column("machine"));
    let is_seen = |row: &&Vec<Cell>| {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at));
        match (cell(unit), cell(machine)) {
            (Some(Cell::Text(unit)), _) => {
                Name::new(unit.as_str()).is_ok_and(|unit| reach.covers(&unit))
            }
            (_, Some(Cell::Text(machine))) => {
                units.get(machine).is_some_and(|unit| reach.covers(unit))
            }
            _ => true,
        }
    };
    Table {
        columns: table.columns.clone(),
        rows: table.rows.iter().filter(is_seen).cloned().collect(),
        note: table.note.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_other_units_are_not_shown() {
        let icu = Name::new("icu").unwrap();
        let reach = Reach::Units([icu.clone()].into());
        let units = BTreeMap::from([("m1".to_owned(), icu)]);
        let mut table = Table::new(&["unit", "n"]);
        table.row(vec![Cell::of("icu"), Cell::Number(1)]);
        table.row(vec![Cell::of("or"), Cell::Number(2)]);
        table.row(vec![Cell::Empty, Cell::Number(3)]);
        let Output::Table(seen) = narrow(&Output::Table(table.clone()), &reach, &units) else {
            panic!("still a table");
        };
        assert_eq!(seen.rows.len(), 2);
        let Output::Table(all) = narrow(&Output::Table(table), &Reach::Everywhere, &units) else {
            panic!("still a table");
        };
        assert_eq!(all.rows.len(), 3);
        let mut jobs = Table::new(&["machine"]);
        jobs.row(vec![Cell::of("m1")]);
        jobs.row(vec![Cell::of("m2")]);
        let Output::Table(seen) = narrow(&Output::Table(jobs), &reach, &units) else {
            panic!("still a table");
        };
        assert_eq!(seen.rows.len(), 1);
    }
}
