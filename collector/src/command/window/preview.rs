//! `window preview`: the next openings of a unit, and what freezes leave of them.

use super::understood;
use crate::app::App;
use crate::command::calendar::MANUAL;
use crate::command::{no_unit, outlook_of};
use crate::control::{Cell, Failure, Output, Table};
use crate::forecast::idle::share_of_all;
use crate::schedule::outlook::{self, Outlook};
use crate::store::View;
use patchward_common::id::{Label, Name};
use patchward_common::time::{Interval, MINUTE_MS};
use std::collections::BTreeMap;

/// Most characters of an event's title that a preview shows.
const MAX_TITLE: usize = 60;

/// What people call the freezes that calendars say: the title of the event. The name is
/// for `freeze list` and for emergencies.
async fn titles(view: &mut View, openings: &[Outlook]) -> Result<BTreeMap<Label, Label>, Failure> {
    let spans = openings.iter().map(|one| one.opening);
    let first = spans.clone().map(|span| span.start()).min();
    let last = spans.map(|span| span.end()).max();
    let Some(range) = first
        .zip(last)
        .and_then(|(from, until)| Interval::new(from, until).ok())
    else {
        return Ok(BTreeMap::new());
    };
    let mut freezes = view.freezes(range).await?;
    freezes.retain(|freeze| freeze.source.as_str() != MANUAL);
    let titled = freezes.into_iter().filter_map(|freeze| {
        // A title may be longer than a name.
        let title: String = freeze.reason.chars().take(MAX_TITLE).collect();
        Some((freeze.id, Label::new(title).ok()?))
    });
    Ok(titled.collect())
}

/// What is to know of an opening: the clock, and freezes.
fn notes(opening: &Outlook, titles: &BTreeMap<Label, Label>) -> Option<String> {
    let mut notes = Vec::new();
    if opening.clock_change {
        notes.push("the clock changes".to_owned());
    }
    if !opening.taken_by.is_empty() {
        let names = opening
            .taken_by
            .iter()
            .map(|name| titles.get(name).unwrap_or(name));
        let mut names: Vec<&str> = names.map(|name| name.as_str()).collect();
        names.dedup();
        let what = if opening.left.is_empty() {
            "frozen"
        } else {
            "partly frozen"
        };
        notes.push(format!("{what}: {}", names.join(", ")));
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// Where an opening ends and how long it is; one that stays open has neither.
fn end(opening: &Outlook) -> [Cell; 4] {
    match opening.stays_open {
        true => [
            Cell::of("stays open"),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ],
        false => [
            Cell::of(&opening.local_end),
            Cell::of(opening.opening.end()),
            Cell::Number(opening.opening.length_ms() / MINUTE_MS),
            Cell::Number(opening.left_minutes()),
        ],
    }
}

/// Shows the next openings.
pub(super) async fn preview(app: &App, unit: &Name) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let known = view.unit(unit).await?;
    let known = known.ok_or_else(|| no_unit(unit))?;
    let openings = outlook_of(app, &mut view, &known).await?;
    let mut table = Table::new(&[
        "opens",
        "closes",
        "opens_utc",
        "closes_utc",
        "minutes",
        "left",
        "idle_percent",
        "idle_known",
        "windows",
        "note",
    ]);
    let histories = view.interlock_histories(unit).await?;
    let titles = titles(&mut view, &openings).await?;
    for opening in &openings {
        let idle = share_of_all(&histories, opening.opening);
        let [closes, closes_utc, minutes, left] = end(opening);
        table.row(vec![
            Cell::of(&opening.local_start),
            closes,
            Cell::of(opening.opening.start()),
            closes_utc,
            minutes,
            left,
            Cell::maybe(idle.map(|(share, _)| format!("{:.0}", share * 100.0))),
            Cell::Number(idle.map_or(0, |(_, known)| known as i64)),
            Cell::List(opening.windows.iter().map(ToString::to_string).collect()),
            Cell::maybe(notes(opening, &titles)),
        ]);
    }
    table.note = Some(if openings.is_empty() {
        "No window means never: nothing starts in this unit.".into()
    } else {
        let mut words = Vec::new();
        for window in view.windows(Some(unit)).await? {
            words.push(format!("{}: {}", window.id, understood(&window)?.words()));
        }
        words.extend(outlook::remedy(&openings));
        words.push(
            "idle_percent: how idle its machines usually are then, of the idle_known that told."
                .into(),
        );
        words.join("\n")
    });
    Ok(Output::Table(table))
}
