//! `exposure show`: one advisory on one machine or asset.

use super::scope;
use crate::app::App;
use crate::command::machine;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::exposure::Line;
use crate::matching::{self, Exposed};
use patchward_common::id::Label;
use serde::{Deserialize, Serialize};

/// Which one.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Asked {
    /// The advisory
    id: String,
    /// On this machine, by its name or id
    #[arg(long, required_unless_present = "asset")]
    machine: Option<String>,
    /// On this asset
    #[arg(long, conflicts_with = "machine")]
    asset: Option<Label>,
}

/// Shows it.
pub(super) async fn show(app: &App, asked: &Asked) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    scope::need_advisory(&mut view, &asked.id).await?;
    let holder = match (&asked.machine, &asked.asset) {
        (Some(text), _) => format!("machine {}", machine::find(&mut view, text).await?.name),
        (None, tag) => format!("asset {}", tag.as_ref().map_or("", Label::as_str)),
    };
    let found = matching::exposed(&mut view, Some(&asked.id), now).await?;
    let lines: Vec<&Line> = found
        .lines
        .iter()
        .filter(|line| line.holder == holder)
        .collect();
    let Some(first) = lines.first() else {
        return Err(Failure::not_found(format!(
            "Advisory {} has nothing open on {holder}. `exposure list --advisory {}` shows what it \
             has.",
            asked.id, asked.id
        )));
    };
    let text = format!(
        "{} on {holder}: {}. It is {}.",
        asked.id,
        first.priority.words(),
        first.standing.words()
    );
    let report = Report::new(
        [
            ("advisory", Cell::of(&asked.id)),
            ("on", Cell::of(&holder)),
            ("unit", Cell::maybe(first.unit.as_ref())),
            ("model", Cell::of(&first.model)),
            ("vendor", Cell::of(&first.vendor)),
            ("state", Cell::of(first.standing.words())),
            (
                "machine_left_as_it_is",
                Cell::maybe(first.machine_left.as_ref()),
            ),
            ("priority", Cell::of(first.priority.words())),
        ],
        text,
    );
    Ok(Output::Report(
        report
            .with("vulnerabilities", vulnerabilities(&lines))
            .with("mitigations", mitigations(&found, first, now))
            .with("exceptions", exceptions(&found, first)),
    ))
}

fn vulnerabilities(lines: &[&Line]) -> Table {
    let mut table = Table::new(&[
        "vulnerability",
        "thing",
        "value",
        "exploitation",
        "class",
        "severity",
        "reach",
        "fix",
    ]);
    for line in lines {
        for one in &line.open {
            table.row(vec![
                Cell::of(&one.name),
                Cell::of(&line.thing),
                Cell::of(line.value()),
                Cell::of(one.priority.exploitation.words()),
                Cell::of(one.priority.criticality.words()),
                Cell::of(one.priority.severity.words()),
                Cell::of(one.priority.reach.words()),
                Cell::Flag(line.has_fix),
            ]);
        }
    }
    table
}

fn mitigations(found: &Exposed, line: &Line, now: patchward_common::time::UtcMs) -> Table {
    let mut table = Table::new(&["mitigation", "title", "owner", "due", "here"]);
    let all = found.open.mitigations.iter();
    for one in all.filter(|one| one.is_about(&line.holder, line.unit.as_ref())) {
        let progress = found.open.progress(one, now);
        let here = match () {
            () if progress.probed.contains(&line.holder) => "in place, its probe says",
            () if progress.attested.contains(&line.holder) => "in place, attested",
            () => "not in place",
        };
        table.row(vec![
            Cell::Number(one.number.into()),
            Cell::of(&one.title),
            Cell::of(&one.owner),
            Cell::of(one.due),
            Cell::of(here),
        ]);
    }
    table
}

fn exceptions(found: &Exposed, line: &Line) -> Table {
    let mut table = Table::new(&["exception", "until", "control", "mitigation", "owner"]);
    let all = found
        .open
        .granted
        .iter()
        .filter(|one| one.ended_at.is_none());
    for one in all.filter(|one| one.is_about(&line.holder, line.unit.as_ref(), line.since)) {
        table.row(vec![
            Cell::Number(one.number.into()),
            Cell::of(one.until),
            Cell::of(&one.control),
            Cell::maybe(one.mitigation),
            Cell::of(&one.owner),
        ]);
    }
    table
}
