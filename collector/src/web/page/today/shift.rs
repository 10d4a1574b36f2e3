//! What is handed over to the next shift, in a line that leads to the list of it.

use crate::control::Output;
use crate::web::person::Person;
use crate::web::show::{Block, Shown};
use crate::web::{Web, look};

/// Where the list stands.
const PAGE: &str = "/shift";

/// The lists of what the command tells, and what a row of each is.
const LISTS: [(&str, &str); 6] = [
    ("nothing_starts", "stops or halts"),
    ("went_wrong", "went wrong"),
    ("not_in_service", "not in service"),
    ("holds", "held"),
    ("begins", "with a slot"),
    ("waits", "waiting for somebody"),
];

/// The line; nothing for who may not see the list.
pub(super) async fn line(web: &Web, person: &Person) -> Option<Block> {
    let told = look::tell(web, person, "shift", &[]).await.ok()?;
    let shown = Shown {
        text: words(&told)?,
        href: Some(PAGE.to_owned()),
        ..Shown::default()
    };
    let title = "For the next shift".to_owned();
    Some(Block::Facts(vec![(title, shown)]))
}

/// What there is, counted as this person sees it.
fn words(told: &Output) -> Option<String> {
    let Output::Report(report) = told else {
        return None;
    };
    let counts = LISTS.iter().filter_map(|(name, words)| {
        let rows = report.list(name)?.rows.len();
        (rows > 0).then(|| format!("{rows} {words}"))
    });
    let counts: Vec<String> = counts.collect();
    Some(match counts.is_empty() {
        true => "Nothing is handed over".to_owned(),
        false => counts.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Cell, Report, Table};

    #[test]
    fn only_what_is_there_is_counted() {
        let mut down = Table::new(&["item"]);
        down.row(vec![Cell::of("return:aa")]);
        let report = Report::new([], "")
            .with("nothing_starts", Table::new(&["item"]))
            .with("not_in_service", down);
        let told = Output::Report(report);
        assert_eq!(words(&told).as_deref(), Some("1 not in service"));
        let none = Output::Report(Report::new([], ""));
        assert_eq!(words(&none).as_deref(), Some("Nothing is handed over"));
    }
}
