//! `--from-apt`: a distribution's archive, verified from its key down to each package.

use super::files::{Given, read_small};
use super::{Found, folder_of};
use crate::adopt::apt::package::{self, Package};
use crate::adopt::apt::release_file::{self, ReleaseFile};
use crate::adopt::apt::resolve::resolve as closed;
use crate::adopt::apt::{gunzip, package::ListError};
use crate::adopt::openpgp::{Keyring, MAX_KEYRING_BYTES, Signer};
use crate::adopt::sheet::{ArchivePart, Sheet};
use crate::app::App;
use crate::clock;
use crate::command::Progress;
use crate::command::machine::find;
use crate::control::{Failure, FailureKind, Reply};
use crate::vendor::web::Web;
use patchward_common::component::Source;
use patchward_common::digest::Digest;
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use patchward_common::trust::origin::{Check, Proof};
use patchward_common::trust::release::{PackageRef, is_target_path};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most components of a suite.
const MAX_COMPONENTS: usize = 16;

/// A release file that was used.
pub(super) struct Mark {
    pub(super) place: String,
    pub(super) suite: String,
    pub(super) signed: UtcMs,
}

/// Where an archive lies.
enum Archive {
    Folder(PathBuf),
    Web(Box<Web>),
}

impl Archive {
    fn of(place: &str, partial: PathBuf) -> Result<Self, Failure> {
        match place.contains("://") {
            true => {
                let web = Web::of(place, partial, clock::now).map_err(Failure::input)?;
                Ok(Self::Web(Box::new(web)))
            }
            false if Path::new(place).is_absolute() => Ok(Self::Folder(place.into())),
            false => Err(Failure::input(format!(
                "archive.place: {place:?} is no URL and no folder's full path"
            ))),
        }
    }

    /// A file of at most `limit` bytes.
    fn file(&mut self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Failure> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(path);
                match path.exists() {
                    true => read_small(&path, limit).map(Some),
                    false => Ok(None),
                }
            }
            Self::Web(web) => match web.file(path, limit) {
                Ok(Some(bytes)) if bytes.len() > limit => Err(Failure::input(format!(
                    "{path}: the mirror sends more than {limit} bytes"
                ))),
                Ok(found) => Ok(found),
                Err(problem) => Err(Failure::unavailable(format!("{path}: {problem}"))),
            },
        }
    }
}

/// The verified lists of a suite.
struct Lists {
    signer: Signer,
    date: UtcMs,
    packages: Vec<Package>,
    /// The release file and the lists, to be kept.
    kept: BTreeMap<Digest, Vec<u8>>,
    release_file: Digest,
}

/// Resolves the updates that a sheet asks for.
pub(super) async fn resolve(
    app: &App,
    sheet: &Sheet,
    path: &Path,
    progress: &Progress,
) -> Result<Found, Failure> {
    let part = sheet.archive.clone().ok_or_else(|| {
        Failure::input("The sheet has no [archive]; docs/custodian.md has one to copy.")
    })?;
    if part.components.is_empty() || part.components.len() > MAX_COMPONENTS {
        return Err(Failure::input(format!(
            "archive.components: name 1 to {MAX_COMPONENTS}, such as \"main\""
        )));
    }
    let installed = installed(app, &part, path).await?;
    let seen = app
        .store
        .view()
        .await?
        .archive_seen(&part.place, &part.suite)
        .await?;
    let archive = Archive::of(&part.place, app.folder.partial())?;
    let (now, ring) = (app.now(), folder_of(path).join(&part.keyring));
    let asked = part.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let mut archive = archive;
        let lists = lists(&mut archive, &asked, &ring, seen, now)?;
        Ok::<_, Failure>((archive, lists))
    });
    let (archive, lists) = reading
        .await
        .map_err(|error| Failure::because(FailureKind::Internal, &error))??;
    let set = closed(
        &part.packages,
        &installed,
        &lists.packages,
        &part.architecture,
    )
    .map_err(|error| Failure::conflict(format!("No closed set: {error}.")))?;
    let artifacts = fetch(&archive, &set, progress).await?;
    found(&part, &set, artifacts, &lists)
}

fn found(
    part: &ArchivePart,
    set: &[&Package],
    artifacts: Vec<Given>,
    lists: &Lists,
) -> Result<Found, Failure> {
    let suite = Label::new(part.suite.clone())
        .map_err(|error| Failure::input(format!("archive.suite: {error}")))?;
    let check = Check::Archive {
        suite,
        fingerprint: lists.signer.fingerprint.clone(),
        signed: lists.date,
    };
    let proof = |artifact: Digest, kept: Digest| Proof {
        artifact,
        check: check.clone(),
        kept: Some(kept),
    };
    let mut proofs: Vec<Proof> = artifacts
        .iter()
        .map(|one| proof(one.sha256, lists.release_file))
        .collect();
    // The lists between the release file and the packages are kept once.
    if let Some(first) = artifacts.first() {
        let others = lists
            .kept
            .keys()
            .filter(|kept| **kept != lists.release_file);
        proofs.extend(others.map(|kept| proof(first.sha256, *kept)));
    }
    let packages = set.iter().filter_map(|package| {
        Some(PackageRef {
            name: package.name.clone(),
            version: package.version.clone(),
            artifact: package.file.as_ref()?.sha256,
        })
    });
    Ok(Found {
        packages: Some(packages.collect()),
        proofs,
        kept: lists.kept.clone(),
        mark: Some(Mark {
            place: part.place.clone(),
            suite: part.suite.clone(),
            signed: lists.date,
        }),
        artifacts,
    })
}

/// What is installed: of a machine as it reported it, or of a status file.
async fn installed(app: &App, part: &ArchivePart, sheet: &Path) -> Result<Vec<Package>, Failure> {
    match (&part.machine, &part.status) {
        (None, Some(status)) => {
            let path = folder_of(sheet).join(status);
            let text = text(read_small(&path, package::MAX_LIST_BYTES)?, &path.display())?;
            let read = package::installed(&text);
            read.map_err(|error| Failure::input(format!("{}: {error}", path.display())))
        }
        (Some(machine), None) => {
            let mut view = app.store.view().await?;
            let found = find(&mut view, machine).await?;
            let set = match view.set_of(&found.id).await? {
                Some(set) => view.components_of(&set.digest).await?,
                None => None,
            };
            let set = set.ok_or_else(|| {
                Failure::conflict(format!("{machine} has not reported what it has yet."))
            })?;
            let debs = set.iter().filter(|one| one.source == Source::Deb);
            Ok(debs
                .map(|one| Package {
                    name: one.name.split(':').next().unwrap_or_default().to_owned(),
                    version: one.version.clone(),
                    architecture: part.architecture.clone(),
                    ..Package::default()
                })
                .collect())
        }
        _ => Err(Failure::input(
            "archive: name either a machine, or the status file of an image (status = \"FILE\")",
        )),
    }
}

fn text(bytes: Vec<u8>, of: &impl std::fmt::Display) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Failure::input(format!("{of}: {}", ListError::Text)))
}

/// The lists of a suite, verified under the release file's signature.
fn lists(
    archive: &mut Archive,
    part: &ArchivePart,
    ring: &Path,
    seen: Option<UtcMs>,
    now: UtcMs,
) -> Result<Lists, Failure> {
    let keyring = Keyring::read(&read_small(ring, MAX_KEYRING_BYTES)?)
        .map_err(|error| Failure::input(format!("{}: {error}.", ring.display())))?;
    let base = format!("dists/{}", part.suite);
    let path = format!("{base}/InRelease");
    let wrong = |problem: String| Failure::input(format!("{path}: {problem}."));
    let bytes = archive.file(&path, release_file::MAX_BYTES)?;
    let bytes = bytes.ok_or_else(|| wrong("the archive has no such file".to_owned()))?;
    let signed = text(bytes.clone(), &path)?;
    let (inner, signer) = keyring
        .clear_text(&signed, now)
        .map_err(|error| wrong(error.to_string()))?;
    let file = ReleaseFile::read(&inner).map_err(|error| wrong(error.to_string()))?;
    file.admit(&part.suite, seen, now)
        .map_err(|error| wrong(error.to_string()))?;
    let release_file = Digest::of(&bytes);
    let mut found = Lists {
        signer,
        date: file.date,
        packages: Vec::new(),
        kept: BTreeMap::from([(release_file, bytes)]),
        release_file,
    };
    for component in &part.components {
        let folder = format!("{component}/binary-{}", part.architecture);
        let (packed, list) = list(archive, &base, &folder, &file)?;
        found.kept.insert(Digest::of(&packed), packed);
        let list = text(list, &folder)?;
        let packages = package::offered(&list)
            .map_err(|error| Failure::input(format!("{folder}: {error}.")))?;
        found.packages.extend(packages);
    }
    Ok(found)
}

/// One list: as it lies in the archive, and unpacked.
fn list(
    archive: &mut Archive,
    base: &str,
    folder: &str,
    file: &ReleaseFile,
) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    let names = [
        format!("{folder}/Packages.gz"),
        format!("{folder}/Packages"),
    ];
    for (name, is_packed) in names.iter().zip([true, false]) {
        let Some((sha256, length)) = file.files.get(name) else {
            continue;
        };
        let limit = usize::try_from(*length).unwrap_or(usize::MAX);
        let wrong = |problem: &str| Failure::input(format!("{name}: {problem}."));
        if limit > package::MAX_LIST_BYTES {
            return Err(wrong("it is longer than any list of packages"));
        }
        // By its hash the mirror cannot have replaced it meanwhile.
        let hashed = format!("{base}/{folder}/by-hash/SHA256/{sha256}");
        let mut bytes = match file.by_hash {
            true => archive.file(&hashed, limit)?,
            false => None,
        };
        if bytes.is_none() {
            bytes = archive.file(&format!("{base}/{name}"), limit)?;
        }
        let Some(bytes) = bytes else {
            continue;
        };
        if bytes.len() != limit || Digest::of(&bytes) != *sha256 {
            return Err(wrong(
                "it is not the list that the archive signed: the mirror changed it, or is being \
                 updated; try again in an hour, then another mirror",
            ));
        }
        let unpacked = match is_packed {
            true => gunzip(&bytes).map_err(|error| wrong(&error.to_string()))?,
            false => bytes.clone(),
        };
        return Ok((bytes, unpacked));
    }
    Err(Failure::input(format!(
        "{base}: the archive has no {folder}/Packages.gz; look at component and architecture."
    )))
}

/// The packages' files, verified.
async fn fetch(
    archive: &Archive,
    set: &[&Package],
    progress: &Progress,
) -> Result<Vec<Given>, Failure> {
    let mut found = Vec::new();
    for package in set {
        let Some(file) = &package.file else {
            continue;
        };
        let wrong = |problem: String| Failure::input(format!("{}: {problem}.", file.path));
        if !is_target_path(&file.path) {
            return Err(wrong("its path leads out of the archive".to_owned()));
        }
        let (path, is_ours) = match archive {
            Archive::Folder(folder) => (folder.join(&file.path), false),
            Archive::Web(web) => {
                let mut says = |done| {
                    let _ = progress.try_send(Reply::Progress {
                        what: package.name.clone(),
                        done,
                        total: file.length,
                    });
                };
                let fetched = web.fetch(&file.path, (file.sha256, file.length), &mut says);
                (fetched.await.map_err(wrong)?, true)
            }
        };
        let mut measured = super::files::measure(std::slice::from_ref(&path))?;
        let Some(mut given) = measured.pop() else {
            continue;
        };
        if given.sha256 != file.sha256 || given.length != file.length {
            if is_ours {
                let _ = std::fs::remove_file(&path);
            }
            let text = "it is not the package that the archive signed: the mirror changed it";
            return Err(wrong(text.to_owned()));
        }
        given.file = file.path.rsplit('/').next().unwrap_or_default().to_owned();
        given.is_ours = is_ours;
        found.push(given);
    }
    Ok(found)
}
