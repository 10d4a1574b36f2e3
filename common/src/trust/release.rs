//! A release as its vendor describes it: `custom.patchward` of its TUF target, or,
//! where the vendor has no such thing, the same text inside the approval.

use crate::digest::Digest;
use crate::id::{Label, Name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most artifacts of one release: a desktop's whole closed set of packages.
pub const MAX_ARTIFACTS: usize = 512;
/// Largest artifact: a reading station's image set of 16 GiB.
pub const MAX_ARTIFACT_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// Longest time that an install or a recovery may be declared to take, in minutes:
/// no window is longer than a day.
pub const MAX_RUN_MINUTES: u32 = 24 * 60;
/// Longest version text in bytes.
pub const MAX_VERSION_BYTES: usize = 128;
/// Longest target path in bytes: with a hash before its file name it still fits into
/// the 255 bytes that a file system allows for one name.
pub const MAX_PATH_BYTES: usize = 160;
/// Most entries of a list of from-versions, systems, architectures, models, stepping
/// stones or probes: more cannot have been validated.
pub const MAX_ENTRIES: usize = 256;
/// Most CVEs that one release may say it fixes: a year of a whole distribution.
pub const MAX_FIXES: usize = 4_096;

/// One version of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseDescription {
    /// The product.
    pub product: Name,
    /// Its version, as the machine shows it afterwards.
    pub version: String,
    /// Rises with every release of the product; decides what is older.
    pub counter: u64,
    /// How it is installed.
    pub kind: Kind,
    /// Its bytes; the first is the target that carries this description.
    pub artifacts: Vec<ArtifactRef>,
    /// On what it may be installed.
    pub applies_to: Applicability,
    /// Versions that must be installed on the way to this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stepping_stones: Vec<String>,
    /// What restarts.
    pub reboot: Reboot,
    /// Longest install in minutes.
    pub install_minutes: u32,
    /// Longest recovery in minutes.
    pub recovery_minutes: u32,
    /// Probes of the machine that must pass before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks_before: Vec<Name>,
    /// Probes of the machine that must pass afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks_after: Vec<Name>,
    /// CVEs that it fixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<String>,
    /// What users will notice, for the ward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users_will_notice: Option<Label>,
}

/// An artifact by the digest of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactRef {
    /// Its TUF target path.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Their number.
    pub length: u64,
}

/// How a release is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A closed set of packages, simulated before the start, all or nothing.
    Packages(Packages),
    /// A versioned folder, unpacked beside the old one and switched atomically.
    Tree(TreeKind),
    /// A root-owned file of the machine's `recipes.d` fixes what is run.
    Recipe(RecipeKind),
}

impl Kind {
    /// The word for it in tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Packages(_) => "packages",
            Self::Tree(_) => "tree",
            Self::Recipe(_) => "recipe",
        }
    }
}

/// A set of packages for one package manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packages {
    /// Which package manager.
    pub manager: PackageManager,
    /// Name and version of each package after the install.
    pub packages: Vec<PackageRef>,
}

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageManager {
    /// dpkg.
    Deb,
    /// rpm.
    Rpm,
}

/// One package of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageRef {
    /// Its name, as the package manager writes it.
    pub name: String,
    /// Its version afterwards.
    pub version: String,
    /// Its artifact.
    pub artifact: Digest,
}

/// A folder of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeKind {
    /// The folder's name below the machine's folder of trees.
    pub name: Name,
    /// The service that is restarted after the switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
}

/// A recipe of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeKind {
    /// Its file in `recipes.d`, without the extension.
    pub name: Name,
    /// SHA-256 of that file.
    pub sha256: Digest,
}

/// On what a release may be installed. An empty list of from-versions, systems or
/// models means any; `architectures` is never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applicability {
    /// Versions of the product from which it may be installed; [`ABSENT`] for none.
    #[serde(default)]
    pub from: Vec<String>,
    /// Operating systems, as `ID-VERSION_ID` of os-release.
    #[serde(default)]
    pub os: Vec<String>,
    /// Architectures, as `uname -m` writes them, or `all`.
    pub architectures: Vec<String>,
    /// Models that it is validated for.
    #[serde(default)]
    pub models: Vec<Name>,
}

impl ReleaseDescription {
    /// What is wrong with it, whoever signed it. Its texts become paths and arguments
    /// on a machine, so they are checked here and not where they are used.
    pub fn check(&self) -> Result<(), &'static str> {
        let say = |holds: bool, problem| if holds { Ok(()) } else { Err(problem) };
        say(is_version(&self.version), "its version is not usable")?;
        self.check_artifacts()?;
        self.check_kind()?;
        say(
            (1..=MAX_RUN_MINUTES).contains(&self.install_minutes)
                && self.recovery_minutes <= MAX_RUN_MINUTES,
            "its install takes no time, or install or recovery longer than a day",
        )?;
        let rule = &self.applies_to;
        say(
            !rule.architectures.is_empty() && rule.models.len() <= MAX_ENTRIES,
            "it names no architecture, or too many models",
        )?;
        for texts in [
            &rule.from,
            &rule.os,
            &rule.architectures,
            &self.stepping_stones,
        ] {
            say(
                texts.len() <= MAX_ENTRIES && texts.iter().all(|text| is_text(text)),
                "a from-version, system, architecture or stepping stone is not usable",
            )?;
        }
        say(
            self.checks_before.len() <= MAX_ENTRIES && self.checks_after.len() <= MAX_ENTRIES,
            "it asks for too many checks",
        )?;
        say(
            self.fixes.len() <= MAX_FIXES && self.fixes.iter().all(|text| is_text(text)),
            "it lists too many fixes, or unreadable ones",
        )
    }

    fn check_artifacts(&self) -> Result<(), &'static str> {
        if !(1..=MAX_ARTIFACTS).contains(&self.artifacts.len()) {
            return Err("it has no artifact, or too many");
        }
        let paths: BTreeSet<&str> = self.artifacts.iter().map(|a| a.path.as_str()).collect();
        if paths.len() < self.artifacts.len() {
            return Err("an artifact stands twice");
        }
        if !paths.into_iter().all(is_target_path) {
            return Err("an artifact's path is not a plain relative path");
        }
        let fits = |a: &ArtifactRef| (1..=MAX_ARTIFACT_BYTES).contains(&a.length);
        if !self.artifacts.iter().all(fits) {
            return Err("an artifact is empty or too long");
        }
        Ok(())
    }

    fn check_kind(&self) -> Result<(), &'static str> {
        let Kind::Packages(set) = &self.kind else {
            return Ok(()); // A tree's and a recipe's names were checked as they were read.
        };
        let digests: BTreeSet<Digest> = self.artifacts.iter().map(|a| a.sha256).collect();
        let names: BTreeSet<&str> = set.packages.iter().map(|p| p.name.as_str()).collect();
        if !(1..=MAX_ARTIFACTS).contains(&set.packages.len()) || names.len() < set.packages.len() {
            return Err("it has no package, too many, or one twice");
        }
        let usable = |p: &PackageRef| is_package_name(&p.name) && is_version(&p.version);
        if !set.packages.iter().all(usable) {
            return Err("a package's name or version is not usable");
        }
        if !set.packages.iter().all(|p| digests.contains(&p.artifact)) {
            return Err("a package is none of its artifacts");
        }
        Ok(())
    }
}

/// Whether a text is usable as a version: it becomes an argument and the name of a
/// folder, and `absent` is taken.
pub fn is_version(text: &str) -> bool {
    (1..=MAX_VERSION_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
        && !text.starts_with(['-', '.'])
        && text != ABSENT
}

/// Whether a version is one that is safe as a word of a command, as one path segment and in
/// a table: letters, digits and what Debian, rpm and vendors put between them.
pub fn is_plain_version(text: &str) -> bool {
    is_version(text)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".+-_~:^".contains(&byte))
}

/// Whether a text is a target path that means the same file to everybody: relative,
/// of printable ASCII, without empty, `.` or `..` segments.
pub fn is_target_path(text: &str) -> bool {
    (1..=MAX_PATH_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        && text
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && !part.starts_with('-'))
}

/// The names of Debian policy §5.6.1 and of rpm, so that none is read as an option.
fn is_package_name(text: &str) -> bool {
    (1..=MAX_VERSION_BYTES).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-._:".contains(&b))
}

/// One line of printable ASCII of a bounded length.
fn is_text(text: &str) -> bool {
    (1..=MAX_VERSION_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

/// The from-version that means "not installed yet".
pub const ABSENT: &str = "absent";

/// What restarts for an install.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reboot {
    /// Nothing.
    None,
    /// The product's service.
    Service,
    /// The machine.
    Machine,
}

/// Who vouches for a release. Ordered: a later one is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// HTM vouches, with a source note.
    Attested,
    /// The vendor's detached signature or checksum was checked and kept.
    VendorSignature,
    /// The vendor's own TUF repository.
    Vendor,
}

impl Provenance {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Attested => "attested",
            Self::VendorSignature => "vendor_signature",
            Self::Vendor => "vendor",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_versions_are_safe_words() {
        for good in ["4.2.1", "1:2.3~rc1-1+deb12u1", "2024_01"] {
            assert!(is_plain_version(good), "{good}");
        }
        let long = "1".repeat(129);
        for bad in [
            "", ".", "..", "../1", "a/b", "-rf", "a b", "a\0", "absent", &long, "ü",
        ] {
            assert!(!is_plain_version(bad), "{bad:?}");
        }
    }
}
