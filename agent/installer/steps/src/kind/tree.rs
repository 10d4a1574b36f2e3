//! A versioned folder: unpacked beside the old one, then switched by one rename.
//!
//! `TREES/NAME/VERSION/` holds the files and, in `.patchward`, a list of their digests;
//! `TREES/NAME/current` is a link to the version in use.

use super::{Kind, Part, Site, word, words};
use crate::disk::{copy, sync_folder_of};
use patchward_common::digest::Digest;
use patchward_common::trust::release::{ABSENT, ReleaseDescription, TreeKind, is_plain_version};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

/// How large an archive may be once unpacked.
struct Limits {
    entries: usize,
    bytes: u64,
}

/// The largest viewer seen has some 40,000 files. What is packed well may be a thousand
/// times as large unpacked, and must not fill the disk beside the version in use.
const MOST: Limits = Limits {
    entries: 200_000,
    bytes: 64 * 1024 * 1024 * 1024,
};
/// Largest list of digests: as many lines as entries, of usual length.
const MAX_MANIFEST_BYTES: u64 = 64 * 1024 * 1024;
/// The list of digests inside a version's folder.
const MANIFEST: &str = ".patchward";
const CURRENT: &str = "current";

/// A tree release on this machine.
pub struct Tree {
    folder: PathBuf,
    version: String,
    archive: PathBuf,
    back: Option<(String, PathBuf)>,
    restart: Option<Vec<String>>,
    program: String,
}

impl Tree {
    /// What `declared` means here.
    pub fn new(
        site: &Site<'_>,
        declared: &TreeKind,
        release: &ReleaseDescription,
        back: Option<&ReleaseDescription>,
    ) -> Result<Self, String> {
        let archive = |release: &ReleaseDescription| match release.artifacts.as_slice() {
            [archive] => Ok((release.version.clone(), site.artifact(archive.sha256))),
            _ => Err("a tree has exactly one artifact".to_owned()),
        };
        let (version, path) = archive(release)?;
        let restart = declared.service.as_ref().map(|service| {
            let argv = site.restart_argv.iter();
            argv.map(|word| word.replace("{service}", service.as_str()))
                .collect()
        });
        Ok(Self {
            folder: site.trees_dir.join(declared.name.as_str()),
            version,
            archive: path,
            back: back.map(archive).transpose()?,
            restart,
            program: word(site.program),
        })
    }

    fn unpack(&self, archive: &Path, version: &str) -> Part {
        let argv = words(&[&self.program, "tree-unpack"]);
        let more = [word(archive), word(&self.folder), version.to_owned()];
        Part::new("unpack", [argv, more.to_vec()].concat(), false)
    }

    fn switch(&self, version: &str) -> Part {
        let argv = words(&[&self.program, "tree-switch", &word(&self.folder), version]);
        Part::new("switch", argv, true)
    }

    fn restart(&self) -> Option<Part> {
        let argv = self.restart.clone()?;
        Some(Part::new("restart", argv, true))
    }
}

impl Kind for Tree {
    fn version(&self) -> Result<String, String> {
        current(&self.folder)
    }

    fn simulate(&self) -> Result<(), String> {
        // What can be wrong with an archive is found beside the version in use, before
        // the point of no return.
        Ok(())
    }

    fn steps(&self) -> Vec<Part> {
        let mut steps = vec![
            self.unpack(&self.archive, &self.version),
            self.switch(&self.version),
        ];
        steps.extend(self.restart());
        steps
    }

    fn back(&self, before: &str) -> Vec<Part> {
        let mut steps = Vec::new();
        if let Some((version, archive)) = &self.back
            && version == before
        {
            steps.push(self.unpack(archive, version));
        }
        steps.push(self.switch(before));
        steps.extend(self.restart());
        steps
    }
}

/// The version in use, with every file that its list names as it was unpacked.
pub fn current(folder: &Path) -> Result<String, String> {
    let link = folder.join(CURRENT);
    let target = match std::fs::read_link(&link) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(ABSENT.to_owned()),
        other => other.map_err(|error| format!("{}: {error}", link.display()))?,
    };
    let version = target.to_str().filter(|version| is_plain_version(version));
    let version = version.ok_or_else(|| format!("{} leads elsewhere", link.display()))?;
    intact(&folder.join(version))?;
    Ok(version.to_owned())
}

/// Whether every listed file is there with its bytes.
fn intact(folder: &Path) -> Result<(), String> {
    let path = folder.join(MANIFEST);
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut text = String::new();
    let file = File::open(&path).map_err(fail)?;
    file.take(MAX_MANIFEST_BYTES)
        .read_to_string(&mut text)
        .map_err(fail)?;
    for line in text.lines() {
        let (digest, name) = line
            .split_once("  ")
            .ok_or_else(|| fail(broken("a torn list")))?;
        let file = folder.join(name);
        let found = digest_of(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        if found.to_string() != digest {
            return Err(format!("{} was changed", file.display()));
        }
    }
    Ok(())
}

fn digest_of(path: &Path) -> std::io::Result<Digest> {
    if path.symlink_metadata()?.is_symlink() {
        let target = std::fs::read_link(path)?;
        return Ok(Digest::of(target.as_os_str().as_encoded_bytes()));
    }
    let (digest, _) = copy(&mut File::open(path)?, &mut std::io::sink())?;
    Ok(digest)
}

/// The step `tree-unpack`: makes `folder/version` from `archive`, whole or not at all.
pub fn unpack(archive: &Path, folder: &Path, version: &str) -> std::io::Result<()> {
    let target = folder.join(version);
    if intact(&target).is_ok() {
        return Ok(()); // Unpacked before, and unchanged since.
    }
    std::fs::create_dir_all(folder)?;
    let beside = folder.join(format!(".{version}.new"));
    for path in [&beside, &target] {
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    std::fs::create_dir(&beside)?;
    let mut file = File::open(archive)?;
    let mut magic = [0; 2];
    let is_gzip = file.read(&mut magic)? == 2 && magic == [0x1f, 0x8b];
    let file = File::open(archive)?;
    let listed = match is_gzip {
        true => extract(
            flate2::read::GzDecoder::new(BufReader::new(file)),
            &beside,
            &MOST,
        )?,
        false => extract(BufReader::new(file), &beside, &MOST)?,
    };
    let mut list = File::create_new(beside.join(MANIFEST))?;
    for (name, digest) in listed {
        writeln!(list, "{digest}  {name}")?;
    }
    list.sync_all()?;
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o755))?;
    sync_folders(&beside)?;
    std::fs::rename(&beside, &target)?;
    sync_folder_of(&target).map_err(std::io::Error::other)
}

/// Fails past the limit. An archive that was only cut off there would look whole where it
/// is cut between two entries.
struct Bounded<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(into)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| broken("more bytes than may be unpacked"))?;
        Ok(read)
    }
}

/// Writes an archive's entries below `folder` and gives back their digests by name.
fn extract(
    source: impl Read,
    folder: &Path,
    most: &Limits,
) -> std::io::Result<BTreeMap<String, Digest>> {
    let mut archive = tar::Archive::new(Bounded {
        source,
        left: most.bytes,
    });
    let mut links = Vec::new();
    let mut listed = BTreeMap::new();
    let mut seen = 0;
    for entry in archive.entries()? {
        let mut entry = entry?;
        seen += 1;
        if seen > most.entries {
            return Err(broken(&format!("more than {} entries", most.entries)));
        }
        let Some(name) = safe(&entry.path()?)? else {
            continue; // The folder itself.
        };
        let path = folder.join(&name);
        let mode = entry.header().mode()?;
        if mode & 0o7000 != 0 {
            return Err(broken("an entry with special permissions"));
        }
        match entry.header().entry_type() {
            tar::EntryType::Directory => std::fs::create_dir_all(&path)?,
            tar::EntryType::Regular => {
                make_parent(&path)?;
                let mut options = OpenOptions::new();
                options.write(true).create_new(true).mode(0o600);
                let mut file = options.open(&path)?;
                std::io::copy(&mut entry, &mut file)?;
                // What root runs is written by root only.
                let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
                file.set_permissions(std::fs::Permissions::from_mode(mode))?;
                file.sync_all()?;
                listed.insert(name, digest_of(&path)?);
            }
            tar::EntryType::Symlink => {
                let target = entry
                    .link_name()?
                    .ok_or_else(|| broken("a link to nothing"))?;
                if !stays_inside(&name, &target) {
                    return Err(broken("a link that leads out of the folder"));
                }
                links.push((name, target.into_owned()));
            }
            _ => return Err(broken("an entry that is no file, folder or symbolic link")),
        }
    }
    // Links come last, so that nothing was ever written through one.
    for (name, target) in links {
        let path = folder.join(&name);
        make_parent(&path)?;
        symlink(&target, &path)?;
        listed.insert(name, digest_of(&path)?);
    }
    Ok(listed)
}

/// An entry's name: relative, without `..`, one line of text. `None` for the folder.
fn safe(path: &Path) -> std::io::Result<Option<String>> {
    let mut name = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => name.push(part),
            Component::CurDir => {}
            _ => return Err(broken("a name that leads out of the folder")),
        }
    }
    let text = name
        .to_str()
        .ok_or_else(|| broken("a name that is not UTF-8"))?;
    if text.chars().any(char::is_control) || text == MANIFEST {
        return Err(broken("a name that is not allowed"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Whether a link's target, seen from where the link stands, never leaves the folder.
fn stays_inside(name: &str, target: &Path) -> bool {
    let mut depth = Path::new(name).components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return false,
        }
    }
    true
}

fn make_parent(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}

fn sync_folders(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}

fn broken(problem: &str) -> std::io::Error {
    std::io::Error::other(format!("the archive has {problem}"))
}

/// The step `tree-switch`: makes `version` the one in use; `absent` for none.
pub fn switch(folder: &Path, version: &str) -> std::io::Result<()> {
    let link = folder.join(CURRENT);
    if version == ABSENT {
        match std::fs::remove_file(&link) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        }
    } else {
        intact(&folder.join(version)).map_err(std::io::Error::other)?;
        let beside = folder.join(".current.new");
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(version, &beside)?;
        std::fs::rename(&beside, &link)?;
    }
    sync_folder_of(&link).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests;
