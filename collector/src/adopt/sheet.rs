//! What a person states of a release that its vendor sent: a file in TOML, filled in by who
//! took the disc or opened the portal. Artifacts, their sums and what was checked are added
//! by the collector.

use patchward_common::digest::Digest;
use patchward_common::id::{Label, Name};
use patchward_common::settings;
use patchward_common::time::UtcMs;
use patchward_common::trust::origin::{Origin, Proof, Way};
use patchward_common::trust::release::{
    Applicability, ArtifactRef, Kind, PackageManager, PackageRef, Packages, Provenance, Reboot,
    RecipeKind, ReleaseDescription, TreeKind,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Largest sheet: a set of hundreds of packages with their checksums.
pub const MAX_SHEET_BYTES: usize = 256 * 1024;

/// A sheet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// The custodian repository, as the charter calls it.
    pub repository: Name,
    /// The release.
    pub release: ReleasePart,
    /// How it came.
    pub origin: OriginPart,
    /// What can be checked of it.
    #[serde(default, rename = "proof")]
    pub proofs: Vec<ProofPart>,
    /// The archive that it comes from, with `--from-apt`.
    pub archive: Option<ArchivePart>,
}

/// The release, but for its artifacts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasePart {
    product: Name,
    version: String,
    counter: u64,
    /// Missing only for an archive's packages.
    kind: Option<KindPart>,
    applies_to: Applicability,
    #[serde(default)]
    stepping_stones: Vec<String>,
    reboot: Reboot,
    install_minutes: u32,
    recovery_minutes: u32,
    #[serde(default)]
    checks_before: Vec<Name>,
    #[serde(default)]
    checks_after: Vec<Name>,
    #[serde(default)]
    fixes: Vec<String>,
    users_will_notice: Option<Label>,
}

/// How it is installed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindPart {
    Tree(TreeKind),
    Recipe(RecipeKind),
    Deb(Vec<PackagePart>),
    Rpm(Vec<PackagePart>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackagePart {
    name: String,
    version: String,
    file: String,
}

/// How it came.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginPart {
    way: Way,
    place: Label,
    /// Such as 2027-01-31T09:00:00Z.
    obtained: String,
    obtained_by: Label,
    vouched_by: Name,
    note: Label,
}

/// One thing to check of one file, or of all that a checksum list names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofPart {
    /// The artifact's file name.
    pub file: String,
    /// SHA-256 or SHA-512 as the vendor gave it, in hex.
    pub checksum: Option<String>,
    /// Where the vendor gave the checksum.
    pub given_in: Option<Label>,
    /// A list as `sha256sum` writes it.
    pub checksums: Option<PathBuf>,
    /// A detached signature: of the file, or of the checksum list where there is one.
    pub signature: Option<PathBuf>,
    /// The vendor's OpenPGP keys.
    pub keyring: Option<PathBuf>,
    /// The vendor's minisign public key.
    pub minisign: Option<String>,
}

/// A distribution's archive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivePart {
    /// A URL, or a folder's full path.
    pub place: String,
    /// Such as `bookworm-security`.
    pub suite: String,
    /// Such as `main`.
    pub components: Vec<String>,
    /// As dpkg calls it, such as `amd64`.
    pub architecture: String,
    /// The distribution's OpenPGP keys.
    pub keyring: PathBuf,
    /// Which installed packages to update; all where it is empty.
    #[serde(default)]
    pub packages: Vec<String>,
    /// A machine whose inventory says what is installed.
    pub machine: Option<String>,
    /// Or a dpkg status file, as of an image.
    pub status: Option<PathBuf>,
}

/// An artifact that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Its file name.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Their number.
    pub length: u64,
}

impl Sheet {
    /// Reads a sheet.
    ///
    /// # Errors
    /// What a person has to correct, with its place in the file.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
        settings::parse(text).map_err(|error| error.to_string())
    }

    /// The release with these artifacts, its paths below its product. `packages` are those
    /// of an archive: name, version, and the file's place among the artifacts.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn release(
        &self,
        artifacts: &[Measured],
        packages: Option<Vec<PackageRef>>,
    ) -> Result<ReleaseDescription, String> {
        let part = &self.release;
        let path = |file: &str| format!("{}/{file}", part.product);
        let refs = artifacts.iter().map(|one| ArtifactRef {
            path: path(&one.file),
            sha256: one.sha256,
            length: one.length,
        });
        let kind = match (&part.kind, packages) {
            (None, Some(packages)) => Kind::Packages(Packages {
                manager: PackageManager::Deb,
                packages,
            }),
            (Some(_), Some(_)) => {
                return Err(
                    "release.kind: leave it out, an archive's packages are of kind packages".into(),
                );
            }
            (None, None) => return Err("release.kind: say how it is installed".into()),
            (Some(KindPart::Tree(tree)), None) => Kind::Tree(tree.clone()),
            (Some(KindPart::Recipe(recipe)), None) => Kind::Recipe(recipe.clone()),
            (Some(KindPart::Deb(packages)), None) => set(PackageManager::Deb, packages, artifacts)?,
            (Some(KindPart::Rpm(packages)), None) => set(PackageManager::Rpm, packages, artifacts)?,
        };
        let release = ReleaseDescription {
            product: part.product.clone(),
            version: part.version.clone(),
            counter: part.counter,
            kind,
            artifacts: refs.collect(),
            applies_to: part.applies_to.clone(),
            stepping_stones: part.stepping_stones.clone(),
            reboot: part.reboot,
            install_minutes: part.install_minutes,
            recovery_minutes: part.recovery_minutes,
            checks_before: part.checks_before.clone(),
            checks_after: part.checks_after.clone(),
            fixes: part.fixes.clone(),
            users_will_notice: part.users_will_notice.clone(),
        };
        release
            .check()
            .map_err(|problem| format!("release: {problem}"))?;
        Ok(release)
    }

    /// The origin with what was checked. With a proof for every artifact it is called
    /// checked against its vendor; with less, somebody vouches.
    ///
    /// # Errors
    /// What a person has to correct.
    pub fn origin(
        &self,
        release: &ReleaseDescription,
        proofs: Vec<Proof>,
        now: UtcMs,
    ) -> Result<Origin, String> {
        let part = &self.origin;
        let obtained: jiff::Timestamp = part.obtained.parse().map_err(|_| {
            format!(
                "origin.obtained: {:?} is no instant; write it like 2027-01-31T09:00:00Z",
                part.obtained
            )
        })?;
        let obtained = UtcMs(obtained.as_millisecond());
        if now < obtained {
            return Err(format!("origin.obtained: {obtained} is in the future"));
        }
        let proven: BTreeSet<Digest> = proofs.iter().map(|proof| proof.artifact).collect();
        let all = release
            .artifacts
            .iter()
            .all(|one| proven.contains(&one.sha256));
        let origin = Origin {
            provenance: match all {
                true => Provenance::VendorSignature,
                false => Provenance::Attested,
            },
            way: part.way,
            place: part.place.clone(),
            obtained,
            obtained_by: part.obtained_by.clone(),
            vouched_by: part.vouched_by.clone(),
            note: part.note.clone(),
            proofs,
        };
        origin.check(release).map_err(ToOwned::to_owned)?;
        Ok(origin)
    }

    /// The release's product and counter.
    pub fn product(&self) -> (&Name, u64, &str) {
        (
            &self.release.product,
            self.release.counter,
            &self.release.version,
        )
    }
}

fn set(
    manager: PackageManager,
    packages: &[PackagePart],
    artifacts: &[Measured],
) -> Result<Kind, String> {
    let by_file: BTreeMap<&str, Digest> = artifacts
        .iter()
        .map(|one| (one.file.as_str(), one.sha256))
        .collect();
    let each = packages.iter().map(|part| {
        let artifact = by_file.get(part.file.as_str()).copied();
        let missing = || {
            format!(
                "release.kind: {} is none of the files that were given",
                part.file
            )
        };
        Ok(PackageRef {
            name: part.name.clone(),
            version: part.version.clone(),
            artifact: artifact.ok_or_else(missing)?,
        })
    });
    let packages = each.collect::<Result<_, String>>()?;
    Ok(Kind::Packages(Packages { manager, packages }))
}
