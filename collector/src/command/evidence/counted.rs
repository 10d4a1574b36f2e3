//! How many jobs there are of what packs are made of.

use super::period::month_of;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::View;
use patchward_common::time::{DAY_MS, UtcMs};
use std::collections::BTreeMap;

/// Jobs, and how many of them have ended.
type Counts = (u64, u64);

fn cells((jobs, ended): Counts) -> [Cell; 2] {
    let number = |count: u64| Cell::Number(i64::try_from(count).unwrap_or(i64::MAX));
    [number(jobs), number(ended)]
}

/// By unit and by machine.
pub(super) async fn places(view: &mut View) -> Result<Output, Failure> {
    let counts = view.jobs_by_machine().await?;
    let mut of_units: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut machines = Table::new(&["evidence_of_machine", "unit", "jobs", "ended"]);
    for count in &counts {
        let sum = of_units.entry(&count.and).or_default();
        *sum = (sum.0 + count.jobs, sum.1 + count.ended);
        let [jobs, ended] = cells((count.jobs, count.ended));
        machines.row(vec![Cell::of(&count.of), Cell::of(&count.and), jobs, ended]);
    }
    let mut units = Table::new(&["evidence_of_unit", "unit", "jobs", "ended"]);
    for (unit, sum) in of_units {
        let [jobs, ended] = cells(sum);
        units.row(vec![Cell::of(unit), Cell::of(unit), jobs, ended]);
    }
    units.note = Some(
        "A unit's jobs are those of the machines that stand in it now; packs say where they stood \
         as they were signed."
            .to_owned(),
    );
    let report = Report::new([], String::new());
    let report = report.with("units", units).with("machines", machines);
    Ok(Output::Report(report))
}

/// By release and by month.
pub(super) async fn releases(view: &mut View) -> Result<Output, Failure> {
    let mut releases = Table::new(&["evidence_of_release", "jobs", "ended"]);
    for count in view.jobs_by_release().await? {
        let [jobs, ended] = cells((count.jobs, count.ended));
        releases.row(vec![
            Cell::of(format!("{}={}", count.of, count.and)),
            jobs,
            ended,
        ]);
    }
    let mut by_month: BTreeMap<String, Counts> = BTreeMap::new();
    for day in view.jobs_by_day().await? {
        let month = month_of(UtcMs(day.day.saturating_mul(DAY_MS)));
        let sum = by_month.entry(month).or_default();
        *sum = (sum.0 + day.jobs, sum.1 + day.ended);
    }
    let mut months = Table::new(&["evidence_of_month", "jobs", "ended"]);
    // The newest first: that is the one that is asked for.
    for (month, sum) in by_month.into_iter().rev() {
        let [jobs, ended] = cells(sum);
        months.row(vec![Cell::of(month), jobs, ended]);
    }
    months.note = Some(
        "A job is of the month, in UTC, in which it last moved: of its outcome, or of its return \
         to service. A quarter or a year is asked for with --during 2026-Q4."
            .to_owned(),
    );
    let report = Report::new([], String::new());
    let report = report.with("releases", releases).with("months", months);
    Ok(Output::Report(report))
}
