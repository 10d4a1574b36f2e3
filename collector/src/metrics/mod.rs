//! Figures for monitoring, out of the store and the running fleet.

mod text;

pub use text::{FAMILIES, Family, Figures, MAX_SERIES, Moves};

use crate::agenda;
use crate::app::App;
use crate::authority::newest;
use crate::control::Failure;
use crate::exposure::Exploitation;
use crate::item::standing::COUNTED;
use crate::item::{Item, Kind};
use crate::matching;
use crate::store::View;
use crate::store::documents::DocumentKind;
use patchward_common::time::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};
use patchward_common::trust::charter::Charter;
use patchward_common::trust::roster::Roster;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::collections::BTreeMap;
use std::path::Path;

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
pub async fn gathered(app: &App) -> Result<String, Failure> {
    Ok(figures(app).await?.text())
}

/// All figures.
pub async fn figures(app: &App) -> Result<Figures, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let mut figures = Figures::default();
    figures.note(&text::BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
    figures.note(&text::GATHERED, &[], now.0 as f64 / 1_000.0);
    let agenda = agenda::gather(&app.fleet, &mut view, now).await?;
    for word in COUNTED {
        let standings = agenda.machines.values();
        let count = standings.filter(|one| one.counted() == word).count();
        figures.count(&text::MACHINES, &[word], count);
    }
    heard(&mut figures, &mut view, now).await?;
    figures.count(&text::CONNECTED, &[], app.fleet.connected());
    items(&mut figures, &agenda.items, now);
    for (state, count) in view.jobs_by_state().await? {
        figures.note(&text::JOBS, &[&state], count as f64);
    }
    exposures(&mut figures, &mut view, now).await?;
    let counted = app.fleet.counted();
    figures.note(&text::HELLOS, &[], counted.hellos as f64);
    figures.note(&text::EVENTS, &[], counted.events as f64);
    figures.note(&text::STORE, &[], view.size_bytes().await? as f64);
    let page = app.settings.web_certificate.as_deref();
    for (what, ends) in ends(&mut view, page).await? {
        let days = ends.since_ms(now) as f64 / DAY_MS as f64;
        figures.note(&text::EXPIRES, &[what], days);
    }
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

/// When what the hospital depends on ends, as far as there is any of it.
async fn ends(view: &mut View, page: Option<&Path>) -> Result<Vec<(&'static str, UtcMs)>, Failure> {
    let charter = newest::<Charter>(view, DocumentKind::Charter).await?;
    let charter = charter.and_then(|signed| signed.peek().ok());
    let roster = newest::<Roster>(view, DocumentKind::Roster).await?;
    let roster = roster.and_then(|signed| signed.peek().ok());
    let all = [
        ("charter", charter.map(|one| one.expires)),
        ("roster", roster.map(|one| one.expires)),
        ("vendor_metadata", agenda::metadata_ends(view).await?),
        ("machine_certificates", view.certificates_end().await?),
        ("page_certificate", page.and_then(certificate_ends)),
    ];
    let known = all.into_iter();
    Ok(known
        .filter_map(|(what, ends)| Some((what, ends?)))
        .collect())
}

/// When the first certificate of a file ends; `None` where it cannot be read, which the
/// collector says when it starts.
fn certificate_ends(path: &Path) -> Option<UtcMs> {
    let der = CertificateDer::from_pem_file(path).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    Some(UtcMs(certificate.validity().not_after.timestamp() * 1_000))
}
