//! Vendors and their releases.

mod enrolled;
pub(in crate::command) mod met;
mod needed;
mod sbom;
mod shown;
pub(super) mod take_in;

pub(super) use enrolled::Enrolled;
pub(super) use shown::list;

use super::file::InputFile;
use super::{Caller, Progress, adopt, contact};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::releases::{Release, ReleaseState};
use patchward_common::codec;
use patchward_common::id::{Label, Name};
use patchward_common::trust::release::ReleaseDescription;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Largest stored description; the approval that repeats it is no larger.
const MAX_DESCRIPTION_BYTES: usize = 512 * 1024;

/// What can be done with vendors.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum VendorCommand {
    /// Show the vendors of the charter and how fresh their repositories are
    List,
    /// Take in what a vendor's repository has now, from a web server, a mirror or a stick
    Sync {
        /// The repository, as the charter calls it
        repository: Name,
        /// A URL, or a folder's full path; remembered for the next time
        #[arg(long)]
        from: Option<String>,
    },
    /// Whom the hospital asks there
    #[command(subcommand)]
    Contact(contact::ContactCommand),
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
    /// Take in what a vendor sent by portal or disc: check it, and keep it for the
    /// custodian's signature
    Adopt(adopt::AdoptArgs),
    /// Show all releases: what they fix, who needs them, what users will notice, and what vendors'
    /// MDS2 answers let us do
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
    /// Show the machines that need a release, with what they have now
    Needed {
        /// The product
        product: Name,
        /// The version
        version: String,
    },
    /// Take in a release's bill of materials (CycloneDX or SPDX 2, JSON), or show what it lists
    Sbom {
        /// The product
        product: Name,
        /// The version
        version: String,
        /// The file; without it, what is kept is shown
        file: Option<InputFile>,
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
pub(super) fn absolute(text: &str) -> Result<PathBuf, String> {
    std::path::absolute(text).map_err(|error| error.to_string())
}

/// Carries out a command on vendors.
pub async fn vendor(
    app: &App,
    caller: &Caller,
    command: VendorCommand,
    progress: Progress,
) -> Result<Output, Failure> {
    match command {
        VendorCommand::Sync { repository, from } => {
            sync(app, caller, &repository, from, progress).await
        }
        VendorCommand::Contact(command) => contact::run(app, caller, command).await,
        VendorCommand::List => {
            let columns = ["vendor", "repository", "fetched", "first_root", "from"];
            let mut table = Table::new(&columns);
            let mut view = app.store.view().await?;
            for vendor in view.vendors().await? {
                table.row(vec![
                    Cell::of(vendor.name),
                    Cell::of(&vendor.repository),
                    Cell::maybe(view.fetched_at(&vendor.repository).await?),
                    Cell::of(vendor.root_digest),
                    Cell::maybe((!vendor.url.is_empty()).then_some(vendor.url)),
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
            let from = from.to_string_lossy();
            take_in::from(app, caller, &repository, &from, progress).await
        }
        ReleaseCommand::Adopt(args) => adopt::run(app, caller, args, progress).await,
        ReleaseCommand::List { product } => list(app, now(app).await?, product.as_ref()).await,
        ReleaseCommand::Show { product, version } => {
            show(app, now(app).await?, &product, &version).await
        }
        ReleaseCommand::Needed { product, version } => {
            needed(app, now(app).await?, &product, &version).await
        }
        ReleaseCommand::Sbom {
            product,
            version,
            file,
        } => {
            let release = find(app, &product, &version).await?;
            match file {
                Some(file) => sbom::take_in(app, caller, &release, &file).await,
                None => sbom::show(app, &release).await,
            }
        }
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

/// The enrolled machines as they are now.
async fn now(app: &App) -> Result<Arc<Enrolled>, Failure> {
    let enrolled = Enrolled::read(app, &mut app.store.view().await?).await?;
    Ok(Arc::new(enrolled))
}

/// One release.
pub(super) async fn show(
    app: &App,
    enrolled: Arc<Enrolled>,
    product: &Name,
    version: &str,
) -> Result<Output, Failure> {
    shown::show(app, enrolled, &find(app, product, version).await?).await
}

/// The machines that need a release.
pub(super) async fn needed(
    app: &App,
    enrolled: Arc<Enrolled>,
    product: &Name,
    version: &str,
) -> Result<Output, Failure> {
    let release = find(app, product, version).await?;
    let described = description(&release)?;
    needed::list(app, enrolled, &release, &described).await
}

/// Takes in a repository from where it was taken in before, or from a new place.
async fn sync(
    app: &App,
    caller: &Caller,
    repository: &Name,
    from: Option<String>,
    progress: Progress,
) -> Result<Output, Failure> {
    let vendor = app.store.view().await?.vendor_of(repository).await?;
    let vendor = vendor.ok_or_else(|| {
        Failure::not_found(format!(
            "The charter knows no repository {repository}. `vendor list` shows those that it knows."
        ))
    })?;
    let place = from.clone().unwrap_or_else(|| vendor.url.clone());
    if place.is_empty() {
        return Err(Failure::input(format!(
            "Where {repository} lies was never said; name it once with `--from URL` or `--from FOLDER`."
        )));
    }
    let said = take_in::from(app, caller, repository, &place, progress).await?;
    // What did not work is not remembered.
    if from.is_some_and(|from| from != vendor.url) {
        let mut change = app.change(caller).await?;
        change.set_vendor_url(&vendor.name, &place).await?;
        change.commit().await?;
    }
    Ok(said)
}

/// The parts of a release as it is typed.
pub(super) fn product_and_version(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('=')
        .ok_or_else(|| Failure::input(format!("\"{text}\": write a release as PRODUCT=VERSION")))
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
