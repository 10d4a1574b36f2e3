//! The custodian repository: the collector's key for what is fresh, drafts for the
//! custodian to sign, and what was signed.

use super::release::{product_and_version, take_in};
use super::{Caller, Progress};
use crate::app::App;
use crate::authority;
use crate::command::file::InputFile;
use crate::control::{Cell, Failure, FailureKind, Output, Table};
use crate::folder;
use crate::store::Actor;
use crate::store::custody::Adoption;
use crate::store::documents::DocumentKind;
use crate::store::vendors::TufFile;
use crate::vendor::custodian::{self, assemble};
use crate::vendor::place::Place;
use ed25519_dalek::SigningKey;
use patchward_common::id::{Label, Name};
use patchward_common::trust::charter::{Charter, Publisher, VendorGrant};
use patchward_common::trust::custodian::{Draft, is_proof};
use patchward_common::trust::origin::{ORIGIN, Origin, proof_path};
use patchward_common::trust::release::ReleaseDescription;
use patchward_common::trust::sign::PublicKey;
use patchward_common::trust::tuf_author::{TargetSpec, TargetsSpec};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What can be done with the custodian repository.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum CustodianCommand {
    /// Print the collector's key for the repository's root; made when first asked for
    Key,
    /// Show what was adopted and waits for the custodian's signature
    Waiting,
    /// Drop what was adopted and nobody signed yet: it stands in no draft any more
    Drop {
        /// The repository, as the charter calls it
        repository: Name,
        /// What was adopted, as PRODUCT=VERSION
        release: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Write what is to be signed next
    Draft {
        /// The repository, as the charter calls it
        repository: Name,
        /// Take a release out, as PRODUCT=VERSION; once per release
        #[arg(long = "without")]
        without: Vec<String>,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Take in a root or targets that the custodian signed, and publish them
    Publish {
        /// The repository, as the charter calls it
        repository: Name,
        /// The signed files
        #[arg(required = true)]
        files: Vec<InputFile>,
    },
    /// Write the whole repository into a folder, as any TUF client reads it
    Export {
        /// The repository, as the charter calls it
        repository: Name,
        /// A new folder of the collector's computer
        #[arg(value_parser = super::release::absolute)]
        folder: PathBuf,
    },
}

/// Carries out a command.
pub async fn run(
    app: &App,
    caller: &Caller,
    command: CustodianCommand,
    progress: Progress,
) -> Result<Output, Failure> {
    match command {
        CustodianCommand::Key => {
            let path = app.folder.custodian_key();
            let public = match path.exists() {
                true => PublicKey::of(&key(app)?),
                false => folder::new_key(&path).map_err(|error| {
                    Failure::unavailable(format!("{}: {error:#}", path.display()))
                })?,
            };
            Ok(Output::Text(public.to_string()))
        }
        CustodianCommand::Waiting => waiting(app).await,
        CustodianCommand::Drop {
            repository,
            release,
            reason,
        } => drop_waiting(app, caller, &repository, &release, &reason).await,
        CustodianCommand::Draft {
            repository,
            without,
            ..
        } => draft(app, &repository, &without).await,
        CustodianCommand::Publish { repository, files } => {
            let files = files
                .into_iter()
                .map(|file| (file.name, file.bytes.into_vec()));
            publish(app, caller, &repository, files.collect(), progress).await
        }
        CustodianCommand::Export { repository, folder } => export(app, &repository, &folder).await,
    }
}

/// The collector's key for snapshot and timestamp.
fn key(app: &App) -> Result<SigningKey, Failure> {
    let path = app.folder.custodian_key();
    if !path.exists() {
        return Err(Failure::conflict(
            "This collector has no key for a custodian repository; `custodian key` makes one, and \
             the repository's root has to name it.",
        ));
    }
    folder::read_key(&path).map_err(|error| Failure::unavailable(format!("{error:#}")))
}

/// The grant of the hospital's own repository, and what is stored of it.
async fn own_repository(
    app: &App,
    repository: &Name,
) -> Result<(VendorGrant, Vec<TufFile>), Failure> {
    let (grant, known) = take_in::known(app, repository).await?;
    match grant.publisher {
        Publisher::Custodian => Ok((grant, known)),
        Publisher::Vendor => Err(Failure::input(format!(
            "{repository} is {}; `vendor sync` takes it in.",
            grant.publisher.words()
        ))),
    }
}

async fn waiting(app: &App) -> Result<Output, Failure> {
    let columns = [
        "product",
        "version",
        "provenance",
        "repository",
        "adopted_by",
        "adopted",
    ];
    let mut table = Table::new(&columns);
    for adoption in app.store.view().await?.adoptions().await? {
        table.row(vec![
            Cell::of(adoption.product),
            Cell::of(adoption.version),
            Cell::of(adoption.provenance.word()),
            Cell::of(adoption.repository),
            Cell::of(adoption.adopted_by),
            Cell::of(adoption.adopted_at),
        ]);
    }
    Ok(Output::Table(table))
}

/// Drops what waits for a signature. Its bytes stay among the artifacts, where nothing names
/// them.
async fn drop_waiting(
    app: &App,
    caller: &Caller,
    repository: &Name,
    text: &str,
    reason: &Label,
) -> Result<Output, Failure> {
    let (product, version) = product_and_version(text)?;
    let mut change = app.change(caller).await?;
    let mut dropped = 0;
    for adoption in change.view().adoptions().await? {
        let is_it = adoption.product.as_str() == product && adoption.version == version;
        if is_it && adoption.repository == *repository {
            change
                .drop_adoption(repository, &adoption.path, reason.as_str())
                .await?;
            dropped += 1;
        }
    }
    if dropped == 0 {
        return Err(Failure::not_found(format!(
            "No {product} {version} waits for a signature in {repository}. `custodian waiting` shows \
             what does; what is published already is taken out with `custodian draft --without`."
        )));
    }
    change.commit().await?;
    Ok(Output::Text(format!(
        "{product} {version} waits no more. A draft that was written before still has it: have the \
         custodian sign a new one, and none of those."
    )))
}

/// Whether what was adopted is among what was signed, with these bytes: another file may have
/// been adopted in its place since the draft was written.
fn is_among(adoption: &Adoption, signed: &BTreeMap<String, TargetSpec>) -> bool {
    let targets: Result<BTreeMap<String, TargetSpec>, _> =
        serde_json::from_slice(&adoption.targets);
    let is_signed = |(path, target): (&String, &TargetSpec)| {
        let there = signed.get(path);
        there.is_some_and(|there| there.sha256 == target.sha256 && there.custom == target.custom)
    };
    targets.is_ok_and(|targets| targets.iter().all(is_signed))
}

async fn draft(app: &App, repository: &Name, without: &[String]) -> Result<Output, Failure> {
    let (_, known) = own_repository(app, repository).await?;
    let damaged = |error: String| Failure::conflict(format!("the stored targets: {error}"));
    let (mut targets, before) = match custodian::targets(&known) {
        None => (BTreeMap::new(), None),
        Some(file) => {
            let read =
                TargetsSpec::read(&file.bytes).map_err(|error| damaged(error.to_string()))?;
            let text = String::from_utf8(file.bytes.clone());
            let text = text.map_err(|error| damaged(error.to_string()))?;
            (read.spec.targets, Some((file.version, text)))
        }
    };
    for text in without {
        take_out(&mut targets, text)?;
    }
    let mut new = 0;
    for adoption in app.store.view().await?.adoptions().await? {
        if adoption.repository != *repository {
            continue;
        }
        let more: BTreeMap<String, TargetSpec> = serde_json::from_slice(&adoption.targets)
            .map_err(|error| damaged(error.to_string()))?;
        targets.extend(more);
        new += 1;
    }
    let draft = Draft::new(repository.clone(), before, targets);
    let text = format!(
        "Draft {} of {repository}: {new} releases are new. Have the custodian sign it with \
         `patchward-sign custodian sign FILE --key KEY --out SIGNED`, away from this computer, and \
         hand it in with `custodian publish {repository} SIGNED`.",
        draft.version
    );
    Ok(Output::File {
        bytes: ByteBuf::from(draft.to_bytes()),
        text,
    })
}

/// Takes a release and the proofs that no other one rests on out of the targets.
fn take_out(targets: &mut BTreeMap<String, TargetSpec>, text: &str) -> Result<(), Failure> {
    let (product, version) = product_and_version(text)?;
    let described = |target: &TargetSpec| -> Option<ReleaseDescription> {
        serde_json::from_value(target.custom.as_ref()?.get("patchward")?.clone()).ok()
    };
    let release = targets
        .values()
        .filter_map(described)
        .find(|release| release.product.as_str() == product && release.version == version)
        .ok_or_else(|| {
            Failure::not_found(format!(
                "The custodian's targets have no {product} {version}."
            ))
        })?;
    for artifact in &release.artifacts {
        targets.remove(&artifact.path);
    }
    let kept = |target: &TargetSpec| -> Vec<String> {
        let custom = target.custom.as_ref();
        let origin = custom.and_then(|custom| custom.get(ORIGIN));
        let origin =
            origin.and_then(|origin| serde_json::from_value::<Origin>(origin.clone()).ok());
        let proofs = origin.into_iter().flat_map(|origin| origin.proofs);
        proofs
            .filter_map(|proof| Some(proof_path(&proof.kept?)))
            .collect()
    };
    let still: BTreeSet<String> = targets.values().flat_map(kept).collect();
    targets.retain(|path, _| !is_proof(path) || still.contains(path));
    Ok(())
}

async fn publish(
    app: &App,
    caller: &Caller,
    repository: &Name,
    files: Vec<(String, Vec<u8>)>,
    progress: Progress,
) -> Result<Output, Failure> {
    let (grant, known) = own_repository(app, repository).await?;
    let files = assemble(&known, files, &key(app)?, app.now())
        .map_err(|error| Failure::because(FailureKind::Input, &error))?;
    let signed: BTreeMap<String, TargetSpec> = files
        .iter()
        .filter(|(name, _)| name.ends_with(".targets.json"))
        .filter_map(|(_, bytes)| TargetsSpec::read(bytes).ok())
        .max_by_key(|file| file.spec.version)
        .into_iter()
        .flat_map(|file| file.spec.targets)
        .collect();
    let place = (Place::Here(files), "the custodian's files");
    let text = take_in::of_place(app, caller, grant, known, place, progress).await?;
    let mut change = app.change(caller).await?;
    for adoption in change.view().adoptions().await? {
        if adoption.repository == *repository && is_among(&adoption, &signed) {
            let reason = "the custodian signed it";
            change
                .drop_adoption(repository, &adoption.path, reason)
                .await?;
        }
    }
    change.commit().await?;
    Ok(Output::Text(text))
}

/// Signs snapshot and timestamp of the hospital's own repositories anew, where they end soon.
pub async fn renew(app: &App) -> Result<(), Failure> {
    let own: Vec<VendorGrant> = {
        let mut view = app.store.view().await?;
        let Some(charter) = authority::newest::<Charter>(&mut view, DocumentKind::Charter).await?
        else {
            return Ok(());
        };
        let charter = charter.peek();
        let grants = charter.map(|charter| charter.vendors).unwrap_or_default();
        let own = grants.into_iter();
        own.filter(|grant| grant.publisher == Publisher::Custodian)
            .collect()
    };
    for grant in own {
        let known = app.store.view().await?.tuf_files(&grant.repository).await?;
        if !custodian::is_due(&known, app.now()) {
            continue;
        }
        let files = assemble(&known, Vec::new(), &key(app)?, app.now())
            .map_err(|error| Failure::because(FailureKind::Conflict, &error))?;
        let caller = Caller {
            actor: Actor::Collector,
        };
        let (progress, _nobody) = tokio::sync::mpsc::channel(1);
        let place = (Place::Here(files), "the custodian's files");
        let (grant, known) = own_repository(app, &grant.repository).await?;
        take_in::of_place(app, &caller, grant, known, place, progress).await?;
    }
    Ok(())
}

/// Writes metadata and targets as TUF clients ask for them.
async fn export(app: &App, repository: &Name, folder: &Path) -> Result<Output, Failure> {
    let (_, known) = own_repository(app, repository).await?;
    let failed = |error: std::io::Error| {
        Failure::input(format!("{}: {error}; name a new folder", folder.display()))
    };
    std::fs::create_dir(folder).map_err(failed)?;
    let metadata = folder.join("metadata");
    std::fs::create_dir(&metadata).map_err(failed)?;
    for file in &known {
        std::fs::write(metadata.join(&file.file), &file.bytes).map_err(failed)?;
    }
    let targets = custodian::targets(&known).map(|file| TargetsSpec::read(&file.bytes));
    let targets = targets.and_then(Result::ok).map(|file| file.spec.targets);
    let mut written = 0;
    for (path, target) in targets.into_iter().flatten() {
        let (below, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let place = folder.join("targets").join(below);
        std::fs::create_dir_all(&place).map_err(failed)?;
        let name = place.join(format!("{}.{name}", target.sha256));
        app.artifacts
            .copy_to(target.sha256, target.length, &name)
            .await
            .map_err(|error| Failure::because(FailureKind::Unavailable, &error))?;
        written += 1;
    }
    Ok(Output::Text(format!(
        "{repository}: {} metadata files and {written} targets in {}.",
        known.len(),
        folder.display()
    )))
}
