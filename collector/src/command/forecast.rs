//! Forecasts: `plan due`, `plan forecast`, `machine idle`, `rollout rehearsal`.

use super::plan::standing;
use super::zones::Zones;
use super::{Caller, machine, plan};
use crate::app::App;
use crate::authority;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::forecast::curve::Due;
use crate::forecast::rehearsal;
use crate::prospect::{self, Prospect};
use crate::store::View;
use crate::store::journal::MAX_EVENT_BYTES;
use crate::store::plans::Plan;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use patchward_common::codec;
use patchward_common::id::{MachineId, Name};
use patchward_common::job::{Event, JobEvent};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::sign::Signed;
use std::collections::BTreeMap;

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

async fn prospect(view: &mut View, plan: &Plan, now: UtcMs) -> Result<Prospect, Failure> {
    let lines = view.machines_of_plan(&plan.id).await?;
    let held = authority::held(view).await.ok();
    let refused = standing::refused(view, plan, held.as_ref(), now).await?;
    let refused = refused.map(|refused| refused.machines);
    prospect::of_plan(view, plan, &lines, refused.as_ref(), now).await
}

/// Enters when a plan has to be done, and says whether it will be.
pub(super) async fn due(
    app: &App,
    caller: &Caller,
    text: &str,
    due: UtcMs,
) -> Result<Output, Failure> {
    let found = plan::find(&mut app.store.view().await?, text).await?;
    let mut change = app.change(caller).await?;
    change.set_due(&found.id, due).await?;
    change.commit().await?;
    let mut view = app.store.view().await?;
    let prospect = prospect(&mut view, &found, app.now()).await?;
    Ok(Output::Text(words(&mut view, &prospect).await?))
}

async fn words(view: &mut View, prospect: &Prospect) -> Result<String, Failure> {
    let zones = Zones::read(view).await?;
    Ok(prospect.text(|at| zones.text(None, at)))
}

/// What a plan's forecast says in one sentence, for who has just made it.
pub(super) async fn said(
    app: &App,
    plan: &patchward_common::digest::Digest,
) -> Result<String, Failure> {
    let mut view = app.store.view().await?;
    match view.plan(plan).await? {
        Some(found) => {
            let prospect = prospect(&mut view, &found, app.now()).await?;
            words(&mut view, &prospect).await
        }
        None => Ok(String::new()),
    }
}

/// Shows how many machines of a plan are done by when.
pub(super) async fn show(app: &App, text: &str) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let found = plan::find(&mut view, text).await?;
    let prospect = prospect(&mut view, &found, app.now()).await?;
    let names = view.names_of_plan(&found.id).await?;
    let mut curve = Table::new(&["by", "at_least", "probably", "at_most"]);
    for point in &prospect.curve {
        curve.row(vec![
            Cell::of(point.at),
            Cell::Number(point.low as i64),
            Cell::Number(point.middle as i64),
            Cell::Number(point.high as i64),
        ]);
    }
    let mut starving = Table::new(&["machine", "percent", "missed_as"]);
    for one in &prospect.starving {
        starving.row(vec![
            name(&names, &one.machine),
            Cell::Number((one.chance * 100.0).round() as i64),
            Cell::maybe(one.miss.map(|miss| miss.word())),
        ]);
    }
    let mut unfit = Table::new(&["machine", "reason", "who"]);
    for one in &prospect.unfit {
        unfit.row(vec![
            name(&names, &one.machine),
            Cell::of(&one.reason),
            Cell::of(&one.owner),
        ]);
    }
    let hindered = hindered(&names, &prospect);
    let due = prospect.due.map(|(_, due)| match due {
        Due::Kept => ("kept", 0),
        Due::AtRisk(left) => ("at_risk", left),
        Due::Missed(left) => ("missed", left),
    });
    let report = Report::new(
        [
            ("plan", Cell::of(found.id)),
            ("machines", Cell::Number(prospect.machines as i64)),
            ("done", Cell::Number(prospect.done as i64)),
            ("due", Cell::maybe(prospect.due.map(|(at, _)| at))),
            ("due_is", Cell::maybe(due.map(|(word, _)| word))),
            (
                "left_at_due",
                due.map_or(Cell::Empty, |(_, n)| Cell::Number(n as i64)),
            ),
        ],
        words(&mut view, &prospect).await?,
    );
    let report = report.with("curve", curve).with("starving", starving);
    Ok(Output::Report(
        report.with("unfit", unfit).with("hindered", hindered),
    ))
}

fn hindered(names: &BTreeMap<MachineId, String>, prospect: &Prospect) -> Table {
    let mut hindered = Table::new(&["machine", "reason", "who"]);
    for (id, hindrance) in &prospect.hindered {
        hindered.row(vec![
            name(names, id),
            Cell::of(&hindrance.reason),
            Cell::of(hindrance.owner.word()),
        ]);
    }
    hindered
}

fn name(names: &BTreeMap<MachineId, String>, id: &MachineId) -> Cell {
    names.get(id).map_or_else(|| Cell::of(id), Cell::of)
}

/// The zone of a unit's windows; UTC where it has none.
async fn zone(view: &mut View, unit: &Name) -> Result<TimeZone, Failure> {
    let windows = view.windows(Some(unit)).await?;
    let zone = windows
        .first()
        .and_then(|window| TimeZone::get(&window.zone).ok());
    Ok(zone.unwrap_or(TimeZone::UTC))
}

/// Shows how many hours of each weekday a machine is idle.
pub(super) async fn idle(app: &App, text: &str) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let found = machine::find(&mut view, text).await?;
    let history = view.interlock_history(&found.id).await?;
    let zone = zone(&mut view, &found.unit).await?;
    let now = Timestamp::from_millisecond(app.now().0).unwrap_or_default();
    let offset = zone.to_offset(now);
    let days = history.weekdays(i64::from(offset.seconds()).div_euclid(3_600));
    let mut table = Table::new(&["weekday", "idle_hours", "in_use_hours", "unknown_hours"]);
    for (name, hours) in WEEKDAYS.iter().zip(days) {
        let mut row = vec![Cell::of(name)];
        row.extend(hours.map(|hours| Cell::of(format!("{hours:.1}"))));
        table.row(row);
    }
    table.note = Some(format!(
        "A usual week of {} at {offset} from UTC, from what its interlock said. Hours in which it \
         was never asked are in none; what is missed for long counts as unknown.",
        found.name
    ));
    Ok(Output::Table(table))
}

/// Whether an event says that a machine rehearsed.
fn is_rehearsal((_, event): &(UtcMs, Event)) -> bool {
    matches!(event, Event::WouldHaveStarted(_))
}

/// Shows what machines in mode `rehearse` would have done in a plan.
pub(super) async fn rehearsal(app: &App, text: &str) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let found = plan::find(&mut view, text).await?;
    let mut table = Table::new(&["machine", "mode", "at", "what"]);
    for job in view.jobs_of_plan(&found.id).await? {
        let Some(machine) = view.machine(&job.machine).await? else {
            continue;
        };
        let stored = view.journal_since(&job.machine, found.created_at).await?;
        let read = stored.iter().filter_map(|bytes| {
            let signed = codec::decode::<Signed<JobEvent>>(bytes, MAX_EVENT_BYTES).ok()?;
            signed.peek().ok()
        });
        let own = read.filter(|event| event.job == job.id);
        let events: Vec<_> = own.map(|event| (event.at, event.event)).collect();
        // What an active machine did is in `job journal`: nothing of it "would have" been.
        if machine.mode != Mode::Rehearse && !events.iter().any(is_rehearsal) {
            continue;
        }
        let history = view.interlock_history(&job.machine).await?;
        let zone = zone(&mut view, &machine.unit).await?;
        for line in rehearsal::words(&events, &history, &zone) {
            table.row(vec![
                Cell::of(&machine.name),
                Cell::of(machine.mode.word()),
                Cell::of(line.at),
                Cell::of(line.text),
            ]);
        }
    }
    table.note = Some("To install on a machine, HTM signs an assignment with mode active.".into());
    Ok(Output::Table(table))
}
