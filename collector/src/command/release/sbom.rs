//! A release's bill of materials: the file kept as it came, and what it lists.

use super::super::file::{InputFile, keep};
use super::super::{Caller, advisory};
use super::met::Met;
use crate::app::App;
use crate::component::bom;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::boms::{ReleaseComponent, StoredBom};
use crate::store::releases::{Release, ReleaseState};
use patchward_common::time::UtcMs;

pub(super) async fn take_in(
    app: &App,
    caller: &Caller,
    release: &Release,
    file: &InputFile,
) -> Result<Output, Failure> {
    let bytes = file.bytes.as_slice();
    let read = bom::read(bytes);
    let read = read.map_err(|why| Failure::input(format!("{}: {why}", file.name)))?;
    let digest = keep(app, bytes, "file", "recorded").await?;
    let stored = StoredBom {
        release: release.sha256,
        file: digest,
        length: bytes.len() as u64,
        format: read.format,
        taken_by: String::new(),
        taken_at: UtcMs(0),
    };
    let components: Vec<ReleaseComponent> = read
        .brings
        .into_iter()
        .map(|one| ReleaseComponent {
            release: release.sha256,
            source: one.source,
            name: one.name,
            version: one.version,
            purl: one.purl,
        })
        .collect();
    let mut change = app.change(caller).await?;
    change.put_bom(&stored, &components).await?;
    change.commit().await?;
    advisory::matched(app, caller, None).await?;
    let met = Met::of_release(&mut app.store.view().await?, release).await?;
    let met = met.words().map(|(_, words)| format!("\n{words}"));
    Ok(Output::Text(format!(
        "{} {} brings {} components, as its {} says. `component search --releases` finds them, and \
         advisories are held against them.{}",
        release.product,
        release.version,
        components.len(),
        stored.format,
        met.unwrap_or_default()
    )))
}

pub(super) async fn show(app: &App, release: &Release) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let bom = view.bom(&release.sha256).await?.ok_or_else(|| {
        Failure::not_found(format!(
            "No bill of materials of {} {} was taken in. Ask its vendor for one, then `release \
             sbom {} {} FILE`.",
            release.product, release.version, release.product, release.version
        ))
    })?;
    let mut table = Table::new(&["component", "version", "order", "purl"]);
    for one in view.bom_components(&release.sha256).await? {
        table.row(vec![
            Cell::of(one.name),
            Cell::maybe((!one.version.is_empty()).then_some(one.version)),
            Cell::of(one.source.word()),
            Cell::maybe((!one.purl.is_empty()).then_some(one.purl)),
        ]);
    }
    let met = Met::of_release(&mut view, release).await?;
    let open = match (release.state, met.words()) {
        (ReleaseState::Available, Some((_, words))) => words,
        (ReleaseState::Available, None) => "No advisory that was taken in speaks of it.".to_owned(),
        _ => {
            "Advisories are held against releases that can be planned, and this is none.".to_owned()
        }
    };
    let text = format!(
        "{}, taken in by {} at {}; the file is kept as {}. {open}",
        bom.format, bom.taken_by, bom.taken_at, bom.file
    );
    let parts = [
        ("product", Cell::of(&release.product)),
        ("version", Cell::of(&release.version)),
        ("format", Cell::of(&bom.format)),
        ("file", Cell::of(bom.file)),
        ("bytes", Cell::Number(bom.length as i64)),
        ("taken_by", Cell::of(&bom.taken_by)),
        ("taken_at", Cell::of(bom.taken_at)),
    ];
    Ok(Output::Report(
        Report::new(parts, text)
            .with("advisories", met.table())
            .with("components", table),
    ))
}
