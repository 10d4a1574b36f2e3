//! The day in five counts, and the fleet by state.

use super::report;
use crate::control::{Cell, Output, Report};
use crate::web::picture::counted;
use crate::web::picture::fleet::{self, State};
use crate::web::show::{Block, Tile, mark};
use std::collections::BTreeMap;

/// States in the order of how much they ask of people, the rest behind.
const ORDER: [&str; 5] = ["failed", "unknown", "waiting", "unplanned", "planned"];
/// States that the tile of the machines names.
const NAMED: usize = 3;

/// What stands above the lists of the day.
pub fn day(told: &Output) -> Vec<Block> {
    let Some(report) = report(told) else {
        return Vec::new();
    };
    let states = states(report);
    let mut blocks = vec![Block::Tiles(tiles(report, &states))];
    blocks.extend(fleet::drawn(&states).map(Block::Picture));
    blocks
}

/// The machines that a person sees, by state: counted from their list, which holds those of
/// the person's units only.
fn states(report: &Report) -> Vec<State> {
    let Some(table) = report.list("machines") else {
        return Vec::new();
    };
    let Some(at) = table.column("state") else {
        return Vec::new();
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for cell in table.rows.iter().filter_map(|row| row.get(at)) {
        if let Cell::Text(text) = cell {
            *counts.entry(word(text)).or_default() += 1;
        }
    }
    let states = counts.into_iter().map(|(word, count)| {
        let word = word.to_owned();
        let class = mark::of("state", &Cell::of(&word)).map_or("", |mark| mark.class);
        State {
            word,
            class: match class {
                "good" => "p-good",
                "calm" => "p-calm",
                "warn" => "p-warn",
                "bad" => "p-bad",
                _ => "p-off",
            },
            count,
        }
    });
    let mut states: Vec<State> = states.collect();
    states.sort_by_key(|state| {
        let asks = |word: &&str| state.word.starts_with(*word);
        ORDER.iter().position(asks).unwrap_or(ORDER.len())
    });
    states
}

/// A state without its date: `unknown` of `unknown(since …)`. Who is waited for stays.
fn word(text: &str) -> &str {
    match text.split_once('(') {
        Some((word, rest)) if rest.starts_with("since ") || rest.starts_with("until ") => word,
        _ => text,
    }
}

fn tiles(report: &Report, states: &[State]) -> Vec<Tile> {
    let rows = |name: &str| report.list(name).map_or(0, |table| table.rows.len());
    let part = |name: &str| {
        let found = report.parts.iter().find(|(known, _)| known == name);
        match found {
            Some((_, Cell::Number(number))) => usize::try_from(*number).unwrap_or(0),
            _ => 0,
        }
    };
    let machines: usize = states.iter().map(|state| state.count).sum();
    let named = states.iter().take(NAMED);
    let mut named: Vec<String> = named
        .map(|state| format!("{} {}", state.count, state.word))
        .collect();
    if states.len() > NAMED {
        named.push("more below".to_owned());
    }
    let tile = |count: usize, title: &str, words: String, href: &str| Tile {
        count,
        title: title.to_owned(),
        words,
        href: href.to_owned(),
    };
    vec![
        tile(
            rows("items"),
            "need somebody",
            "open items, with who acts next".into(),
            "/#today-items",
        ),
        tile(
            raised(report),
            "raised",
            "waited too long, or must not wait".into(),
            "/?today-items.raised=yes#today-items",
        ),
        tile(
            rows("tonight"),
            "tonight",
            "slots until this time tomorrow".into(),
            "/#today-tonight",
        ),
        tile(
            machines,
            match machines {
                1 => "machine",
                _ => "machines",
            },
            named.join(", "),
            "/list/today#list-machines",
        ),
        tile(
            part("assets_without_agent"),
            "not covered",
            format!(
                "assets without an agent; {} without an asset",
                counted(part("machines_without_asset"), "machine", "machines")
            ),
            "/assets#gaps",
        ),
    ]
}

/// The raised ones of the items that a person sees.
fn raised(report: &Report) -> usize {
    let Some(table) = report.list("items") else {
        return 0;
    };
    let Some(at) = table.column("raised") else {
        return 0;
    };
    let raised = table.rows.iter();
    raised
        .filter(|row| matches!(row.get(at), Some(Cell::Flag(true))))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Table;

    fn told() -> Output {
        let mut items = Table::new(&["item", "raised"]);
        for raised in [true, false, true] {
            items.row(vec![Cell::of("x"), Cell::Flag(raised)]);
        }
        let mut machines = Table::new(&["machine", "state"]);
        for (state, count) in [
            ("attested", 1),
            ("planned", 5),
            ("unknown(since 2026-11-23T02:14:00Z)", 1),
            ("unknown(since 2026-11-24T02:14:00Z)", 1),
            ("unplanned", 2),
            ("failed", 1),
            ("waiting(htm)", 3),
        ] {
            for _ in 0..count {
                machines.row(vec![Cell::of("m"), Cell::of(state)]);
            }
        }
        let mut tonight = Table::new(&["machine"]);
        tonight.row(vec![Cell::of("ct-1")]);
        let parts = [
            ("assets_without_agent", Cell::Number(7)),
            ("machines_without_asset", Cell::Number(1)),
        ];
        let report = Report::new(parts, "").with("items", items);
        Output::Report(report.with("machines", machines).with("tonight", tonight))
    }

    #[test]
    fn five_counts_lead_to_their_lists() {
        let blocks = day(&told());
        let [Block::Tiles(tiles), Block::Picture(bar)] = &blocks[..] else {
            panic!("{blocks:?}");
        };
        let counts: Vec<usize> = tiles.iter().map(|tile| tile.count).collect();
        assert_eq!(counts, [3, 2, 1, 14, 7]);
        assert_eq!(
            tiles[3].words,
            "1 failed, 2 unknown, 3 waiting(htm), more below"
        );
        assert!(tiles.iter().all(|tile| tile.href.starts_with('/')));
        assert!(bar.contains(
            "14 machines, from left to right: 1 failed, 2 unknown, 3 waiting(htm), 2 unplanned, 5 planned, \
             1 attested."
        ));
        assert!(bar.contains("class=\"p-bad\"") && bar.contains("class=\"p-good\""));
    }

    #[test]
    fn a_hospital_without_machines_has_counts_and_no_bar() {
        let blocks = day(&Output::Report(Report::new([], "")));
        assert!(matches!(&blocks[..], [Block::Tiles(tiles)] if tiles.len() == 5));
        assert!(day(&Output::Text(String::new())).is_empty());
    }
}
