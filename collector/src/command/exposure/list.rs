//! `exposure list`: every open match, or what they come to by machine, asset, model, unit or
//! vendor.

use crate::advisory::name;
use crate::app::App;
use crate::command::listed::Paged;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::exposure::{By, Counts, Group, Line, rolled};
use crate::matching::{self, Exposed, Unreadable};
use crate::store::listed::Wanted;
use patchward_common::id::{Label, Name};
use patchward_common::words::counted;
use serde::{Deserialize, Serialize};

/// What the list of open matches is called.
pub(in crate::command) const MATCHES: &str = "matches";

/// What is looked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct Asked {
    /// Only what is used in this unit
    #[arg(long)]
    unit: Option<Name>,
    /// Only products of this vendor, by words of its name
    #[arg(long)]
    vendor: Option<String>,
    /// Only this model, by words of its name
    #[arg(long)]
    model: Option<String>,
    /// Only this machine, by its name
    #[arg(long)]
    machine: Option<Name>,
    /// Only this asset
    #[arg(long, conflicts_with = "machine")]
    asset: Option<Label>,
    /// Only this advisory
    #[arg(long)]
    advisory: Option<String>,
    /// Put together by: machine, asset, model, unit, vendor
    #[arg(long, value_parser = ["machine", "asset", "model", "unit", "vendor"])]
    by: Option<String>,
}

impl Asked {
    fn wants(&self, line: &Line) -> bool {
        let has = |text: &str, words: &str| name::key(text).contains(&name::key(words));
        (self.unit.is_none() || self.unit == line.unit)
            && self
                .vendor
                .as_ref()
                .is_none_or(|words| has(&line.vendor, words))
            && self
                .model
                .as_ref()
                .is_none_or(|words| has(&line.model, words))
    }

    /// Whose lines are asked for, as [`Exposed::among`] names it.
    fn whose(&self) -> Option<String> {
        match (&self.machine, &self.asset, &self.advisory, &self.unit) {
            (Some(name), _, _, _) => Some(format!("machine {name}")),
            (None, Some(tag), _, _) => Some(format!("asset {tag}")),
            (None, None, Some(id), _) => Some(format!("advisory {id}")),
            (None, None, None, Some(name)) => Some(format!("unit {name}")),
            (None, None, None, None) => None,
        }
    }

    fn is_about(&self, advisory: &str) -> bool {
        self.advisory.as_deref().is_none_or(|id| id == advisory)
    }

    fn by(&self) -> Option<By> {
        self.by.as_deref().and_then(By::of_word)
    }

    /// The lines that are asked for.
    fn among<'f>(&self, found: &'f Exposed) -> Vec<&'f Line> {
        let mut lines = found.among(self.whose().as_deref());
        lines.retain(|line| self.is_about(&line.advisory) && self.wants(line));
        lines
    }

    /// What they come to. Of all lines it is counted once.
    fn counts(&self, found: &Exposed, lines: &[&Line]) -> Counts {
        match lines.len() == found.lines.len() {
            true => found.counts(),
            false => Counts::of(lines),
        }
    }

    /// The advisories that are asked for and cannot be read.
    fn unreadable(&self, found: &Exposed) -> Vec<Unreadable> {
        let bad = found.unreadable.iter().filter(|one| self.is_about(&one.id));
        bad.cloned().collect()
    }
}

/// Lists what is open.
pub(super) async fn list(app: &App, asked: &Asked) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    if let Some(id) = &asked.advisory {
        super::scope::need_advisory(&mut view, id).await?;
    }
    let found = matching::exposed(&mut view, asked.advisory.as_deref(), app.now()).await?;
    Ok(shown(&found, asked))
}

/// The advisory that is asked for must be there.
pub(in crate::command) async fn must_be_there(app: &App, asked: &Asked) -> Result<(), Failure> {
    if let Some(id) = &asked.advisory {
        super::scope::need_advisory(&mut app.store.view().await?, id).await?;
    }
    Ok(())
}

/// What is open of what was gathered of all advisories.
pub(in crate::command) fn shown(found: &Exposed, asked: &Asked) -> Output {
    let lines = asked.among(found);
    let report = summed(asked.counts(found, &lines));
    let report = match asked.by() {
        Some(by) => report.with("groups", groups(&rolled(&lines, by))),
        None => report.with(MATCHES, table(&lines)),
    };
    let bad = asked.unreadable(found);
    Output::Report(match bad.is_empty() {
        true => report,
        false => report.with("unreadable", unreadable(&bad)),
    })
}

/// A page of the same in its own order: rows are made of what is shown alone. `None` where that is
/// not all there is to show: groups, or advisories that cannot be read.
pub(in crate::command) fn page(found: &Exposed, asked: &Asked, wanted: &Wanted) -> Option<Paged> {
    if asked.by().is_some() || !asked.unreadable(found).is_empty() {
        return None;
    }
    let lines = asked.among(found);
    let from = usize::try_from(wanted.offset).unwrap_or(usize::MAX);
    let rows = lines.iter().skip(from).take(wanted.limit as usize);
    let rows: Vec<&Line> = rows.copied().collect();
    Some(Paged {
        table: table(&rows),
        total: lines.len() as u64,
        found: lines.len() as u64,
        report: Some((MATCHES, summed(asked.counts(found, &lines)))),
        unsorted: &[],
    })
}

fn number(count: usize) -> Cell {
    Cell::Number(count as i64)
}

fn summed(counts: Counts) -> Report {
    let text = format!(
        "{} of {} on {} machines and assets: {} are affected, and of {} a person must say. {} have an \
         exception, {} a mitigation in place. The order: known exploitation, then class, then \
         severity, then reach.",
        counted(counts.matches, "open match", "open matches"),
        counted(counts.advisories, "advisory", "advisories"),
        counts.holders,
        counts.affected,
        counts.needs_person,
        counts.excepted,
        counts.mitigated,
    );
    Report::new(
        [
            ("open", number(counts.matches)),
            ("machines_and_assets", number(counts.holders)),
            ("advisories", number(counts.advisories)),
            ("affected", number(counts.affected)),
            ("needs_person", number(counts.needs_person)),
            ("excepted", number(counts.excepted)),
            ("mitigated", number(counts.mitigated)),
        ],
        text,
    )
}

fn table(lines: &[&Line]) -> Table {
    let mut table = Table::new(&[
        "advisory",
        "on",
        "unit",
        "model",
        "vendor",
        "thing",
        "value",
        "vulnerabilities",
        "exploitation",
        "class",
        "severity",
        "reach",
        "state",
        "machine_left_as_it_is",
        "since",
    ]);
    for line in lines {
        let parts = &line.priority;
        table.row(vec![
            Cell::of(&line.advisory),
            Cell::of(&line.holder),
            Cell::maybe(line.unit.as_ref()),
            Cell::of(&line.model),
            Cell::of(&line.vendor),
            Cell::of(&line.thing),
            Cell::of(line.value()),
            Cell::List(line.open.iter().map(|one| one.name.clone()).collect()),
            Cell::of(parts.exploitation.words()),
            Cell::of(parts.criticality.words()),
            Cell::of(parts.severity.words()),
            Cell::of(parts.reach.words()),
            Cell::of(line.standing.words()),
            Cell::maybe(line.machine_left.as_ref()),
            Cell::of(line.since),
        ]);
    }
    table
}

/// Advisories whose matches stand in the list without their vulnerabilities.
fn unreadable(all: &[Unreadable]) -> Table {
    let mut table = Table::new(&["advisory", "why", "what_to_do"]);
    for one in all {
        table.row(vec![
            Cell::of(&one.id),
            Cell::of(format!("it cannot be read any more: {}", one.why)),
            Cell::of(format!(
                "import a newer revision, or after `advisory remove {}` the same one again",
                one.id
            )),
        ]);
    }
    table
}

fn groups(groups: &[Group]) -> Table {
    let mut table = Table::new(&[
        "name",
        "open",
        "machines_and_assets",
        "advisories",
        "affected",
        "needs_person",
        "excepted",
        "mitigated",
        "most_urgent",
    ]);
    for Group {
        name,
        counts,
        priority,
    } in groups
    {
        table.row(vec![
            Cell::maybe(name.as_ref()),
            number(counts.matches),
            number(counts.holders),
            number(counts.advisories),
            number(counts.affected),
            number(counts.needs_person),
            number(counts.excepted),
            number(counts.mitigated),
            Cell::of(priority.words()),
        ]);
    }
    table
}
