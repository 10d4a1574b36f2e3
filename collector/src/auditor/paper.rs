//! The rows as paper.

use super::row::Row;
use crate::pdf::{Column, Paper};
use patchward_common::audit::Head;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use std::collections::BTreeMap;

/// Most pages: the most jobs that one paper is made of, a few to a page.
const MAX_PAGES: usize = 1_000;

/// What stands at the beginning of the paper.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// When it was made.
    pub made: UtcMs,
    /// Which jobs, in words.
    pub chosen: String,
    /// The hospital root's fingerprint, as the collector has it.
    pub root: Digest,
    /// The audit log's last row then.
    pub head: Head,
    /// The digest of the jobs, as the pack that belongs to it has it.
    pub content: Digest,
}

const fn column(title: &'static str, share: f32) -> Column {
    Column { title, share }
}

const COLUMNS: [Column; 7] = [
    column("Machine, unit", 0.13),
    column("Release, before to after", 0.18),
    column("Approved", 0.14),
    column("Started, ended (UTC)", 0.12),
    column("Outcome and proof", 0.15),
    column("Back in service", 0.11),
    column("Interlock, deviations", 0.17),
];

/// The paper for an auditor.
pub fn pdf(sheet: &Sheet, rows: &[Row]) -> Vec<u8> {
    let head = format!("{}. Made {}.", sheet.chosen, sheet.made);
    let mut paper = Paper::across("Evidence of work on machines", sheet.made, head, MAX_PAGES);
    paper.row("Which jobs", &sheet.chosen);
    paper.row("Made", &format!("{}, by the collector's clock", sheet.made));
    paper.row("Hospital root", &sheet.root.to_string());
    paper.row("Audit log then", &sheet.head.to_string());
    paper.row("Content digest", &sheet.content.to_string());
    paper.paragraph(
        "This paper repeats what a pack of evidence proves; it proves nothing by itself. \
         `patchward-sign verify-evidence` checks the pack on any computer with nothing but the \
         hospital root's fingerprint, and prints the same content digest for the pack that \
         belongs to this paper. The times of approval, of the return to service and of what \
         people decided are the collector's, from its audit log. All times are in UTC.",
    );
    paper.heading(&format!("{} jobs by unit and outcome", rows.len()));
    let counts = counts(rows);
    let columns = [
        column("Unit", 0.3),
        column("Outcome", 0.55),
        column("Jobs", 0.15),
    ];
    paper.table(&columns, counts.iter().map(<[String; 3]>::as_slice));
    let proved = rows.iter().filter(|row| is_proved(row)).count();
    let by_hand = rows
        .iter()
        .filter(|row| row.cell("proof").starts_with("a person's word"))
        .count();
    paper.paragraph(&format!(
        "{proved} were measured and signed by their machines. {by_hand} were done by hand: what \
         is written of them is a person's word. {} did not start, are not recorded or are not \
         proved.",
        rows.len() - proved - by_hand
    ));
    paper.heading("Jobs");
    let jobs: Vec<[String; COLUMNS.len()]> = rows.iter().map(cells).collect();
    paper.table(
        &COLUMNS,
        jobs.iter().map(<[String; COLUMNS.len()]>::as_slice),
    );
    paper.finish()
}

fn is_proved(row: &Row) -> bool {
    row.cell("proof").starts_with("measured")
}

/// How many jobs of each unit came to which outcome.
fn counts(rows: &[Row]) -> Vec<[String; 3]> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in rows {
        *counts
            .entry((row.cell("unit"), row.cell("outcome")))
            .or_default() += 1;
    }
    let counts = counts.into_iter();
    counts
        .map(|((unit, outcome), count)| [unit.to_owned(), outcome.to_owned(), count.to_string()])
        .collect()
}

/// A row's words under the columns of paper: what belongs together, each on a line of its own.
fn cells(row: &Row) -> [String; COLUMNS.len()] {
    let lines = |columns: &[&str]| {
        let words = columns.iter().map(|column| row.cell(column));
        let words: Vec<&str> = words.filter(|words| !words.is_empty()).collect();
        words.join("\n")
    };
    let change = match (row.cell("before"), row.cell("after")) {
        ("", "") => String::new(),
        (before, "") => format!("before: {before}"),
        (before, after) => format!("{before} -> {after}"),
    };
    let job: String = row.cell("job").chars().take(12).collect();
    [
        format!("{}\njob {job}", lines(&["machine", "unit", "class"])),
        format!(
            "{}\n{change}\n{}",
            row.cell("release"),
            row.cell("provenance")
        ),
        lines(&["approved_by", "approved_at", "plan"]),
        lines(&["started", "ended"]),
        lines(&["outcome", "proof"]),
        lines(&["returned_by", "returned_at"]),
        lines(&["interlock", "deviations"]),
    ]
}
