//! What taking in a vendor's repository costs: a refresh with nothing new, and the bytes.

use super::report::{Figure, Reach, Report, Spread, clock};
use anyhow::{Context as _, ensure};
use ed25519_dalek::SigningKey;
use patchward_collector::store::vendors::TufFile;
use patchward_collector::vendor::artifact::Artifacts;
use patchward_collector::vendor::mirror;
use patchward_collector::vendor::place::Place;
use patchward_collector::vendor::unchanged::{is_unchanged, read_with};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::charter::{Publisher, VendorGrant};
use patchward_common::trust::tuf_author::{Edition, EditionKeys, Holders, RootSpec, TargetSpec};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs of each kind.
const RUNS: usize = 21;
/// Targets of the repository.
const TARGETS: usize = 5_000;
/// Bytes of the artifact.
const ARTIFACT_BYTES: usize = 200 * 1_000_000;
/// Runs with the artifact.
const ARTIFACT_RUNS: usize = 7;
/// 2027-01-01T00:00:00Z.
const NOW: UtcMs = UtcMs(1_798_761_600_000);

/// A repository of 5,000 targets that has nothing new.
pub fn tuf() -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    let grant = publish(folder.path())?;
    let mut place = Place::Folder(folder.path().to_owned());
    let first = mirror::read(&mut place, "", &grant, Default::default(), &[], NOW)?;
    let known: Vec<TufFile> = first.files;
    let last = read_with(&grant, &known).context("it has no timestamp")?;
    let (mut runs, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let begun = clock();
        let is_same = is_unchanged(&mut place, &grant, &last, &known, NOW);
        runs.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(is_same, "what was read before was not recognised");
        let begun = clock();
        let watermark = mirror::watermark_of(&grant, &known);
        let found = mirror::read(&mut place, "", &grant, watermark, &known, NOW)?;
        whole.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(found.listed.len() == TARGETS, "not every target was found");
    }
    Ok(Report {
        word: "tuf",
        work: format!(
            "a repository of {TARGETS} targets in a folder, verified and stored before; a refresh \
             that finds nothing new looks for a next root, for another timestamp, and for whatever \
             of it has expired; in the same turn one that does everything: what was seen before \
             from the stored files, the refresh, and every target looked up"
        ),
        figures: vec![
            Figure::median(
                "TUF repository of 5,000 targets, refresh with nothing new",
                "ms",
                &Spread::of(runs)?,
                Reach::AtMost(20.0),
            ),
            Figure::median(
                "the same repository, everything verified and looked up again",
                "ms",
                &Spread::of(whole)?,
                Reach::Shown,
            ),
        ],
    })
}

fn publish(folder: &Path) -> anyhow::Result<VendorGrant> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let one = Holders::one(&key);
    let end = NOW.plus_ms(30 * DAY_MS);
    let root = RootSpec {
        version: 1,
        expires: end,
        consistent_snapshot: true,
        root: one.clone(),
        timestamp: one.clone(),
        snapshot: one.clone(),
        targets: one,
    };
    let root = root.sign(&[&key])?;
    let mut edition = Edition::new(1, end);
    for number in 0..TARGETS {
        let path = format!("viewer/viewer-{number}.tar");
        let target = TargetSpec::of(path.as_bytes(), None);
        edition.targets.insert(path, target);
    }
    let keys = EditionKeys {
        timestamp: &[&key],
        snapshot: &[&key],
        targets: &[&key],
    };
    let metadata = folder.join("metadata");
    std::fs::create_dir_all(&metadata)?;
    for (file, bytes) in edition.sign(&keys)? {
        std::fs::write(metadata.join(file), bytes)?;
    }
    std::fs::write(metadata.join("1.root.json"), &root)?;
    Ok(VendorGrant {
        vendor: Name::new("acme")?,
        publisher: Publisher::Vendor,
        repository: Name::new("acme")?,
        root: Digest::of(&root),
        products: vec![Name::new("viewer")?],
        paths: vec![String::new()],
    })
}

/// An artifact taken in, against `sha256sum` and `cp` of the same file with the copy synced,
/// as the store of artifacts syncs it.
pub async fn take_in() -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("artifact");
    let bytes: Vec<u8> = (0..ARTIFACT_BYTES)
        .map(|at| (at * 31 % 251) as u8)
        .collect();
    std::fs::write(&path, &bytes).context("writing an artifact")?;
    let name = Digest::of(&bytes);
    drop(bytes);
    let artifacts = Artifacts::in_folder(&folder.path().join("artifacts"))?;
    let copy = folder.path().join("copy");
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ARTIFACT_RUNS {
        let begun = clock();
        ran(Command::new("sha256sum").arg(&path))?;
        ran(Command::new("cp").arg(&path).arg(&copy))?;
        ran(Command::new("sync").arg(&copy))?;
        let their = begun.elapsed().as_secs_f64() * 1e3;
        let begun = clock();
        let mut file = tokio::fs::File::open(&path).await?;
        artifacts
            .put(name, ARTIFACT_BYTES as u64, &mut file, |_| {})
            .await?;
        let our = begun.elapsed().as_secs_f64() * 1e3;
        ratios.push(their / our);
        ours.push(our);
        theirs.push(their);
        std::fs::remove_file(&copy)?;
        std::fs::remove_file(folder.path().join("artifacts").join(name.to_string()))?;
    }
    Ok(Report {
        word: "takein",
        work: format!(
            "an artifact of {} MB taken in from the page cache, hashed, copied and synced; \
             `sha256sum`, `cp` and `sync` of it in the same turn",
            ARTIFACT_BYTES / 1_000_000
        ),
        figures: vec![
            Figure::median(
                "artifact take-in, speed against `sha256sum` + `cp`",
                "",
                &Spread::of(ratios)?,
                Reach::AtLeast(0.8),
            ),
            Figure::median(
                "the artifact taken in",
                "ms",
                &Spread::of(ours)?,
                Reach::Shown,
            ),
            Figure::median(
                "`sha256sum`, `cp` and `sync`",
                "ms",
                &Spread::of(theirs)?,
                Reach::Shown,
            ),
        ],
    })
}

fn ran(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
