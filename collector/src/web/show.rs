//! What commands answer, as parts of pages: the same values that terminals and programs get.

pub mod listing;
pub mod mark;
pub mod scope;
pub mod sheet;
mod whole;

use super::{item, link};
use crate::command::listed::Paged;
use crate::control::output::harmless;
pub use crate::control::output::heading;
use crate::control::{Cell, Output, Report, Table};
use listing::{Listing, Query};

/// A part of a page.
#[derive(Debug)]
pub enum Block {
    /// One thing with named parts.
    Facts(Vec<(String, Shown)>),
    /// Rows that sort, page and search.
    List(Box<Listing>),
    /// Sentences.
    Text(Vec<String>),
    /// A picture as SVG, made here, with what it says in words.
    Picture(String),
    /// A code that a telephone reads, as SVG.
    Code(String),
    /// Counts that lead to what they count.
    Tiles(Vec<Tile>),
    /// What people do one after the other, and where it is to be had as CSV.
    Steps(Vec<StepShown>, String),
}

/// One of the things that people do one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepShown {
    /// What.
    pub title: String,
    /// How it stands.
    pub state: Shown,
    /// What is missing, or there.
    pub found: String,
    /// Whose move it is.
    pub whose: String,
    /// What to do; empty where nothing is.
    pub todo: String,
    /// Where it is done on the page.
    pub href: Option<String>,
    /// What is typed elsewhere.
    pub typed: String,
}

/// One count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// How many.
    pub count: usize,
    /// Of what.
    pub title: String,
    /// What that means.
    pub words: String,
    /// The list behind it.
    pub href: String,
}

/// One value as people see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The words.
    pub text: String,
    /// What stands there for people instead, where the words are for programs and terminals.
    pub said: Option<String>,
    /// Where they lead.
    pub href: Option<String>,
    /// Icon and colour, where it is a state.
    pub mark: Option<mark::Mark>,
    /// The instant in UTC, where it is one.
    pub at: Option<String>,
    /// Whether it stands to the right.
    pub number: bool,
}

impl Shown {
    /// A cell of the column `column`.
    pub fn of(column: &str, cell: &Cell) -> Self {
        let text = match cell {
            Cell::Text(text) if mark::is_state(column) => text.replace('_', " "),
            // The first digits name it, and where it leads has all of them.
            Cell::Text(text) if is_digest(text) && link::of(column, cell).is_some() => {
                text[..SHORT].to_owned()
            }
            other => visible(&other.to_string()),
        };
        let way = match cell {
            Cell::Text(key) if column == "item" => item::way(key),
            _ => None,
        };
        let (said, leads) = way.map_or((None, None), |way| (Some(way.words), Some(way.href)));
        Self {
            said,
            href: leads.or_else(|| link::of(column, cell)),
            mark: mark::of(column, cell),
            at: match cell {
                Cell::Moment { at, .. } => Some(at.to_string()),
                _ => None,
            },
            number: matches!(cell, Cell::Number(_)),
            text,
        }
    }
}

impl Shown {
    /// Whether nothing is there or known.
    pub fn is_nothing(&self) -> bool {
        self.text.is_empty() || self.text == NOTHING
    }

    /// What the style sheet needs to know of it.
    pub fn class(&self) -> String {
        let is_long = self
            .text
            .split_whitespace()
            .any(|word| word.chars().count() > LONG_WORD);
        let classes = [
            (self.number, "number"),
            (self.is_nothing(), "nothing"),
            (is_long, "long"),
        ];
        let classes = classes
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, class)| *class);
        classes.collect::<Vec<_>>().join(" ")
    }
}

/// What stands in a cell of which nothing is known.
pub const NOTHING: &str = "-";
/// A word that is longer is broken where a line ends: no language has such words, digests are.
const LONG_WORD: usize = 30;
/// So many digits of an id name it.
const SHORT: usize = 12;

fn is_digest(text: &str) -> bool {
    text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Text from elsewhere, with its lines: it steers nothing.
pub fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        c => harmless(c),
    };
    text.chars().map(shown).collect()
}

/// The blocks of an answer. Lists are called `id`, or `id-name` where there are several.
pub fn blocks(id: &str, title: &str, output: &Output, query: &Query) -> Vec<Block> {
    blocks_but(id, title, output, query, &[])
}

/// The same without some lists of a report.
pub fn blocks_but(
    id: &str,
    title: &str,
    output: &Output,
    query: &Query,
    left_out: &[&str],
) -> Vec<Block> {
    match output {
        Output::Table(table) => vec![list(id, title, table, query)],
        Output::Record(parts) => vec![facts(parts)],
        Output::Text(text) | Output::File { text, .. } => vec![Block::Text(sentences(text))],
        Output::Report(report) => {
            let mut blocks = above(report);
            for (name, table) in &report.lists {
                if left_out.contains(&name.as_str()) {
                    continue;
                }
                let (id, title) = named(id, title, name);
                blocks.push(list(&id, &title, table, query));
            }
            blocks
        }
    }
}

/// The same without lists that have no rows and facts that are not there: they would only be
/// passed over by who reads.
pub fn without_nothing(blocks: Vec<Block>) -> Vec<Block> {
    let kept = blocks.into_iter().filter_map(|block| match block {
        Block::List(listing) if listing.total == 0 && listing.note.is_none() => None,
        Block::Facts(facts) => {
            let facts: Vec<_> = facts
                .into_iter()
                .filter(|(_, shown)| !shown.is_nothing())
                .collect();
            (!facts.is_empty()).then_some(Block::Facts(facts))
        }
        other => Some(other),
    });
    kept.collect()
}

/// The blocks of an answer whose list is there a page at a time.
pub fn paged(id: &str, title: &str, page: &Paged, query: &Query) -> Vec<Block> {
    let list =
        |id: &str, title: &str| Block::List(Box::new(Listing::paged(id, title, page, query)));
    match &page.report {
        None => vec![list(id, title)],
        Some((name, report)) => {
            let mut blocks = above(report);
            let (id, title) = named(id, title, name);
            blocks.push(list(&id, &title));
            blocks
        }
    }
}

/// What stands above the lists of a report.
fn above(report: &Report) -> Vec<Block> {
    let mut blocks = Vec::new();
    // What stands as facts is not said twice.
    let facts_said = Output::Record(report.parts.clone()).text();
    let is_fact = |line: &String| facts_said.lines().any(|fact| fact == line);
    let mut said = sentences(&report.text);
    said.retain(|line| !is_fact(line));
    if !said.is_empty() {
        blocks.push(Block::Text(said));
    }
    if !report.parts.is_empty() {
        blocks.push(facts(&report.parts));
    }
    blocks
}

/// The id and the title of a list of a report: two lists of one page never have one name.
fn named(id: &str, title: &str, name: &str) -> (String, String) {
    let title = match title.is_empty() {
        true => heading(name),
        false => format!("{title}: {}", name.replace('_', " ")),
    };
    (format!("{id}-{name}"), title)
}

fn list(id: &str, title: &str, table: &Table, query: &Query) -> Block {
    Block::List(Box::new(Listing::of(id, title, table, query)))
}

fn facts(parts: &[(String, Cell)]) -> Block {
    let shown = parts.iter();
    Block::Facts(
        shown
            .map(|(name, cell)| (heading(name), Shown::of(name, cell)))
            .collect(),
    )
}

fn sentences(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(visible)
        .collect()
}
