//! A list that is there as a whole: the rows of it that an address asks for, in its order.

use super::listing::Asked;
use crate::control::{Cell, Table};

/// The rows that are asked for, in the order that is asked for.
pub(super) fn found<'a>(table: &'a Table, asked: &Asked) -> Vec<&'a Vec<Cell>> {
    let mut rows: Vec<&Vec<Cell>> = table.rows.iter().collect();
    for (column, value) in &asked.equal {
        if let Some(at) = table.column(column) {
            rows.retain(|row| row.get(at).is_some_and(|cell| holds(cell, value)));
        }
    }
    let words: Vec<String> = asked
        .search
        .split_whitespace()
        .map(str::to_lowercase)
        .collect();
    if !words.is_empty() {
        rows.retain(|row| {
            let text: Vec<String> = row
                .iter()
                .map(|cell| cell.to_string().to_lowercase())
                .collect();
            words
                .iter()
                .all(|word| text.iter().any(|cell| cell.contains(word)))
        });
    }
    let (column, descending) = asked.sorted();
    if let Some(at) = table.column(column) {
        rows.sort_by_cached_key(|row| Key::of(row.get(at)));
        if descending {
            rows.reverse();
        }
    }
    rows
}

fn holds(cell: &Cell, value: &str) -> bool {
    match cell {
        Cell::List(items) => items.iter().any(|item| item == value),
        Cell::Worded { word, .. } => word == value,
        Cell::Text(text) => text == value || without_date(text) == Some(value),
        other => other.to_string() == value,
    }
}

/// A state without its date, as it is counted: `unknown` of `unknown(since ...)`.
pub(super) fn without_date(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once('(')?;
    ["since ", "until "]
        .iter()
        .any(|dated| rest.starts_with(dated))
        .then_some(word)
}

/// Numbers by size, instants by time, texts by letters; what is not there comes last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Text(String),
    Nothing,
}

impl Key {
    fn of(cell: Option<&Cell>) -> Self {
        match cell {
            Some(Cell::Empty) | None => Self::Nothing,
            Some(Cell::Number(number)) => Self::Number(*number),
            Some(Cell::Moment { at, .. }) => Self::Number(at.0),
            Some(other) => Self::Text(other.to_string().to_lowercase()),
        }
    }
}
