//! What comes from outside: vendors with their releases, and advisories.

use super::software::{PRODUCTS, version};
use super::{Filling, HISTORY_MS};
use crate::fixture::{Hospital, name, sign};
use crate::proven::document;
use anyhow::Context as _;
use patchward_collector::advisory::matcher::Prepared;
use patchward_collector::advisory::{Advisory, csaf};
use patchward_collector::matching::{Kept, Only, refresh};
use patchward_collector::store::advisories::AdvisoryRow;
use patchward_collector::store::documents::DocumentKind;
use patchward_collector::store::releases::{Release, ReleaseState};
use patchward_collector::store::support::{SupportEnd, SupportKind};
use patchward_collector::store::vendors::Vendor;
use patchward_collector::store::{Actor, Store};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::release::{Kind, TreeKind};
use patchward_common::trust::sign::PublicKey;
use std::path::Path;

/// Vendors; the first of them bring the programs that rollouts install.
const VENDORS: [&str; 10] = [
    "acme",
    "northwind",
    "lumen",
    "cardia",
    "helix",
    "orbit",
    "pulse",
    "quartz",
    "sierra",
    "tern",
];
/// Releases of each product in two years.
pub(super) const RELEASES: usize = 8;

/// An advisory with its file.
pub struct File {
    /// What it says.
    pub advisory: Advisory,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Every advisory of a folder, in the order of their names.
///
/// # Errors
/// Where there is no such folder, or a file of it is no advisory.
pub fn read(folder: &Path) -> anyhow::Result<Vec<File>> {
    let mut paths = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| {
        format!(
            "{}: name a folder of advisories with --advisories",
            folder.display()
        )
    })?;
    for entry in entries {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let bytes = std::fs::read(&path)?;
        let advisory = csaf::read(&bytes).with_context(|| path.display().to_string())?;
        files.push(File { advisory, bytes });
    }
    Ok(files)
}

/// Makers and models as advisories name them.
pub fn named(files: &[File]) -> Vec<(String, String)> {
    let prepared = files.iter().map(|file| Prepared::of(file.advisory.clone()));
    prepared
        .flat_map(|one| one.advisory.products)
        .map(|one| (one.vendor, one.product))
        .filter(|(vendor, product)| !vendor.is_empty() && !product.is_empty())
        .collect()
}

/// Takes in advisories as nobody knew them.
pub async fn put(store: &Store, files: &[File], now: UtcMs) -> anyhow::Result<()> {
    let known = store.view().await?.advisories().await?;
    let mut change = store.change(Actor::Collector, now).await?;
    for file in files {
        let advisory = &file.advisory;
        if known.iter().any(|row| row.id == advisory.id) {
            change.remove_advisory(&advisory.id).await?;
        }
        let row = AdvisoryRow {
            id: advisory.id.clone(),
            revision: 1,
            version: advisory.version.clone(),
            form: advisory.form.word().to_owned(),
            publisher: advisory.publisher.clone(),
            title: advisory.title.clone(),
            category: advisory.category.clone(),
            status: advisory.status.clone(),
            digest: Digest::of(&file.bytes),
            published: advisory.published,
            changed: advisory.current,
            due: None,
            score: None,
            severity: advisory.severity.clone(),
            added_at: now,
        };
        change.add_advisory(&row, &file.bytes, true, &[]).await?;
    }
    change.commit().await?;
    Ok(())
}

/// A release of one of the programs that rollouts install.
pub(super) fn release(papers: &Hospital, product: usize, rollouts: usize) -> ApprovedRelease {
    let vendor = VENDORS[product % VENDORS.len()];
    let called = match PRODUCTS.get(product) {
        Some(product) => (*product).to_owned(),
        None => format!("tool-{product}"),
    };
    let version = version(rollouts);
    let archive = format!("{called} {version}");
    let mut one = papers.release(&version, rollouts as u64 + 1, archive.as_bytes());
    one.repository = name(vendor);
    one.path = format!("{called}/{version}.tar");
    one.release.product = name(&called);
    one.release.kind = Kind::Tree(TreeKind {
        name: name(&called),
        service: None,
    });
    one.release.artifacts[0].path.clone_from(&one.path);
    one
}

impl Filling<'_> {
    /// Charter and roster, a month old.
    pub(super) async fn papers(&self) -> anyhow::Result<()> {
        let papers = Hospital::new(1, self.spec.now.plus_ms(-30 * DAY_MS));
        let (root, registrar) = (&papers.root, &papers.registrar);
        let charter = sign(&papers.charter(), &[root]);
        let roster = sign(&papers.roster(), &[registrar]);
        let mut change = self.change(papers.now).await?;
        let (root, registrar) = (PublicKey::of(root), PublicKey::of(registrar));
        document(&mut change, DocumentKind::Charter, &charter, &[root]).await?;
        document(&mut change, DocumentKind::Roster, &roster, &[registrar]).await?;
        change.commit().await?;
        Ok(())
    }

    /// Vendors, and their releases of two years.
    pub(super) async fn vendors(&self) -> anyhow::Result<()> {
        let spec = self.spec;
        let papers = Hospital::new(1, spec.began());
        (self.progress)("vendors", 0, VENDORS.len());
        let mut change = self.change(spec.began()).await?;
        for vendor in VENDORS {
            let vendor = Vendor {
                name: name(vendor),
                repository: name(vendor),
                url: format!("https://updates.{vendor}.example/tuf"),
                root_digest: Digest::of(vendor.as_bytes()),
            };
            change.add_vendor(&vendor).await?;
        }
        change.commit().await?;
        for nth in 0..RELEASES {
            let at = spec
                .began()
                .plus_ms(HISTORY_MS * nth as i64 / RELEASES as i64);
            let mut change = self.change(at).await?;
            for product in 0..VENDORS.len() * 2 {
                let one = release(&papers, product, nth);
                let row = Release {
                    repository: one.repository.clone(),
                    path: one.path.clone(),
                    sha256: one.sha256,
                    length: one.length,
                    product: one.release.product.clone(),
                    version: one.release.version.clone(),
                    counter: one.release.counter,
                    kind: one.release.kind.word().to_owned(),
                    provenance: one.provenance,
                    description: codec::encode_deterministic(&one.release),
                    state: ReleaseState::Available,
                    added_at: at,
                };
                change
                    .add_release(&row, &[(one.sha256, one.length)])
                    .await?;
                if nth > 0 {
                    let before = release(&papers, product, nth - 1);
                    change
                        .set_release_state(&before.sha256, ReleaseState::Superseded, "a later one")
                        .await?;
                }
            }
            change.commit().await?;
        }
        Ok(())
    }

    /// The advisories of the folder, matched with all that is there; ends of support.
    pub(super) async fn advisories(&self) -> anyhow::Result<()> {
        let spec = self.spec;
        let mut change = self.change(spec.now).await?;
        for (kind, thing, versions, ends_on) in [
            (SupportKind::Os, "ubuntu", "< 22", "2025-04-30"),
            (SupportKind::Os, "debian", "< 13", "2028-06-30"),
            (SupportKind::Product, "viewer", "< 2.1", "2026-01-31"),
        ] {
            let end = SupportEnd {
                kind,
                name: thing.into(),
                versions: versions.into(),
                ends_on: ends_on.into(),
                source: None,
                put_by: String::new(),
                put_at: spec.now,
            };
            change.put_support_end(&end).await?;
        }
        change.commit().await?;
        if !spec.advisories.is_dir() {
            return Ok(());
        }
        let files = read(&spec.advisories)?;
        (self.progress)("advisories", 0, files.len());
        put(self.store, &files, spec.now).await?;
        let all = Only {
            advisories: None,
            things: None,
        };
        let kept = Kept::default();
        let by = Actor::Collector;
        let ran = refresh(self.store, &kept, &by, spec.now, all);
        ran.await.map_err(|failure| anyhow::anyhow!(failure.text))?;
        Ok(())
    }
}
