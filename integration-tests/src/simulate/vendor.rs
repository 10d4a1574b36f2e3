//! A vendor: what it published, when, and what of that is still in date.

use super::chance::Chance;
use super::hospital::name;
use ed25519_dalek::SigningKey;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::approval::{ApprovedRelease, Rollback};
use patchward_common::trust::release::{
    Applicability, ArtifactRef, Kind, Provenance, Reboot, ReleaseDescription, TreeKind,
};
use patchward_common::trust::tuf_author::{
    Edition, EditionKeys, Files, Holders, RootSpec, TargetSpec,
};
use patchward_common::trust::vendor::{
    Repository, Unavailable, VendorError, VendorWatermark, VerifiedTargets,
};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How long an edition's metadata lives.
const EDITION_LIFE_MS: i64 = 7 * DAY_MS;

/// What a refresh of one edition from one watermark found; the same for every machine.
#[derive(Clone)]
pub(super) struct Refreshed {
    pub(super) found: Result<Rc<VerifiedTargets>, Rc<VendorError>>,
    pub(super) watermark: VendorWatermark,
}

pub(super) struct Vendor {
    key: SigningKey,
    root: Vec<u8>,
    targets: BTreeMap<String, TargetSpec>,
    editions: Vec<(Files, UtcMs)>,
    /// Bytes that the vendor published, by digest.
    pub(super) published: BTreeSet<Digest>,
    /// Releases that do not fit the first model, though the vendor says so.
    pub(super) unfit: BTreeSet<Digest>,
    /// Refreshes that were done: edition, whether it was in date, watermark before.
    known: Vec<((usize, bool), VendorWatermark, Refreshed)>,
    counter: u64,
    /// Every path that was ever asked for, published or not.
    named: BTreeSet<String>,
}

impl Vendor {
    pub(super) fn new(chance: &mut Chance, now: UtcMs) -> Self {
        let key = SigningKey::from_bytes(&chance.bytes());
        let spec = RootSpec {
            version: 1,
            expires: now.plus_ms(400 * DAY_MS),
            consistent_snapshot: true,
            root: Holders::one(&key),
            timestamp: Holders::one(&key),
            snapshot: Holders::one(&key),
            targets: Holders::one(&key),
        };
        let mut vendor = Self {
            root: spec.sign(&[&key]).expect("it has whole numbers only"),
            key,
            targets: BTreeMap::new(),
            editions: Vec::new(),
            published: BTreeSet::new(),
            unfit: BTreeSet::new(),
            known: Vec::new(),
            counter: 1,
            named: BTreeSet::new(),
        };
        vendor.edition(now);
        vendor
    }

    pub(super) fn root_digest(&self) -> Digest {
        Digest::of(&self.root)
    }

    /// Signs what is published once more.
    pub(super) fn edition(&mut self, now: UtcMs) {
        let expires = now.plus_ms(EDITION_LIFE_MS);
        let mut edition = Edition::new(self.editions.len() as u64 + 1, expires);
        edition.targets = self.targets.clone();
        let files = edition.sign(&EditionKeys {
            timestamp: &[&self.key],
            snapshot: &[&self.key],
            targets: &[&self.key],
        });
        self.editions
            .push((files.expect("it has whole numbers only"), expires));
    }

    /// The newest edition.
    pub(super) fn newest(&self) -> usize {
        self.editions.len() - 1
    }

    /// Makes the next release of a product; `publish` says whether it is really published.
    pub(super) fn release(
        &mut self,
        product: &str,
        reboot: bool,
        publish: bool,
        now: UtcMs,
    ) -> ApprovedRelease {
        self.counter += 1;
        let version = format!("{}.0", self.counter);
        let bytes = format!("{product} {version}");
        let artifact = ArtifactRef {
            path: format!("{product}/{version}.tar"),
            sha256: Digest::of(bytes.as_bytes()),
            length: bytes.len() as u64,
        };
        let release = ReleaseDescription {
            product: name(product),
            version,
            counter: self.counter,
            kind: Kind::Tree(TreeKind {
                name: name(product),
                service: None,
            }),
            artifacts: vec![artifact.clone()],
            applies_to: Applicability {
                from: Vec::new(),
                os: vec!["debian-12".into()],
                architectures: vec!["x86_64".into()],
                models: super::fleet::MODELS.map(name).into(),
            },
            stepping_stones: Vec::new(),
            reboot: if reboot {
                Reboot::Machine
            } else {
                Reboot::None
            },
            install_minutes: 10,
            recovery_minutes: 5,
            checks_before: Vec::new(),
            checks_after: Vec::new(),
            fixes: Vec::new(),
            users_will_notice: None,
        };
        self.named.insert(artifact.path.clone());
        self.known.clear();
        if publish {
            let spec = TargetSpec::of(bytes.as_bytes(), None);
            self.targets.insert(artifact.path.clone(), spec);
            self.published.insert(artifact.sha256);
            self.edition(now);
        }
        ApprovedRelease {
            repository: name("acme"),
            path: artifact.path,
            sha256: artifact.sha256,
            length: artifact.length,
            provenance: Provenance::Vendor,
            install_minutes: release.install_minutes,
            recovery_minutes: release.recovery_minutes,
            rollback: Rollback::None,
            release,
        }
    }

    /// A refresh of `edition` by the product's own client. What it finds depends on
    /// nothing but these, so it is done once.
    pub(super) fn refresh(
        &mut self,
        edition: usize,
        watermark: &VendorWatermark,
        now: UtcMs,
    ) -> Refreshed {
        let (files, expires) = &self.editions[edition];
        let key = (edition, now < *expires);
        let known = self.known.iter();
        let mut known = known.filter(|(one, seen, _)| *one == key && seen == watermark);
        if let Some((_, _, refreshed)) = known.next() {
            return refreshed.clone();
        }
        let opened = Repository::open(&self.root, self.root_digest(), watermark.clone(), now);
        let refreshed = match opened {
            Ok(repository) => {
                let mut source =
                    |file: &str, _: usize| Ok::<_, Unavailable>(files.get(file).cloned());
                let paths = self.named.iter().map(String::as_str);
                let (found, watermark) = repository.verify(&mut source, paths);
                Refreshed {
                    found: found.map(Rc::new).map_err(Rc::new),
                    watermark,
                }
            }
            Err(error) => Refreshed {
                found: Err(Rc::new(error)),
                watermark: watermark.clone(),
            },
        };
        let entry = (key, watermark.clone(), refreshed.clone());
        self.known.push(entry);
        refreshed
    }

    /// The products that machines have.
    pub(super) fn products() -> [Name; 2] {
        [name("viewer"), name("driver")]
    }
}
