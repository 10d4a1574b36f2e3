//! `release adopt`: what a vendor sent by portal or disc is checked, kept, and waits for the
//! custodian's signature.

mod archive;
mod files;
mod proofs;

use super::release::{absolute, take_in};
use super::{Caller, Progress};
use crate::adopt::sheet::{MAX_SHEET_BYTES, Measured, Sheet};
use crate::app::App;
use crate::control::{Failure, FailureKind, Output, Reply};
use crate::store::custody::Adoption;
use files::{Given, read_small};
use patchward_common::digest::Digest;
use patchward_common::trust::charter::Publisher;
use patchward_common::trust::custodian::targets_of;
use patchward_common::trust::origin::{Origin, Proof};
use patchward_common::trust::release::{PackageRef, ReleaseDescription};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const HELP: &str = "\
SHEET is a file in TOML that says what the release is, how it came and what can be checked of it; \
docs/custodian.md has one to copy. The collector reads the sheet and all files that it names from \
its own computer. Nothing can be installed before the custodian has signed: see `custodian draft`.";

/// What is adopted.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
#[command(after_help = HELP)]
pub struct AdoptArgs {
    /// What is stated of the release
    #[arg(value_parser = absolute)]
    sheet: PathBuf,
    /// The artifacts, the first of them the main one; none with --from-apt
    #[arg(value_parser = absolute, required_unless_present = "from_apt")]
    files: Vec<PathBuf>,
    /// Resolve a distribution's updates from the archive that the sheet names
    #[arg(long, conflicts_with = "files")]
    from_apt: bool,
}

/// What was found and checked, before anything is kept.
struct Found {
    artifacts: Vec<Given>,
    proofs: Vec<Proof>,
    /// What the proofs rest on, to be kept.
    kept: BTreeMap<Digest, Vec<u8>>,
    packages: Option<Vec<PackageRef>>,
    /// Which release file it is, to be marked: place, suite, date.
    mark: Option<archive::Mark>,
}

/// Carries out the command.
pub async fn run(
    app: &App,
    caller: &Caller,
    args: AdoptArgs,
    progress: Progress,
) -> Result<Output, Failure> {
    let bytes = read_small(&args.sheet, MAX_SHEET_BYTES)?;
    let content = |problem: String| Failure::input(format!("{}: {problem}", args.sheet.display()));
    let sheet = Sheet::read(&bytes).map_err(content)?;
    may_publish(app, &sheet).await?;
    let found = match args.from_apt {
        true => archive::resolve(app, &sheet, &args.sheet, &progress).await?,
        false => of_files(app, &sheet, &args).await?,
    };
    let measured: Vec<Measured> = found.artifacts.iter().map(Given::measured).collect();
    let release = sheet
        .release(&measured, found.packages.clone())
        .map_err(content)?;
    let origin = sheet
        .origin(&release, found.proofs.clone(), app.now())
        .map_err(content)?;
    keep(app, &found, &progress).await?;
    note(app, caller, &sheet, &release, &origin, &found).await?;
    Ok(Output::Text(said(&sheet, &release, &origin)))
}

fn said(sheet: &Sheet, release: &ReleaseDescription, origin: &Origin) -> String {
    let mut text = format!(
        "{} {} waits for the custodian's signature, provenance {}.",
        release.product,
        release.version,
        origin.provenance.word()
    );
    for proof in &origin.proofs {
        text.push_str(&format!("\nChecked: {}", proof.check.words()));
    }
    if origin.proofs.len() < release.artifacts.len() {
        text.push_str(
            "\nNot every artifact was checked against its vendor, so it is called attested: ask \
             the vendor for signatures or checksums.",
        );
    }
    text.push_str(&format!(
        "\nNext: `patchward-collector custodian draft {} --out FILE`, then `patchward-sign \
         custodian sign` on the custodian's computer.",
        sheet.repository
    ));
    text
}

/// Whether the sheet's repository is the hospital's own and may speak for the product.
async fn may_publish(app: &App, sheet: &Sheet) -> Result<(), Failure> {
    let (grant, _) = take_in::known(app, &sheet.repository).await?;
    let (product, counter, version) = sheet.product();
    if grant.publisher != Publisher::Custodian {
        return Err(Failure::input(format!(
            "{} is {}: what the hospital vouches for goes into its custodian repository.",
            grant.repository,
            grant.publisher.words()
        )));
    }
    let path = format!("{product}/x");
    if !grant.products.contains(product) || !grant.covers(&path) {
        return Err(Failure::input(format!(
            "The charter does not let {} speak for {product} with paths below {product}/; the \
             hospital root must sign that in first.",
            grant.repository
        )));
    }
    let known = app.store.view().await?.releases(Some(product)).await?;
    let newest = known
        .iter()
        .filter(|release| release.repository == grant.repository && release.version != version)
        .map(|release| release.counter)
        .max();
    match newest.filter(|newest| counter <= *newest) {
        Some(newest) => Err(Failure::input(format!(
            "release.counter: {counter} is not above {newest}, which an earlier release of \
             {product} has; machines would take this one for older."
        ))),
        None => Ok(()),
    }
}

async fn of_files(app: &App, sheet: &Sheet, args: &AdoptArgs) -> Result<Found, Failure> {
    let (sheet, files, beside) = (sheet.clone(), args.files.clone(), folder_of(&args.sheet));
    let now = app.now();
    let checking = tokio::task::spawn_blocking(move || {
        let artifacts = files::measure(&files)?;
        let (proofs, kept) = proofs::check_all(&sheet, &artifacts, &beside, now)?;
        Ok(Found {
            artifacts,
            proofs,
            kept,
            packages: None,
            mark: None,
        })
    });
    checking
        .await
        .map_err(|error| Failure::because(FailureKind::Internal, &error))?
}

/// The folder that a sheet's names are relative to.
fn folder_of(sheet: &Path) -> PathBuf {
    sheet.parent().map(ToOwned::to_owned).unwrap_or_default()
}

/// Takes artifacts and proofs into the collector's folder. Without the store's word they are
/// nothing.
async fn keep(app: &App, found: &Found, progress: &Progress) -> Result<(), Failure> {
    let failed = |error| Failure::because(FailureKind::Unavailable, &error);
    for artifact in &found.artifacts {
        if app
            .artifacts
            .has(artifact.sha256, artifact.length)
            .await
            .map_err(failed)?
        {
            continue;
        }
        let mut file = tokio::fs::File::open(&artifact.path)
            .await
            .map_err(|error| Failure::input(format!("{}: {error}", artifact.path.display())))?;
        let says = |done| {
            let _ = progress.try_send(Reply::Progress {
                what: artifact.file.clone(),
                done,
                total: artifact.length,
            });
        };
        let put = app
            .artifacts
            .put(artifact.sha256, artifact.length, &mut file, says);
        put.await
            .map_err(|error| Failure::because(FailureKind::Input, &error))?;
    }
    for (digest, bytes) in &found.kept {
        let (length, mut bytes) = (bytes.len() as u64, &bytes[..]);
        let put = app.artifacts.put(*digest, length, &mut bytes, |_| {});
        put.await.map_err(failed)?;
    }
    for artifact in &found.artifacts {
        if artifact.is_ours {
            // It is in the folder of artifacts now.
            let _ = tokio::fs::remove_file(&artifact.path).await;
        }
    }
    Ok(())
}

async fn note(
    app: &App,
    caller: &Caller,
    sheet: &Sheet,
    release: &ReleaseDescription,
    origin: &Origin,
    found: &Found,
) -> Result<(), Failure> {
    let kept: Vec<(Digest, u64)> = found
        .kept
        .iter()
        .map(|(digest, bytes)| (*digest, bytes.len() as u64))
        .collect();
    let targets = targets_of(release, origin, &kept);
    let targets = serde_json::to_vec(&targets)
        .map_err(|error| Failure::because(FailureKind::Internal, &error))?;
    let first = release.artifacts.first().map(|first| first.path.clone());
    let mut change = app.change(caller).await?;
    let adoption = Adoption {
        repository: sheet.repository.clone(),
        path: first.unwrap_or_default(),
        product: release.product.clone(),
        version: release.version.clone(),
        provenance: origin.provenance,
        targets,
        adopted_by: caller.actor.to_string(),
        adopted_at: change.now(),
    };
    change.put_adoption(&adoption).await?;
    if let Some(mark) = &found.mark {
        change
            .mark_archive(&mark.place, &mark.suite, mark.signed)
            .await?;
    }
    change.commit().await?;
    Ok(())
}
