//! What pictures are drawn from: read out of the store, or out of what a command has told.

mod plan;

pub use plan::{forecast, timeline};

use crate::control::{Cell, Failure, Output, Report, Table};
use crate::web::show::Block;

/// A picture; where it could not be drawn, why. The list below it stands all the same.
pub fn or_said(drawn: Result<Option<Block>, Failure>) -> Option<Block> {
    drawn.unwrap_or_else(|failure| {
        let text = format!("The picture cannot be drawn: {failure}");
        Some(Block::Text(vec![text]))
    })
}

/// The answer's report, where it is one.
fn report(output: &Output) -> Option<&Report> {
    match output {
        Output::Report(report) => Some(report),
        _ => None,
    }
}

/// A list of a report.
fn list<'a>(report: &'a Report, name: &str) -> Option<&'a Table> {
    let found = report.lists.iter().find(|(known, _)| known == name);
    found.map(|(_, table)| table)
}

/// Where a column stands in a table.
fn column(table: &Table, name: &str) -> Option<usize> {
    table.columns.iter().position(|column| column == name)
}

/// A number of a row that counts something.
fn count(row: &[Cell], at: usize) -> Option<usize> {
    match row.get(at) {
        Some(Cell::Number(number)) => usize::try_from(*number).ok(),
        _ => None,
    }
}
