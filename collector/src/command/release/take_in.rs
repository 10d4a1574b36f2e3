//! Taking in a repository: verify it, then its releases and bytes.

use crate::app::App;
use crate::authority;
use crate::clock;
use crate::command::{Caller, Progress};
use crate::control::{Failure, FailureKind, Output, Reply, is_no_room};
use crate::store::Change;
use crate::store::releases::{ArtifactState, Release, ReleaseState};
use crate::store::vendors::TufFile;
use crate::vendor::artifact::ArtifactError;
use crate::vendor::mirror::{self, MirrorError, Mirrored};
use crate::vendor::place::Place;
use crate::vendor::standing::{self, Known};
use crate::vendor::unchanged::{is_unchanged, read_with};
use patchward_common::id::Name;
use patchward_common::trust::charter::VendorGrant;
use patchward_common::words::counted;

/// Most targets that an import names one by one: a distribution has thousands that nobody
/// described, and all say the same.
const MAX_NAMED: usize = 20;

/// The grant of a repository, and what is stored of it.
pub(in crate::command) async fn known(
    app: &App,
    repository: &Name,
) -> Result<(VendorGrant, Vec<TufFile>), Failure> {
    let mut view = app.store.view().await?;
    let held = authority::held(&mut view).await?;
    let grant = held.charter.grant(repository).cloned().ok_or_else(|| {
        Failure::not_found(format!(
            "The charter knows no repository {repository}. `vendor list` shows those that it \
             knows; a new one needs a new charter."
        ))
    })?;
    Ok((grant, view.tuf_files(repository).await?))
}

/// Takes in a repository from where it lies: a folder, or a web server.
pub(super) async fn from(
    app: &App,
    caller: &Caller,
    repository: &Name,
    place: &str,
    progress: Progress,
) -> Result<Output, Failure> {
    let (grant, known) = known(app, repository).await?;
    let found = Place::of(place, app.folder.partial(), clock::now).map_err(Failure::input)?;
    let text = of_place(app, caller, grant, known, (found, place), progress).await?;
    Ok(Output::Text(text))
}

/// Takes in what `place` (for people: its second half) has of a repository.
pub(in crate::command) async fn of_place(
    app: &App,
    caller: &Caller,
    grant: VendorGrant,
    known: Vec<TufFile>,
    (mut place, shown): (Place, &str),
    progress: Progress,
) -> Result<String, Failure> {
    let repository = grant.repository.clone();
    let (now, seen, shown) = (app.now(), known.clone(), shown.to_owned());
    let last = app.store.view().await?.last_read(&repository).await?;
    if let Some(last) = last
        && all_here(app, &repository).await?
    {
        let (granted, seen) = (grant.clone(), known.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let is_unchanged = is_unchanged(&mut place, &granted, &last, &seen, now);
            (place, is_unchanged)
        });
        let is_same;
        (place, is_same) = looked
            .await
            .map_err(|error| Failure::because(FailureKind::Internal, &error))?;
        if is_same {
            return nothing_new(app, caller, &repository, &known).await;
        }
    }
    let granted = grant.clone();
    let read = tokio::task::spawn_blocking(move || {
        let watermark = mirror::watermark_of(&grant, &seen);
        let read = mirror::read(&mut place, &shown, &grant, watermark, &seen, now);
        read.map(|mirrored| (place, mirrored))
    });
    let (place, mirrored) = read
        .await
        .map_err(|error| Failure::because(FailureKind::Internal, &error))?
        .map_err(not_taken_in)?;
    // The bytes first: what the store then says is here, is here. Without the store's word
    // they are nothing.
    for found in &mirrored.releases {
        let says = |path: &str, done, total| {
            // A step that nobody reads in time is not worth waiting for.
            let _ = progress.try_send(Reply::Progress {
                what: path.to_owned(),
                done,
                total,
            });
        };
        let taken = mirror::take_in(&app.artifacts, &place, found, says).await;
        taken.map_err(not_taken_in)?;
    }
    let moved = store(app, caller, &granted, &known, &mirrored).await?;
    let mut text = format!(
        "{repository}: {} verified and taken in.",
        counted(mirrored.releases.len(), "release", "releases")
    );
    for said in moved {
        text.push('\n');
        text.push_str(&said);
    }
    for problem in mirrored.passed_over.iter().take(MAX_NAMED) {
        text.push_str("\nPassed over: ");
        text.push_str(problem);
    }
    let more = mirrored.passed_over.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        text.push_str(&format!("\nPassed over: {more} more targets."));
    }
    Ok(text)
}

/// Whether the bytes of every release of a repository that counts are here.
async fn all_here(app: &App, repository: &Name) -> Result<bool, Failure> {
    let releases = app.store.view().await?.releases(None).await?;
    let counts = |release: &&Release| {
        release.repository == *repository && release.state != ReleaseState::Withdrawn
    };
    for release in releases.iter().filter(counts) {
        for artifact in super::description(release)?.artifacts {
            let here = app.artifacts.has(artifact.sha256, artifact.length).await;
            if !here.unwrap_or(false) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Notes that a repository was looked at and offers what is here already.
async fn nothing_new(
    app: &App,
    caller: &Caller,
    repository: &Name,
    known: &[TufFile],
) -> Result<String, Failure> {
    let mut change = app.change(caller).await?;
    if change.view().tuf_files(repository).await? != known {
        return Err(somebody_else(repository));
    }
    let timestamp: Vec<TufFile> = known
        .iter()
        .filter(|file| file.file == "timestamp.json")
        .cloned()
        .collect();
    change.put_tuf_files(repository, &timestamp).await?;
    change.commit().await?;
    Ok(format!(
        "{repository}: nothing new; all that it offers was verified and taken in before."
    ))
}

fn somebody_else(repository: &Name) -> Failure {
    Failure::conflict(format!(
        "Somebody else took in {repository} meanwhile; nothing was changed, look and try again."
    ))
}

/// Stores what was verified, all of it or nothing. Gives back which releases stand
/// otherwise now.
async fn store(
    app: &App,
    caller: &Caller,
    grant: &VendorGrant,
    known: &[TufFile],
    mirrored: &Mirrored,
) -> Result<Vec<String>, Failure> {
    let repository = &grant.repository;
    let mut change = app.change(caller).await?;
    if change.view().tuf_files(repository).await? != known {
        return Err(somebody_else(repository));
    }
    if mirrored.recovered {
        let void = known.iter().map(|file| &*file.file);
        let void: Vec<&str> = void.filter(|file| !file.ends_with("root.json")).collect();
        change.drop_tuf_files(repository, &void).await?;
    }
    change.put_tuf_files(repository, &mirrored.files).await?;
    for found in &mirrored.releases {
        let release = &found.release;
        let artifacts: Vec<_> = found
            .artifacts
            .iter()
            .map(|a| (a.sha256, a.length))
            .collect();
        change.add_release(release, &artifacts).await?;
        for (digest, _) in &artifacts {
            change
                .set_artifact_state(digest, ArtifactState::Stored)
                .await?;
        }
        if let Some(origin) = &found.origin {
            let text = serde_json::to_vec(origin)
                .map_err(|error| Failure::because(FailureKind::Internal, &error))?;
            change
                .put_origin(repository, &release.path, &release.sha256, &text)
                .await?;
        }
    }
    let moved = stand(&mut change, repository, mirrored).await?;
    let stored = change.view().tuf_files(repository).await?;
    let read = read_with(grant, &stored).filter(|_| !mirrored.waits);
    change.note_read(repository, read.as_ref()).await?;
    change.commit().await?;
    Ok(moved)
}

/// Moves the releases that a later one takes the place of, or that are not listed any more.
async fn stand(
    change: &mut Change,
    repository: &Name,
    mirrored: &Mirrored,
) -> Result<Vec<String>, Failure> {
    let mut known = Vec::new();
    for release in change.view().releases(None).await? {
        if release.repository != *repository {
            continue;
        }
        let described = super::description(&release)?;
        known.push(Known {
            path: release.path,
            sha256: release.sha256,
            product: release.product,
            version: release.version,
            counter: release.counter,
            stones: described.stepping_stones,
            state: release.state,
        });
    }
    let mut said = Vec::new();
    for moved in standing::after(&known, &mirrored.listed) {
        change
            .stand_release(
                repository,
                &moved.path,
                &moved.sha256,
                moved.state,
                moved.reason,
            )
            .await?;
        said.push(format!(
            "{} is {} now: {}.",
            moved.path,
            moved.state.word(),
            moved.reason
        ));
    }
    Ok(said)
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
