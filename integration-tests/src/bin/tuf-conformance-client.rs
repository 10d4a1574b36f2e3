//! The client under test of theupdateframework/tuf-conformance, as its CLIENT-CLI.md
//! says: HTTP and files around Patchward's own verification and watermark.
//!
//! What is said for an installer holds here too: the watermark is written durably
//! before anything else is, and a client that was initialised refuses without one.

use anyhow::{Context as _, anyhow, ensure};
use clap::{Parser, Subcommand};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use patchward_common::trust::vendor::{Repository, Source, Target, Unavailable, VendorWatermark};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The watermark's file. The suite takes every `.json` for metadata.
const WATERMARK: &str = "watermark.cbor";
/// Largest watermark of one repository: 512 roles with names of 64 bytes.
const MAX_WATERMARK_BYTES: usize = 128 * 1024;
/// Longest exchange with the repository; ends slow retrieval.
const EXCHANGE: Duration = Duration::from_secs(30);
/// Largest artifact that this client takes; it holds one in memory.
const MAX_ARTIFACT_BYTES: u64 = 64_000_000;

#[derive(Parser)]
struct Arguments {
    /// Where the repository has its metadata.
    #[arg(long)]
    metadata_url: Option<String>,
    /// Where trusted metadata is kept.
    #[arg(long)]
    metadata_dir: PathBuf,
    /// The artifacts to download, by target path.
    #[arg(long)]
    target_name: Vec<String>,
    /// Where downloaded artifacts are kept.
    #[arg(long)]
    target_dir: Option<PathBuf>,
    /// Where the repository has its artifacts.
    #[arg(long)]
    target_base_url: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Takes a root as trusted.
    Init { trusted_root: PathBuf },
    /// Brings metadata up to date.
    Refresh,
    /// Refreshes, then downloads the artifacts.
    Download,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    #[allow(
        clippy::disallowed_methods,
        reason = "the one clock read: the fixed update start time of TUF 5.1"
    )]
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = UtcMs(i64::try_from(since.as_millis())?);
    match &arguments.command {
        Command::Init { trusted_root } => init(&arguments.metadata_dir, trusted_root),
        Command::Refresh => refresh(&arguments, now, &[]).map(drop),
        Command::Download => download(&arguments, now),
    }
}

fn init(folder: &Path, trusted_root: &Path) -> anyhow::Result<()> {
    let root = fs::read(trusted_root).context("the trusted root cannot be read")?;
    let bytes = codec::encode_deterministic(&VendorWatermark::default());
    write_durably(folder, WATERMARK, &bytes)?;
    write_durably(folder, "root.json", &root)
}

/// Refreshes, keeps what was accepted, and looks `paths` up.
fn refresh(
    arguments: &Arguments,
    now: UtcMs,
    paths: &[&str],
) -> anyhow::Result<Vec<(String, Target)>> {
    let folder = &arguments.metadata_dir;
    let root = fs::read(folder.join("root.json")).context("there is no trusted root")?;
    let bytes = fs::read(folder.join(WATERMARK)).context("there is no watermark: refused")?;
    let watermark = codec::decode_deterministic(&bytes, MAX_WATERMARK_BYTES)
        .context("the watermark is not readable: refused")?;
    let mut source = Http {
        agent: agent(),
        url: arguments
            .metadata_url
            .clone()
            .context("--metadata-url is missing")?,
        folder: folder.clone(),
    };
    let mut repository = Repository::open(&root, Digest::of(&root), watermark, now)?;
    let found = repository
        .refresh(&mut source)
        .and_then(|()| repository.resolve(&mut source, paths.iter().copied()));
    // Also after a refusal: what was accepted before it counts.
    keep(folder, &repository)?;
    let found = found?;
    paths
        .iter()
        .map(|path| {
            let target = found.target(path)?;
            let target = target.ok_or_else(|| anyhow!("the repository has no target {path:?}"))?;
            Ok(((*path).to_owned(), target))
        })
        .collect()
}

fn keep(folder: &Path, repository: &Repository) -> anyhow::Result<()> {
    let watermark = repository.watermark();
    write_durably(folder, WATERMARK, &codec::encode_deterministic(watermark))?;
    // TUF 5.3.11: what a rotation cleared is deleted.
    for (mark, name) in [
        (watermark.timestamp, "timestamp.json"),
        (watermark.snapshot, "snapshot.json"),
    ] {
        let path = folder.join(name);
        if mark.is_none() && path.exists() {
            fs::remove_file(path)?;
        }
    }
    for (name, bytes) in repository.accepted() {
        write_durably(folder, name, bytes)?;
    }
    Ok(())
}

fn download(arguments: &Arguments, now: UtcMs) -> anyhow::Result<()> {
    let folder = arguments
        .target_dir
        .as_ref()
        .context("--target-dir is missing")?;
    let base = arguments
        .target_base_url
        .as_ref()
        .context("--target-base-url is missing")?;
    ensure!(
        !arguments.target_name.is_empty(),
        "--target-name is missing"
    );
    let paths: Vec<&str> = arguments.target_name.iter().map(String::as_str).collect();
    for (path, target) in refresh(arguments, now, &paths)? {
        // One flat, safe name: a target path is the vendor's text.
        let name = encoded(&path, b"");
        let there = fs::read(folder.join(&name));
        if there.is_ok_and(|bytes| target.is(&bytes)) {
            continue;
        }
        ensure!(
            target.length <= MAX_ARTIFACT_BYTES,
            "{path:?} is longer than {MAX_ARTIFACT_BYTES} bytes"
        );
        let url = joined(base, &encoded(&target.file, b"/"));
        let bytes = get(&agent(), &url, target.length)?
            .with_context(|| format!("the repository does not have the bytes of {path:?}"))?;
        ensure!(
            target.is(&bytes),
            "{path:?} has other bytes than were signed"
        );
        write_durably(folder, &name, &bytes)?;
    }
    Ok(())
}

/// The repository over HTTP, and the files that were accepted before.
struct Http {
    agent: ureq::Agent,
    url: String,
    folder: PathBuf,
}

impl Source for Http {
    fn fetch(&mut self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Unavailable> {
        let url = joined(&self.url, name);
        get(&self.agent, &url, limit as u64).map_err(|error| Unavailable(format!("{error:#}")))
    }

    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(name)).ok()
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(EXCHANGE))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into()
}

/// The body at `url`, at most one byte more than `limit`; `None` where there is none.
fn get(agent: &ureq::Agent, url: &str, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
    let response = agent.get(url).call()?;
    match response.status().as_u16() {
        200 => {
            let mut bytes = Vec::new();
            let reader = response.into_body().into_reader();
            reader.take(limit + 1).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        }
        // Object stores answer 403 for what is not there.
        403 | 404 => Ok(None),
        other => Err(anyhow!("GET {url} answered {other}")),
    }
}

fn joined(base: &str, path: &str) -> String {
    format!("{}/{path}", base.trim_end_matches('/'))
}

/// Percent-encodes all but RFC 3986's unreserved characters and those in `plain`.
fn encoded(text: &str, plain: &[u8]) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || plain.contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Writes a file so that after a power cut there is the old one or the new one.
fn write_durably(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let part = folder.join(format!("{name}.part"));
    let mut file = File::create(&part).with_context(|| format!("cannot write {part:?}"))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, folder.join(name))?;
    File::open(folder)?.sync_all()?;
    Ok(())
}
