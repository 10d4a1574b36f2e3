//! Figures for monitoring, out of the store and the running fleet.

mod text;

pub use text::{FAMILIES, Family, Figures, MAX_SERIES, Moves};

use crate::agenda;
use crate::app::App;
use crate::claims::Work;
use crate::command;
use crate::control::Failure;
use crate::expiring;
use crate::exposure::Exploitation;
use crate::item::expiry::{STEPS, WHATS, Warning, What, warnings};
use crate::item::standing::COUNTED;
use crate::item::{Item, Kind};
use crate::matching;
use crate::stopped;
use crate::store::{self, View};
use patchward_common::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::trust::roster::Class;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long ago machines may have been heard: a hello, an outage, a day, a week.
const HEARD: [(&str, i64); 4] = [
    ("5m", 5 * MINUTE_MS),
    ("1h", HOUR_MS),
    ("1d", DAY_MS),
    ("7d", 7 * DAY_MS),
];

/// All figures as text.
pub async fn gathered(app: &Arc<App>) -> Result<String, Failure> {
    Ok(figures(app).await?.text())
}

/// All figures.
pub async fn figures(app: &Arc<App>) -> Result<Figures, Failure> {
    let now = app.now();
    let agenda = command::agenda_kept(app).await?;
    let mut view = app.store.view().await?;
    let mut figures = Figures::default();
    figures.note(&text::BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
    figures.note(&text::GATHERED, &[], now.0 as f64 / 1_000.0);
    for word in COUNTED {
        let standings = agenda.machines.values();
        let count = standings.filter(|one| one.counted() == word).count();
        figures.count(&text::MACHINES, &[word], count);
    }
    heard(&mut figures, &mut view, now).await?;
    figures.count(&text::CONNECTED, &[], app.fleet.connected());
    for (carrier, count) in app.fleet.connected_over() {
        figures.count(&text::CARRIERS, &[carrier.word()], count);
    }
    let sent = app.fleet.sent();
    for (to, bytes) in [("machines", sent.machines), ("relays", sent.relays)] {
        figures.note(&text::ARTIFACTS, &[to], bytes as f64);
    }
    items(&mut figures, &agenda.items, now);
    let unacknowledged = stopped::unacknowledged(&app.fleet, &mut view, now).await?;
    figures.count(&text::UNACKNOWLEDGED, &[], unacknowledged);
    for (state, count) in view.jobs_by_state().await? {
        figures.note(&text::JOBS, &[&state], count as f64);
    }
    exposures(&mut figures, &mut view, now).await?;
    let counted = app.fleet.counted();
    figures.note(&text::HELLOS, &[], counted.hellos as f64);
    figures.note(&text::EVENTS, &[], counted.events as f64);
    figures.note(&text::STORE, &[], view.size_bytes().await? as f64);
    figures.note(&text::STORE_ERRORS, &[], store::faults() as f64);
    let seconds = |ms: i64| ms as f64 / SECOND_MS as f64;
    figures.note(&text::TASKS, &[], seconds(app.pulse.age_ms(now)));
    figures.count(&text::COLLECTORS, &[], app.fleet.elsewhere().len() + 1);
    if let Some(apart_ms) = app.fleet.clocks().apart_ms() {
        figures.note(&text::CLOCKS, &[], seconds(apart_ms));
    }
    for work in Work::ALL {
        let holds = usize::from(app.claims.holds(work));
        figures.count(&text::HOLDS, &[work.word()], holds);
    }
    if let Some(heard) = agenda.heard_at {
        figures.note(&text::ANCHOR, &[], seconds(now.since_ms(heard)));
    }
    expiries(&mut figures, app, &mut view, now).await?;
    let (waiting, given_up) = view.notices_left().await?;
    figures.note(&text::NOTICES, &["waiting"], waiting as f64);
    figures.note(&text::NOTICES, &["given_up"], given_up as f64);
    Ok(figures)
}

async fn heard(figures: &mut Figures, view: &mut View, now: UtcMs) -> Result<(), Failure> {
    let since = HEARD.map(|(_, ms)| now.plus_ms(-ms));
    let counts = view.heard_since(since).await?;
    let words = HEARD.map(|(word, _)| word).into_iter();
    let words = words.chain(["longer", "never"]);
    for (word, count) in words.zip(counts) {
        figures.note(&text::HEARD, &[word], count as f64);
    }
    Ok(())
}

fn items(figures: &mut Figures, items: &[Item], now: UtcMs) {
    let mut counts: BTreeMap<(Kind, &str), (usize, usize)> = BTreeMap::new();
    for item in items {
        let count = counts.entry((item.kind, item.owner.word())).or_default();
        count.0 += 1;
        count.1 += usize::from(item.is_raised(now));
    }
    for ((kind, owner), (open, raised)) in counts {
        figures.count(&text::ITEMS, &[kind.word(), owner], open);
        figures.count(&text::RAISED, &[kind.word(), owner], raised);
    }
    for (family, kind) in [
        (&text::UNSIGNED, Kind::Sign),
        (&text::HALTED, Kind::Halted),
        (&text::STOPS, Kind::Stopped),
    ] {
        let count = items.iter().filter(|item| item.kind == kind).count();
        figures.count(family, &[], count);
    }
    for class in [Class::Standard, Class::Critical, Class::LifeSupport] {
        let silent = |item: &&Item| item.kind == Kind::Silent && item.class == Some(class);
        let count = items.iter().filter(silent).count();
        figures.count(&text::SILENT, &[class.word()], count);
    }
}

async fn exposures(figures: &mut Figures, view: &mut View, now: UtcMs) -> Result<(), Failure> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in matching::exposed(view, None, now).await?.lines {
        let exploited = match line.priority.exploitation {
            Exploitation::NotKnown => "not_known",
            Exploitation::Told => "told",
            Exploitation::Listed { .. } => "listed",
        };
        let class = line.priority.criticality.class().word();
        *counts.entry((exploited, class)).or_default() += 1;
    }
    for ((exploited, class), count) in counts {
        figures.count(&text::EXPOSURES, &[exploited, class], count);
    }
    Ok(())
}

/// When what the hospital depends on ends, as far as there is any of it, and what of it is
/// warned of.
async fn expiries(
    figures: &mut Figures,
    app: &App,
    view: &mut View,
    now: UtcMs,
) -> Result<(), Failure> {
    let mut first: BTreeMap<&str, UtcMs> = BTreeMap::new();
    let all = expiring::with_machines(&app.fleet, view, now).await?;
    let singly = all.iter().filter(|one| one.what != What::Machine);
    let singly = singly.map(|one| (one.what.word(), Some(one.life.ends)));
    let others = [
        ("vendor_metadata", agenda::metadata_ends(view).await?),
        (What::Machine.word(), view.certificates_end().await?),
    ];
    for (what, ends) in singly.chain(others) {
        if let Some(ends) = ends {
            let known = first.entry(what).or_insert(ends);
            *known = ends.min(*known);
        }
    }
    for (what, ends) in first {
        let left = ends.since_ms(now) as f64 / SECOND_MS as f64;
        figures.note(&text::EXPIRES, &[what], left);
    }
    let warnings = warnings(&all, now);
    for what in WHATS {
        for step in STEPS {
            let of = |one: &&Warning| one.expires.what == what && one.step == step;
            let count = warnings.iter().filter(of).count();
            figures.count(&text::EXPIRING, &[what.word(), step.word()], count);
        }
    }
    Ok(())
}
