//! The README's quick start, taken apart: what a person types at which host, and what they are
//! told that they will see. Nothing of it is written a second time.

use anyhow::{Context as _, bail, ensure};

/// Where it stands.
const README: &str = include_str!("../../../README.md");
/// Its heading, and how the next part begins.
const HEADING: &str = "## Quick start\n";
const NEXT: &str = "\n## ";
/// Stands before each of its blocks of commands; the page that people read does not show it.
const MARK: &str = "<!-- quick start: ";
/// Said of a block that is typed again until what it should show is there.
const AGAIN: &str = ", until it is shown";
/// Stands in the README for what differs each time.
const ELLIPSIS: char = '…';

/// At which host something is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Collector,
    Machine,
}

/// Commands that are typed at one host, in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) host: Host,
    /// Whether it is typed again until it shows what it should.
    pub(super) again: bool,
    /// Letter by letter.
    pub(super) typed: String,
    /// What is seen then, line by line.
    pub(super) shown: Vec<String>,
}

/// How a question ends that a person says yes to; what is seen next stands below it.
pub(super) const QUESTION: &str = "Type yes:";

/// All blocks, in their order.
pub(super) fn blocks() -> anyhow::Result<Vec<Block>> {
    let (_, rest) = README
        .split_once(HEADING)
        .context("the README has no quick start")?;
    parse(rest.split(NEXT).next().unwrap_or(rest)).context("the README's quick start")
}

fn parse(text: &str) -> anyhow::Result<Vec<Block>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut mark: Option<(Host, bool)> = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(words) = line.strip_prefix(MARK) {
            ensure!(mark.is_none(), "a mark stands before no block: {line}");
            let words = words.strip_suffix(" -->").context("a mark has no end")?;
            let again = words.ends_with(AGAIN);
            mark = Some(match words.strip_suffix(AGAIN).unwrap_or(words) {
                "collector" => (Host::Collector, again),
                "machine" => (Host::Machine, again),
                other => bail!("no host is called {other:?}"),
            });
            continue;
        }
        let Some(kind) = line.strip_prefix("```") else {
            continue;
        };
        let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match (kind, mark.take()) {
            ("sh", Some((host, again))) => blocks.push(Block {
                host,
                again,
                typed: inside.join("\n"),
                shown: Vec::new(),
            }),
            ("text", None) => {
                let last = blocks
                    .last_mut()
                    .context("it shows before anything is typed")?;
                ensure!(last.shown.is_empty(), "two are shown of {:?}", last.typed);
                let asks = inside.last().is_some_and(|line| line.ends_with(QUESTION));
                ensure!(!asks, "what is seen after the answer to {:?}?", last.typed);
                last.shown = inside.iter().map(|&line| line.to_owned()).collect();
            }
            (kind, mark) => bail!("a block of {kind:?} stands after the mark {mark:?}"),
        }
    }
    ensure!(mark.is_none(), "the last mark stands before no block");
    Ok(blocks)
}

/// Whether a terminal shows a line. How wide columns are does not matter.
pub(super) fn shows(printed: &str, wanted: &str) -> bool {
    let wanted = narrow(wanted);
    let parts: Vec<&str> = wanted.split(ELLIPSIS).map(str::trim).collect();
    printed.lines().any(|line| {
        let line = narrow(line);
        let mut rest = line.as_str();
        parts.iter().all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    })
}

fn narrow(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_start_begins_with_packages_and_ends_with_a_machine_that_is_seen() {
        let blocks = blocks().unwrap();
        for host in [Host::Collector, Host::Machine] {
            let first = blocks.iter().find(|block| block.host == host).unwrap();
            assert!(first.typed.starts_with("apt install ./patchward-"));
            assert!(blocks.iter().all(|block| !block.typed.is_empty()));
        }
        let seen = blocks.iter().rfind(|block| block.again).unwrap();
        assert!(seen.host == Host::Collector && seen.shown[0].contains("enrolled"));
    }

    #[test]
    fn a_block_has_its_host_what_is_typed_and_what_is_seen() {
        let text = "Words.\n<!-- quick start: machine, until it is shown -->\n```sh\na\n  b\n```\n\
                    You see\n```text\nc … d\n```\n<!-- quick start: collector -->\n```sh\ne\n```\n";
        let found = parse(text).unwrap();
        let first = Block {
            host: Host::Machine,
            again: true,
            typed: "a\n  b".into(),
            shown: vec!["c … d".into()],
        };
        let second = Block {
            host: Host::Collector,
            again: false,
            typed: "e".into(),
            shown: Vec::new(),
        };
        assert_eq!(found, [first, second]);
        for bad in [
            // Commands that nobody would follow.
            "```sh\na\n```",
            "<!-- quick start: elsewhere -->\n```sh\na\n```",
            "<!-- quick start: machine -->\nwords",
            "<!-- quick start: machine -->\n```text\na\n```",
            "```text\na\n```",
            "<!-- quick start: machine -->\n```sh\na\n```\n```text\nSign? Type yes:\n```",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_line_is_seen_whatever_stands_in_place_of_the_dots() {
        let printed = "name      unit\npc-1      ward-3    observe\n";
        for there in ["pc-1 ward-3 observe", "pc-1 … observe", "… ward-3 …"] {
            assert!(shows(printed, there), "{there}");
        }
        for not in ["pc-2", "pc-1 … ward-4", "observe … pc-1", "unit pc-1"] {
            assert!(!shows(printed, not), "{not}");
        }
    }
}
