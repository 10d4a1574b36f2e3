//! A vendor of the test hospital: keys, and a TUF repository in a folder.

use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::release::{
    Applicability, ArtifactRef, Kind, Reboot, ReleaseDescription, TreeKind,
};
use patchward_common::trust::tuf_author::{
    Edition, EditionKeys, Files, Holders, RootSpec, TargetSpec,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A vendor with one key per role.
#[derive(Debug)]
pub struct Vendor {
    /// The repository's folder.
    pub folder: PathBuf,
    root: SigningKey,
    targets: SigningKey,
    snapshot: SigningKey,
    timestamp: SigningKey,
    version: u64,
    published: BTreeMap<String, TargetSpec>,
    first_root: Vec<u8>,
    life_ms: i64,
}

impl Vendor {
    /// A new vendor that publishes into `folder`; `seed` makes its keys.
    pub fn new(folder: &Path, seed: u8, now: UtcMs) -> anyhow::Result<Self> {
        let key = |role: u8| SigningKey::from_bytes(&[seed.wrapping_mul(8).wrapping_add(role); 32]);
        let life_ms = 30 * DAY_MS;
        let (root, targets, snapshot, timestamp) = (key(0), key(1), key(2), key(3));
        std::fs::create_dir_all(folder.join("metadata"))?;
        std::fs::create_dir_all(folder.join("targets"))?;
        let mut vendor = Self {
            folder: folder.to_owned(),
            root,
            targets,
            snapshot,
            timestamp,
            version: 0,
            published: BTreeMap::new(),
            first_root: Vec::new(),
            life_ms,
        };
        vendor.first_root = vendor.root_spec(1, now).sign(&[&vendor.root])?;
        let path = folder.join("metadata/1.root.json");
        std::fs::write(path, &vendor.first_root).context("writing a root")?;
        vendor.publish_edition(now)?;
        Ok(vendor)
    }

    /// What a charter pins.
    pub fn root_digest(&self) -> Digest {
        Digest::of(&self.first_root)
    }

    /// The key that signs targets: for those who try what a thief of it could do.
    pub fn targets_key(&self) -> &SigningKey {
        &self.targets
    }

    /// The root's key.
    pub fn root_key(&self) -> &SigningKey {
        &self.root
    }

    /// Publishes a release with its artifacts' bytes, in the order of the description.
    pub fn publish(
        &mut self,
        release: &ReleaseDescription,
        artifacts: &[&[u8]],
        now: UtcMs,
    ) -> anyhow::Result<()> {
        for (at, (artifact, bytes)) in release.artifacts.iter().zip(artifacts).enumerate() {
            let custom = (at == 0)
                .then(|| {
                    serde_json::to_value(release)
                        .map(|text| serde_json::json!({ "patchward": text }))
                })
                .transpose()?;
            let spec = TargetSpec::of(bytes, custom);
            let (folder, name) = artifact
                .path
                .rsplit_once('/')
                .unwrap_or(("", &artifact.path));
            let place = self.folder.join("targets").join(folder);
            std::fs::create_dir_all(&place)?;
            std::fs::write(place.join(format!("{}.{name}", spec.sha256)), bytes)
                .context("writing a target")?;
            self.published.insert(artifact.path.clone(), spec);
        }
        self.publish_edition(now)
    }

    /// Signs what is published once more, with the next version.
    pub fn publish_edition(&mut self, now: UtcMs) -> anyhow::Result<()> {
        self.publish_as(self.version + 1, now)
    }

    /// The same under a version of one's own choice.
    pub fn publish_as(&mut self, version: u64, now: UtcMs) -> anyhow::Result<()> {
        self.version = version;
        let mut edition = Edition::new(self.version, now.plus_ms(self.life_ms));
        edition.targets = self.published.clone();
        let files = edition.sign(&EditionKeys {
            timestamp: &[&self.timestamp],
            snapshot: &[&self.snapshot],
            targets: &[&self.targets],
        })?;
        for (name, bytes) in files {
            std::fs::write(self.folder.join("metadata").join(name), bytes)?;
        }
        Ok(())
    }

    /// The newest version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A second root, with other keys for what is signed online; the old ones count no more.
    pub fn rotate_online_keys(&mut self, now: UtcMs) -> anyhow::Result<()> {
        for key in [&mut self.snapshot, &mut self.timestamp] {
            let old = key.to_bytes();
            *key = SigningKey::from_bytes(&old.map(|byte| byte ^ 0xff));
        }
        let spec = self.root_spec(2, now);
        let path = self.folder.join("metadata/2.root.json");
        std::fs::write(path, spec.sign(&[&self.root])?).context("writing a root")
    }

    /// The metadata as it lies in the folder: of every edition, but the newest timestamp.
    pub fn metadata(&self) -> anyhow::Result<Files> {
        let mut files = Files::new();
        for entry in std::fs::read_dir(self.folder.join("metadata"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, std::fs::read(entry.path())?);
        }
        Ok(files)
    }

    fn root_spec(&self, version: u64, now: UtcMs) -> RootSpec {
        RootSpec {
            version,
            expires: now.plus_ms(365 * DAY_MS),
            consistent_snapshot: true,
            root: Holders::one(&self.root),
            timestamp: Holders::one(&self.timestamp),
            snapshot: Holders::one(&self.snapshot),
            targets: Holders::one(&self.targets),
        }
    }
}

/// A release of a folder of files: `files` by their paths inside it.
pub fn tree_release(
    product: &str,
    version: &str,
    counter: u64,
    files: &[(&str, &[u8])],
) -> anyhow::Result<(ReleaseDescription, Vec<u8>)> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        header.set_mtime(0);
        archive.append_data(&mut header, path, *bytes)?;
    }
    let archive = archive.into_inner()?;
    let name = Name::new(product)?;
    let description = ReleaseDescription {
        product: name.clone(),
        version: version.to_owned(),
        counter,
        kind: Kind::Tree(TreeKind {
            name,
            service: None,
        }),
        artifacts: vec![artifact(
            &format!("{product}/{product}-{version}.tar"),
            &archive,
        )],
        applies_to: Applicability {
            from: Vec::new(),
            os: Vec::new(),
            architectures: vec!["all".into()],
            models: Vec::new(),
        },
        stepping_stones: Vec::new(),
        reboot: Reboot::None,
        install_minutes: 5,
        recovery_minutes: 5,
        checks_before: Vec::new(),
        checks_after: Vec::new(),
        fixes: Vec::new(),
        users_will_notice: None,
    };
    Ok((description, archive))
}

/// How an artifact is named.
pub fn artifact(path: &str, bytes: &[u8]) -> ArtifactRef {
    ArtifactRef {
        path: path.to_owned(),
        sha256: Digest::of(bytes),
        length: bytes.len() as u64,
    }
}
