//! Releases as people and programs get them.

use super::enrolled::Enrolled;
use super::needed::{self, Having, Sums};
use super::{description, met};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::View;
use crate::store::releases::Release;
use patchward_common::id::Name;
use patchward_common::trust::origin::Origin;
use patchward_common::trust::release::ReleaseDescription;
use std::sync::Arc;

/// So many of what a release fixes are named in a list; its page has all.
const MAX_FIXES_NAMED: usize = 2;

/// All releases, the newest of each product first.
pub(in crate::command) async fn list(
    app: &App,
    enrolled: Arc<Enrolled>,
    product: Option<&Name>,
) -> Result<Output, Failure> {
    let mut table = Table::new(&[
        "product",
        "version",
        "counter",
        "kind",
        "provenance",
        "state",
        "needed_by",
        "unknown",
        "fixes",
        "users_will_notice",
        "mds2_allows",
        "repository",
        "sha256",
    ]);
    let mut view = app.store.view().await?;
    let releases = view.releases(product).await?;
    // Of one that cannot be read nothing more is said; it stays in the list.
    let described: Vec<_> = releases.iter().map(|one| description(one).ok()).collect();
    let offered = releases.iter().zip(&described);
    let offered = offered.filter(|(release, _)| needed::is_offered(release));
    let offered: Vec<&ReleaseDescription> = offered.filter_map(|(_, one)| one.as_ref()).collect();
    let having = Having::read(app, &mut view, enrolled, &offered).await?;
    for (release, described) in releases.into_iter().zip(described) {
        let described = described.as_ref();
        let [needed_by, unknown, mds2_allows] = match described {
            Some(described) if needed::is_offered(&release) => {
                let groups = having.groups(described);
                let models = having.of_models(&release.product, &groups);
                let sums = having.sums(described, &groups);
                let [needed, unknown] = [sums.needed, sums.unknown].map(number);
                [needed, unknown, needed::allowed(&models)]
            }
            _ => [Cell::Empty, Cell::Empty, Cell::Empty],
        };
        table.row(vec![
            Cell::of(release.product),
            Cell::of(release.version),
            Cell::Number(release.counter as i64),
            Cell::of(release.kind),
            Cell::of(release.provenance.word()),
            Cell::of(release.state.word()),
            needed_by,
            unknown,
            Cell::maybe(described.and_then(|one| fixes(&one.fixes))),
            Cell::maybe(described.and_then(|one| one.users_will_notice.as_ref())),
            mds2_allows,
            Cell::of(release.repository),
            Cell::of(release.sha256),
        ]);
    }
    Ok(Output::Table(table))
}

fn number(count: u64) -> Cell {
    Cell::Number(count.cast_signed())
}

/// What a release fixes, in short; `None` where it names nothing.
fn fixes(fixes: &[String]) -> Option<String> {
    let named = fixes.get(..MAX_FIXES_NAMED.min(fixes.len()))?.join(", ");
    match fixes.len().saturating_sub(MAX_FIXES_NAMED) {
        0 => (!named.is_empty()).then_some(named),
        more => Some(format!("{named} and {more} more")),
    }
}

async fn artifacts(view: &mut View, description: &ReleaseDescription) -> Result<Table, Failure> {
    let mut artifacts = Table::new(&["artifact", "sha256", "length", "state"]);
    for artifact in &description.artifacts {
        let known = view.artifact(&artifact.sha256).await?;
        artifacts.row(vec![
            Cell::of(&artifact.path),
            Cell::of(artifact.sha256),
            Cell::Number(artifact.length as i64),
            Cell::maybe(known.map(|known| known.state.word())),
        ]);
    }
    Ok(artifacts)
}

/// One release.
pub(super) async fn show(
    app: &App,
    enrolled: Arc<Enrolled>,
    release: &Release,
) -> Result<Output, Failure> {
    let description = description(release)?;
    let mut view = app.store.view().await?;
    let artifacts = artifacts(&mut view, &description).await?;
    let origin = origin_of(&mut view, release).await?;
    let met = met::Met::of_release(&mut view, release).await?;
    let offered = needed::is_offered(release).then_some(&description);
    let having = Having::read(app, &mut view, enrolled, offered.as_slice()).await?;
    let groups = offered.map(|one| having.groups(one)).unwrap_or_default();
    let models = having.of_models(&release.product, &groups);
    let sums = offered.map(|one| having.sums(one, &groups));
    let parts = parts(release, &description, origin.as_ref(), sums.as_ref());
    let mut text = Output::Record(parts.clone()).text();
    text.push_str(&format!("\n{}", needed::words(release, sums.as_ref())));
    if let Some((_, words)) = met.words() {
        text.push_str(&format!("\n{words}"));
    }
    let mut report = Report::new([], text);
    report.parts = parts;
    let report = report
        .with("models", needed::models(&models))
        .with("artifacts", artifacts)
        .with("advisories", met.table());
    Ok(Output::Report(
        report.with("proofs", proofs_of(origin.as_ref())),
    ))
}

/// What its vendor says of a release, how it came here, and how many need it.
fn parts(
    release: &Release,
    description: &ReleaseDescription,
    origin: Option<&Origin>,
    sums: Option<&Sums>,
) -> Vec<(String, Cell)> {
    let count = |of: fn(&Sums) -> u64| sums.map_or(Cell::Empty, |sums| number(of(sums)));
    let minutes = |minutes: u32| Cell::Number(minutes.into());
    let rule = &description.applies_to;
    let said = [
        ("product", Cell::of(&release.product)),
        ("version", Cell::of(&release.version)),
        ("counter", Cell::Number(release.counter as i64)),
        ("kind", Cell::of(&release.kind)),
        ("provenance", Cell::of(release.provenance.word())),
        ("state", Cell::of(release.state.word())),
        ("needed_by", count(|sums| sums.needed)),
        ("cannot_be_compared", count(|sums| sums.unclear)),
        ("not_validated", count(|sums| sums.not_validated)),
        ("unknown", count(|sums| sums.unknown)),
        ("fixes", Cell::List(description.fixes.clone())),
        (
            "users_will_notice",
            Cell::maybe(description.users_will_notice.as_ref()),
        ),
        ("install_minutes", minutes(description.install_minutes)),
        ("recovery_minutes", minutes(description.recovery_minutes)),
        ("from", Cell::List(rule.from.clone())),
        ("systems", Cell::List(rule.os.clone())),
        ("architectures", Cell::List(rule.architectures.clone())),
        ("repository", Cell::of(&release.repository)),
        ("path", Cell::of(&release.path)),
        ("sha256", Cell::of(release.sha256)),
    ];
    let all = said.into_iter().chain(came(origin));
    all.map(|(name, cell)| (name.to_owned(), cell)).collect()
}

/// How what the hospital published came here.
fn came(origin: Option<&Origin>) -> [(&'static str, Cell); 4] {
    let by = origin.map(|o| format!("{} from {}", o.way.word(), o.place));
    let vouched = origin.map(|o| format!("{}: {}", o.vouched_by, o.note));
    [
        ("came_by", Cell::maybe(by)),
        ("obtained", Cell::maybe(origin.map(|o| o.obtained))),
        ("obtained_by", Cell::maybe(origin.map(|o| &o.obtained_by))),
        ("vouched_by", Cell::maybe(vouched)),
    ]
}

/// How a release came here, where the hospital published it.
async fn origin_of(view: &mut View, release: &Release) -> Result<Option<Origin>, Failure> {
    let stored = view.origin(&release.repository, &release.path, &release.sha256);
    let Some(bytes) = stored.await? else {
        return Ok(None);
    };
    let read = serde_json::from_slice(&bytes);
    read.map(Some)
        .map_err(|error| Failure::conflict(format!("the stored origin is damaged: {error}")))
}

/// What was checked of a release, and what is kept of it.
fn proofs_of(origin: Option<&Origin>) -> Table {
    let mut proofs = Table::new(&["artifact", "checked", "kept"]);
    for proof in origin.iter().flat_map(|origin| &origin.proofs) {
        proofs.row(vec![
            Cell::of(proof.artifact),
            Cell::of(proof.check.words()),
            Cell::maybe(proof.kept),
        ]);
    }
    proofs
}
