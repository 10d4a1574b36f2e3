//! `component search` over the machines.

use super::SearchArgs;
use crate::app::App;
use crate::component::query::Query;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::searching::{Found, MAX_NAMED, Scope, count, search};
use std::collections::BTreeMap;

/// Most machines that are named beside a component that nobody can compare; the others are
/// counted.
const MOST_NAMED: usize = 20;

/// What was typed, as a question.
pub(super) fn query(args: &SearchArgs) -> Result<Query, Failure> {
    let read = match (&args.purl, &args.question) {
        (Some(purl), versions) => Query::of_purl(purl, versions.as_deref()),
        (None, question) => Query::parse(question.as_deref().unwrap_or_default()),
    };
    let mut query = read.map_err(Failure::input)?;
    if let Some(source) = args.source {
        query.sources.retain(|one| *one == source);
    }
    if query.sources.is_empty() {
        return Err(Failure::input(
            "The versions or the package URL speak of another source than --source names: leave \
             one of them out.",
        ));
    }
    Ok(query)
}

pub(super) async fn run(app: &App, args: &SearchArgs) -> Result<Output, Failure> {
    let query = query(args)?;
    let mut view = app.store.view().await?;
    if let Some(unit) = &args.unit
        && view.unit(unit).await?.is_none()
    {
        return Err(super::super::no_unit(unit));
    }
    let scope = Scope {
        unit: args.unit.clone(),
        class: args.class,
    };
    let found = search(&app.fleet, &mut view, &query, &scope).await?;
    Ok(Output::Report(report(&query, &found)))
}

fn report(query: &Query, found: &Found) -> Report {
    let affected = found.by_machine();
    let unknown = count(found.unknown().flat_map(|(one, _)| one.machines.clone()));
    let numbers = [affected.len(), found.machines.len(), found.untold.len()];
    let [have, all, untold] = numbers.map(|number| Cell::Number(number as i64));
    let mut text = format!(
        "{query}: {have} of {all} machines have it. Of {unknown} nobody can say because of their \
         version, of {untold} because they have not told what they have."
    );
    let mut say = |more: &str| {
        text.push('\n');
        text.push_str(more);
    };
    if let Some(note) = &query.note {
        say(note);
    }
    if found.is_cut {
        say(&format!(
            "More than {MAX_NAMED} components are named so, and only these were looked at: ask for \
             a longer beginning."
        ));
    }
    let parts = [
        ("question", Cell::of(query)),
        ("machines_with_it", have),
        ("machines_searched", all),
        ("machines_not_compared", Cell::Number(unknown as i64)),
        ("machines_not_told", untold),
        ("complete", Cell::Flag(!found.is_cut)),
    ];
    Report::new(parts, text)
        .with("machines", machines(found))
        .with("versions", versions(found))
        .with("units", units(found))
        .with("not_compared", not_compared(found))
        .with("not_told", not_told(found))
}

fn machines(found: &Found) -> Table {
    let mut table = Table::new(&["machine", "unit", "class", "has"]);
    for (at, has) in found.by_machine() {
        let machine = &found.machines[at];
        let has = has.iter().map(|one| match one.arch.as_str() {
            "" => format!("{} {}", one.name, one.version),
            arch => format!("{} {} ({arch})", one.name, one.version),
        });
        table.row(vec![
            Cell::of(&machine.name),
            Cell::of(&machine.unit),
            Cell::of(machine.class.word()),
            Cell::List(has.collect()),
        ]);
    }
    table
}

fn versions(found: &Found) -> Table {
    let columns = ["component", "source", "version", "architecture", "machines"];
    let mut table = Table::new(&columns);
    for one in found.meant() {
        table.row(vec![
            Cell::of(&one.component.name),
            Cell::of(one.component.source.word()),
            Cell::of(&one.component.version),
            Cell::of(&one.component.arch),
            Cell::Number(one.machines.len() as i64),
        ]);
    }
    table
}

fn units(found: &Found) -> Table {
    let mut counts: BTreeMap<_, i64> = BTreeMap::new();
    for at in found.by_machine().into_keys() {
        *counts.entry(&found.machines[at].unit).or_default() += 1;
    }
    let mut table = Table::new(&["unit", "machines"]);
    for (unit, count) in counts {
        table.row(vec![Cell::of(unit), Cell::Number(count)]);
    }
    table
}

fn not_compared(found: &Found) -> Table {
    let columns = ["component", "source", "version", "machines", "named", "why"];
    let mut table = Table::new(&columns);
    for (one, why) in found.unknown() {
        let first = one.machines.iter().take(MOST_NAMED);
        let names = first.map(|at| found.machines[*at].name.to_string());
        table.row(vec![
            Cell::of(&one.component.name),
            Cell::of(one.component.source.word()),
            Cell::of(&one.component.version),
            Cell::Number(one.machines.len() as i64),
            Cell::List(names.collect()),
            Cell::of(why),
        ]);
    }
    table
}

fn not_told(found: &Found) -> Table {
    let mut table = Table::new(&["machine", "unit", "class"]);
    for at in &found.untold {
        let machine = &found.machines[*at];
        table.row(vec![
            Cell::of(&machine.name),
            Cell::of(&machine.unit),
            Cell::of(machine.class.word()),
        ]);
    }
    table
}
