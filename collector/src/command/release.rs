//! Vendors and their releases.

use super::{Caller, Progress};
use crate::app::App;
use crate::authority;
use crate::control::{Cell, Failure, FailureKind, Output, Reply, Report, Table, is_no_room};
use crate::store::releases::{ArtifactState, Release, ReleaseState};
use crate::store::vendors::TufFile;
use crate::vendor::artifact::ArtifactError;
use crate::vendor::mirror::{self, MirrorError, Mirrored};
use patchward_common::codec;
use patchward_common::id::{Label, Name};
use patchward_common::trust::release::ReleaseDescription;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Largest stored description; the approval that repeats it is no larger.
const MAX_DESCRIPTION_BYTES: usize = 512 * 1024;

/// Most targets that an import names one by one: a distribution has thousands that nobody
/// described, and all say the same.
const MAX_NAMED: usize = 20;

/// What can be done with vendors.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum VendorCommand {
    /// Show the vendors of the charter and how fresh their repositories are
    List,
}

/// What can be done with releases.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum ReleaseCommand {
    /// Take in a vendor's repository from a folder: verify it, then its releases and bytes
    Import {
        /// The repository, as the charter calls it
        repository: Name,
        /// The folder, with `metadata` and `targets` in it
        #[arg(value_parser = absolute)]
        from: PathBuf,
    },
    /// Show all releases
    List {
        /// Only this product's
        #[arg(long)]
        product: Option<Name>,
    },
    /// Show one release
    Show {
        /// The product
        product: Name,
        /// The version
        version: String,
    },
    /// Keep a release out of new plans
    Withdraw {
        /// The product
        product: Name,
        /// The version
        version: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
}

/// The collector reads the folder, and it stands elsewhere than the caller.
fn absolute(text: &str) -> Result<PathBuf, String> {
    std::path::absolute(text).map_err(|error| error.to_string())
}

/// Carries out a command on vendors.
pub async fn vendor(app: &App, command: VendorCommand) -> Result<Output, Failure> {
    match command {
        VendorCommand::List => {
            let mut table = Table::new(&["vendor", "repository", "fetched", "first_root"]);
            let mut view = app.store.view().await?;
            for vendor in view.vendors().await? {
                table.row(vec![
                    Cell::of(vendor.name),
                    Cell::of(&vendor.repository),
                    Cell::maybe(view.fetched_at(&vendor.repository).await?),
                    Cell::of(vendor.root_digest),
                ]);
            }
            Ok(Output::Table(table))
        }
    }
}

/// Carries out a command on releases.
pub async fn release(
    app: &App,
    caller: &Caller,
    command: ReleaseCommand,
    progress: Progress,
) -> Result<Output, Failure> {
    match command {
        ReleaseCommand::Import { repository, from } => {
            import(app, caller, &repository, from, progress).await
        }
        ReleaseCommand::List { product } => list(app, product.as_ref()).await,
        ReleaseCommand::Show { product, version } => show(app, &product, &version).await,
        ReleaseCommand::Withdraw {
            product,
            version,
            reason,
        } => {
            let release = find(app, &product, &version).await?;
            let mut change = app.change(caller).await?;
            change
                .set_release_state(&release.sha256, ReleaseState::Withdrawn, reason.as_str())
                .await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "{product} {version} goes into no new plan. Plans that are signed already need a stop."
            )))
        }
    }
}

async fn import(
    app: &App,
    caller: &Caller,
    repository: &Name,
    folder: PathBuf,
    progress: Progress,
) -> Result<Output, Failure> {
    let (grant, known) = {
        let mut view = app.store.view().await?;
        let held = authority::held(&mut view).await?;
        let grant = held.charter.grant(repository).cloned().ok_or_else(|| {
            Failure::not_found(format!(
                "The charter knows no repository {repository}. `vendor list` shows those that it \
                 knows; a new one needs a new charter."
            ))
        })?;
        (grant, view.tuf_files(repository).await?)
    };
    let now = app.now();
    let seen = known.clone();
    let read = tokio::task::spawn_blocking(move || {
        let watermark = mirror::watermark_of(&grant, &seen);
        mirror::read(&folder, &grant, watermark, now)
    });
    let mirrored = read
        .await
        .map_err(|error| Failure::because(FailureKind::Internal, &error))?
        .map_err(not_taken_in)?;
    // The bytes first: what the store then says is here, is here. Without the store's word
    // they are nothing.
    for found in &mirrored.releases {
        mirror::take_in(&app.artifacts, found, |path, done, total| {
            // A step that nobody reads in time is not worth waiting for.
            let _ = progress.try_send(Reply::Progress {
                what: path.to_owned(),
                done,
                total,
            });
        })
        .await
        .map_err(not_taken_in)?;
    }
    store(app, caller, repository, &known, &mirrored).await?;
    let mut text = format!(
        "{repository}: {} releases verified and taken in.",
        mirrored.releases.len()
    );
    for problem in mirrored.passed_over.iter().take(MAX_NAMED) {
        text.push_str("\nPassed over: ");
        text.push_str(problem);
    }
    let more = mirrored.passed_over.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        text.push_str(&format!("\nPassed over: {more} more targets."));
    }
    Ok(Output::Text(text))
}

/// Stores what was verified, all of it or nothing.
async fn store(
    app: &App,
    caller: &Caller,
    repository: &Name,
    known: &[TufFile],
    mirrored: &Mirrored,
) -> Result<(), Failure> {
    let mut change = app.change(caller).await?;
    if change.view().tuf_files(repository).await? != known {
        return Err(Failure::conflict(format!(
            "Somebody else took in {repository} meanwhile; nothing was changed, look and try again."
        )));
    }
    if mirrored.recovered {
        let void = known.iter().map(|file| &*file.file);
        let void: Vec<&str> = void.filter(|file| !file.ends_with("root.json")).collect();
        change.drop_tuf_files(repository, &void).await?;
    }
    change.put_tuf_files(repository, &mirrored.files).await?;
    for found in &mirrored.releases {
        let artifacts: Vec<_> = found.artifacts.iter().map(|(d, l, _)| (*d, *l)).collect();
        change.add_release(&found.release, &artifacts).await?;
        for (digest, _) in &artifacts {
            change
                .set_artifact_state(digest, ArtifactState::Stored)
                .await?;
        }
    }
    change.commit().await?;
    Ok(())
}

/// A folder or repository that is wrong is the caller's to put right; no room or no right
/// in our own folder is not.
fn not_taken_in(error: MirrorError) -> Failure {
    let kind = match &error {
        MirrorError::Artifact {
            error: ArtifactError::Store(_),
            ..
        } => FailureKind::Unavailable,
        _ => FailureKind::Input,
    };
    let failure = Failure::because(kind, &error);
    if kind == FailureKind::Unavailable && is_no_room(&error) {
        return Failure::unavailable(format!(
            "{}; free some space in the collector's folder and import again, no release was taken in",
            failure.text
        ));
    }
    failure
}

/// A release by product and version; the newest counter where several have it.
pub async fn find(app: &App, product: &Name, version: &str) -> Result<Release, Failure> {
    let mut found = app.store.view().await?.releases(Some(product)).await?;
    found.retain(|release| release.version == version);
    found.into_iter().max_by_key(|r| r.counter).ok_or_else(|| {
        Failure::not_found(format!(
            "There is no release {version} of {product}. `release list` shows all; \
             `release import` takes in a vendor's new ones."
        ))
    })
}

/// What a release's vendor says of it.
pub fn description(release: &Release) -> Result<ReleaseDescription, Failure> {
    codec::decode_deterministic(&release.description, MAX_DESCRIPTION_BYTES)
        .map_err(|error| Failure::conflict(format!("the stored description is damaged: {error}")))
}

async fn list(app: &App, product: Option<&Name>) -> Result<Output, Failure> {
    let mut table = Table::new(&[
        "product",
        "version",
        "counter",
        "kind",
        "provenance",
        "state",
        "repository",
        "sha256",
    ]);
    for release in app.store.view().await?.releases(product).await? {
        table.row(vec![
            Cell::of(release.product),
            Cell::of(release.version),
            Cell::Number(release.counter as i64),
            Cell::of(release.kind),
            Cell::of(release.provenance.word()),
            Cell::of(release.state.word()),
            Cell::of(release.repository),
            Cell::of(release.sha256),
        ]);
    }
    Ok(Output::Table(table))
}

async fn show(app: &App, product: &Name, version: &str) -> Result<Output, Failure> {
    let release = find(app, product, version).await?;
    let description = description(&release)?;
    let mut artifacts = Table::new(&["artifact", "sha256", "length", "state"]);
    let mut view = app.store.view().await?;
    for artifact in &description.artifacts {
        let known = view.artifact(&artifact.sha256).await?;
        artifacts.row(vec![
            Cell::of(&artifact.path),
            Cell::of(artifact.sha256),
            Cell::Number(artifact.length as i64),
            Cell::maybe(known.map(|known| known.state.word())),
        ]);
    }
    let minutes = |minutes: u32| Cell::Number(minutes.into());
    let parts = [
        ("product", Cell::of(&release.product)),
        ("version", Cell::of(&release.version)),
        ("counter", Cell::Number(release.counter as i64)),
        ("kind", Cell::of(&release.kind)),
        ("provenance", Cell::of(release.provenance.word())),
        ("state", Cell::of(release.state.word())),
        ("repository", Cell::of(&release.repository)),
        ("path", Cell::of(&release.path)),
        ("sha256", Cell::of(release.sha256)),
        ("from", Cell::List(description.applies_to.from)),
        ("systems", Cell::List(description.applies_to.os)),
        (
            "architectures",
            Cell::List(description.applies_to.architectures),
        ),
        ("install_minutes", minutes(description.install_minutes)),
        ("recovery_minutes", minutes(description.recovery_minutes)),
        ("fixes", Cell::List(description.fixes)),
        (
            "users_will_notice",
            Cell::maybe(description.users_will_notice),
        ),
    ];
    let text = Output::record(parts.clone()).text();
    Ok(Output::Report(
        Report::new(parts, text).with("artifacts", artifacts),
    ))
}
