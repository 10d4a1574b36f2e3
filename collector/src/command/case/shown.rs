//! `case list` and `case show`: how each stands, and for how long it waits for whom.

use super::{find, plain, steps};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::exposure::case::{Step, days, reminder, waiting};
use crate::item::Owner;
use crate::store::exposure::CaseStep;

/// Lists cases.
pub(super) async fn list(app: &App, all: bool) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let steps = view.case_steps(None).await?;
    let mut table = Table::new(&[
        "case",
        "vendor",
        "about",
        "contact",
        "opened",
        "next_step_by",
        "days",
        "state",
        "closed",
    ]);
    for case in view.cases().await? {
        if case.closed_at.is_some() && !all {
            continue;
        }
        let of_case = steps.iter().filter(|one| one.case == case.number);
        let of_case: Vec<Step> = of_case.map(|one| one.step.clone()).collect();
        let waits = waiting(case.opened_at, &of_case, now);
        let is_open = case.closed_at.is_none();
        table.row(vec![
            Cell::Number(case.number.into()),
            Cell::of(&case.vendor),
            Cell::of(&case.about),
            Cell::maybe(case.contact.as_ref()),
            Cell::of(case.opened_at),
            Cell::maybe(is_open.then(|| waits.owner.word())),
            match is_open {
                true => Cell::Number(days(waits.since, now)),
                false => Cell::Empty,
            },
            Cell::of(case.closed_why.unwrap_or(waits.why)),
            Cell::maybe(case.closed_at),
        ]);
    }
    Ok(Output::Table(table))
}

/// Shows one.
pub(super) async fn show(app: &App, number: u32) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let case = find(&mut view, number).await?;
    let steps = steps(&mut view, number).await?;
    let plain = plain(&steps);
    let waits = waiting(case.opened_at, &plain, now);
    let is_open = case.closed_at.is_none();
    let reminded = reminder(&plain, now).filter(|_| is_open);
    let with_vendor = is_open && waits.owner == Owner::Vendor;
    let state = case.closed_why.clone().unwrap_or(waits.why);
    let text = format!(
        "Case {number} with {} about {}: {state}.",
        case.vendor, case.about
    );
    let report = Report::new(
        [
            ("case", Cell::Number(number.into())),
            ("vendor", Cell::of(&case.vendor)),
            ("about", Cell::of(&case.about)),
            ("about_kind", Cell::of(&case.about_kind)),
            ("contact", Cell::maybe(case.contact.as_ref())),
            ("opened_by", Cell::of(&case.opened_by)),
            ("opened", Cell::of(case.opened_at)),
            (
                "next_step_by",
                Cell::maybe(is_open.then(|| waits.owner.word())),
            ),
            (
                "waiting_days",
                match with_vendor {
                    true => Cell::Number(days(waits.since, now)),
                    false => Cell::Empty,
                },
            ),
            ("state", Cell::of(&state)),
            ("reminder", Cell::maybe(reminded.map(|step| &step.words))),
            ("closed", Cell::maybe(case.closed_at)),
        ],
        text,
    );
    Ok(Output::Report(report.with("steps", table(&steps))))
}

fn table(steps: &[CaseStep]) -> Table {
    let mut table = Table::new(&["step", "at", "kind", "due", "words", "document", "noted_by"]);
    for one in steps {
        table.row(vec![
            Cell::Number(one.number.into()),
            Cell::of(one.step.at),
            Cell::of(one.step.kind.word()),
            Cell::maybe(one.step.due),
            Cell::of(&one.step.words),
            Cell::maybe(one.document.as_ref().map(|(_, name)| name)),
            Cell::of(&one.said_by),
        ]);
    }
    table
}
