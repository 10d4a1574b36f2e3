//! The steps of the first day, one below the other, out of the list that a command tells.

use super::report;
use crate::control::{Cell, Output};
use crate::web::link;
use crate::web::show::listing::Query;
use crate::web::show::{Block, Shown, StepShown};

/// The list whose place the steps take.
pub(super) const LIST: &str = "steps";

/// What the list is called in addresses.
const CSV: &str = "setup-steps";

/// The steps of the page's part `setup`; none where there is no such list.
pub(super) fn steps(query: &Query, told: &Output) -> Option<Block> {
    let table = report(told)?.list(LIST)?;
    let at = |name: &str| table.column(name);
    let step = |row: &Vec<Cell>| {
        let text = |name: &str| match at(name).and_then(|at| row.get(at)) {
            Some(Cell::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let state = Cell::of(text("state"));
        StepShown {
            title: text("step"),
            state: Shown::of("state", &state),
            found: text("found"),
            whose: text("whose_move"),
            todo: text("to_do"),
            href: link::local(&text("on_the_page")).map(str::to_owned),
            typed: text("typed"),
        }
    };
    let csv = query.with(&[("csv", Some(CSV))]);
    Some(Block::Steps(table.rows.iter().map(step).collect(), csv))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Report, Table};

    #[test]
    fn a_step_has_its_state_its_words_and_its_way() {
        let columns = [
            "step",
            "state",
            "found",
            "whose_move",
            "to_do",
            "on_the_page",
            "typed",
        ];
        let mut table = Table::new(&columns);
        let cell = Cell::of;
        table.row(vec![
            cell("Windows"),
            cell("next"),
            cell("2 of 3 units have no window."),
            cell("HTM"),
            cell("Agree"),
            cell("/do/window/add"),
            Cell::Empty,
        ]);
        table.row(vec![
            cell("Root"),
            cell("not_seen_from_here"),
            cell("No."),
            cell("IT"),
            Cell::Empty,
            cell("https://evil.example/"),
            cell("patchward-sign key"),
        ]);
        let told = Output::Report(Report::new([], "").with(LIST, table));
        let query = Query {
            path: "/setup".into(),
            parts: Vec::new(),
        };
        let Some(Block::Steps(steps, csv)) = steps(&query, &told) else {
            panic!("steps");
        };
        assert_eq!(csv, "/setup?csv=setup-steps");
        assert_eq!(steps[0].state.text, "next");
        assert_eq!(steps[0].state.mark.unwrap().class, "warn");
        assert_eq!(steps[0].href.as_deref(), Some("/do/window/add"));
        assert_eq!(steps[1].state.text, "not seen from here");
        assert_eq!(steps[1].href, None, "only ways of ours");
        assert_eq!(steps[1].typed, "patchward-sign key");
        assert!(super::steps(&query, &Output::Text(String::new())).is_none());
    }
}
