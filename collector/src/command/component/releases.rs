//! `component search --releases`: what releases would bring, as their bills say.

use super::{SearchArgs, search};
use crate::app::App;
use crate::component::bom::Brought;
use crate::component::query::Pattern;
use crate::component::wanted::Verdict;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::searching::MAX_NAMED;
use std::collections::BTreeMap;

pub(super) async fn run(app: &App, args: &SearchArgs) -> Result<Output, Failure> {
    let query = search::query(args)?;
    let (from, until) = match &query.name {
        // The next text after a name is the name with the first of all characters behind it.
        Pattern::Exactly(name) => (name, format!("{name}\u{1}")),
        Pattern::Begins(begin) => (begin, format!("{begin}{}", char::MAX)),
    };
    let mut view = app.store.view().await?;
    let rows = view
        .released_components(from, &until, MAX_NAMED + 1)
        .await?;
    let is_cut = rows.len() > MAX_NAMED as usize;
    let releases = view.releases(None).await?;
    let releases: BTreeMap<_, _> = releases.iter().map(|one| (one.sha256, one)).collect();
    let columns = [
        "product",
        "release",
        "state",
        "component",
        "version",
        "purl",
    ];
    let mut brings = Table::new(&columns);
    let mut unknown = Table::new(&["product", "release", "component", "version", "why"]);
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
        let head = [Cell::of(&release.product), Cell::of(&release.version)];
        match query.verdict(&brought.component()) {
            Verdict::Out => {}
            Verdict::In => {
                let rest = [
                    Cell::of(release.state.word()),
                    Cell::of(brought.name),
                    Cell::of(brought.version),
                    Cell::maybe((!brought.purl.is_empty()).then_some(brought.purl)),
                ];
                brings.row(head.into_iter().chain(rest).collect());
            }
            Verdict::Unknown(why) => {
                let rest = [
                    Cell::of(brought.name),
                    Cell::of(brought.version),
                    Cell::of(why),
                ];
                unknown.row(head.into_iter().chain(rest).collect());
            }
        }
    }
    let mut without = Table::new(&["product", "release"]);
    for release in releases.values() {
        if view.bom(&release.sha256).await?.is_none() {
            without.row(vec![Cell::of(&release.product), Cell::of(&release.version)]);
        }
    }
    let text = format!(
        "{query}: releases bring it {} times; {} more cannot be compared, and {} releases have no \
         bill of materials (`release sbom`).{}",
        brings.rows.len(),
        unknown.rows.len(),
        without.rows.len(),
        match is_cut {
            true => " More are named so than one question may: ask for a longer beginning.",
            false => "",
        }
    );
    let parts = [
        ("question", Cell::of(&query)),
        ("complete", Cell::Flag(!is_cut)),
    ];
    let report = Report::new(parts, text)
        .with("brings", brings)
        .with("not_compared", unknown);
    Ok(Output::Report(report.with("without_sbom", without)))
}
