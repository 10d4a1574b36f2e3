//! `component search --releases`: what releases would bring, as their bills say.

use super::{SearchArgs, search};
use crate::app::App;
use crate::component::bom::Brought;
use crate::component::query::{Pattern, Query};
use crate::component::wanted::Verdict;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::searching::MAX_NAMED;
use crate::store::View;
use crate::store::releases::Release;
use std::collections::BTreeMap;

/// What was found of a question.
struct Found {
    brings: Table,
    unknown: Table,
    is_cut: bool,
}

pub(super) async fn run(app: &App, args: &SearchArgs) -> Result<Output, Failure> {
    let query = search::query(args)?;
    let mut view = app.store.view().await?;
    let releases = view.releases(None).await?;
    let found = find(&mut view, &query, &releases).await?;
    let mut without = Table::new(&["product", "release"]);
    for release in &releases {
        if view.bom(&release.sha256).await?.is_none() {
            without.row(vec![Cell::of(&release.product), Cell::of(&release.version)]);
        }
    }
    let text = format!(
        "{query}: releases bring it {} times; {} more cannot be compared, and {} releases have no \
         bill of materials (`release sbom`).{}",
        found.brings.rows.len(),
        found.unknown.rows.len(),
        without.rows.len(),
        match found.is_cut {
            true => " More are named so than one question may: ask for a longer beginning.",
            false => "",
        }
    );
    let parts = [
        ("question", Cell::of(&query)),
        ("complete", Cell::Flag(!found.is_cut)),
    ];
    let report = Report::new(parts, text)
        .with("brings", found.brings)
        .with("not_compared", found.unknown);
    Ok(Output::Report(report.with("without_sbom", without)))
}

async fn find(view: &mut View, query: &Query, releases: &[Release]) -> Result<Found, Failure> {
    let (from, until) = match &query.name {
        // No name has a control character, so that none is between a name and this.
        Pattern::Exactly(name) => (name, format!("{name}\u{1}")),
        Pattern::Begins(begin) => (begin, format!("{begin}{}", char::MAX)),
    };
    let rows = view.released_components(from, &until, MAX_NAMED + 1);
    let rows = rows.await?;
    let releases: BTreeMap<_, _> = releases.iter().map(|one| (one.sha256, one)).collect();
    let mut found = Found {
        brings: Table::new(&[
            "product",
            "release",
            "state",
            "component",
            "version",
            "purl",
        ]),
        unknown: Table::new(&["product", "release", "component", "version", "why"]),
        is_cut: rows.len() > MAX_NAMED as usize,
    };
    for row in rows {
        let Some(release) = releases.get(&row.release) else {
            continue;
        };
        let brought = Brought {
            source: row.source,
            name: row.name,
            version: row.version,
            purl: row.purl,
        };
        let verdict = query.verdict(&brought.component());
        let head = [Cell::of(&release.product), Cell::of(&release.version)];
        let (name, version) = (Cell::of(brought.name), Cell::of(brought.version));
        match verdict {
            Verdict::Out => {}
            Verdict::In => {
                let state = Cell::of(release.state.word());
                let purl = Cell::maybe((!brought.purl.is_empty()).then_some(brought.purl));
                let rest = [state, name, version, purl];
                found.brings.row(head.into_iter().chain(rest).collect());
            }
            Verdict::Unknown(why) => {
                let rest = [name, version, Cell::of(why)];
                found.unknown.row(head.into_iter().chain(rest).collect());
            }
        }
    }
    Ok(found)
}
