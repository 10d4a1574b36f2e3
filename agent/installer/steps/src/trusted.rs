//! Files of this machine that root wrote: probes and recipes.

use patchward_common::id::Name;
use patchward_common::probe::{
    BadFile, FileTraits, Kind, MAX_OUTPUT_BYTES, MAX_PROBES, PROBE_LIMIT_MS, Probe, Ran, check_file,
};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::command::{self, Caller, Limits};

/// Why a file is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    /// It could not be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// Somebody else could have written it.
    #[error("{} {problem}", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// The cause.
        problem: BadFile,
    },
    /// It makes no sense.
    #[error("{}: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The cause.
        problem: String,
    },
}

/// Reads a file that only the installer's own user (root) can have written.
pub fn read(path: &Path) -> Result<String, Distrust> {
    let unreadable = |error: std::io::Error| Distrust::Unreadable {
        path: path.to_owned(),
        error,
    };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| unreadable(e.into()))?;
    let mut file = File::from(file);
    let metadata = file.metadata().map_err(unreadable)?;
    let traits = FileTraits {
        is_regular: metadata.is_file(),
        uid: metadata.uid(),
        mode: metadata.mode(),
        size: metadata.size(),
    };
    check_file(traits, rustix::process::geteuid().as_raw()).map_err(|problem| Distrust::Bad {
        path: path.to_owned(),
        problem,
    })?;
    let mut text = String::new();
    file.by_ref()
        .take(traits.size)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}

/// The probe of this name.
pub fn probe(folder: &Path, name: &Name) -> Result<Probe, Distrust> {
    let path = folder.join(format!("{name}.toml"));
    let text = read(&path)?;
    Probe::parse(name.clone(), &text).map_err(|problem| Distrust::Wrong {
        path,
        problem: problem.to_string(),
    })
}

/// Every probe of the machine. One that cannot be read spoils the answer: it may have
/// been the one that says "in use".
pub fn probes(folder: &Path) -> Result<Vec<Probe>, Distrust> {
    let wrong = |problem: &str| Distrust::Wrong {
        path: folder.to_owned(),
        problem: problem.to_owned(),
    };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(&error.to_string())),
        Ok(entries) => entries,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry
            .map_err(|error| wrong(&error.to_string()))?
            .file_name();
        let stem = name.to_str().map(|name| name.strip_suffix(".toml"));
        match stem {
            Some(Some(stem)) => {
                names.push(Name::new(stem).map_err(|error| wrong(&format!("{stem}: {error}")))?);
            }
            Some(None) => {}
            None => return Err(wrong("a name that is not UTF-8")),
        }
    }
    if names.len() > MAX_PROBES {
        return Err(wrong("too many probes"));
    }
    names.sort_unstable();
    names.iter().map(|name| probe(folder, name)).collect()
}

/// Asks a probe that is a program or a file; `caller` is who the program runs as, and where.
pub fn ask(probe: &Probe, caller: Caller) -> Ran {
    match &probe.kind {
        Kind::Command { argv } => {
            let limits = Limits {
                run_ms: i64::try_from(PROBE_LIMIT_MS).unwrap_or(i64::MAX),
                output_bytes: MAX_OUTPUT_BYTES,
            };
            command::run(argv, caller, limits)
        }
        Kind::File { path } => match read_bounded(Path::new(path)) {
            Ok(output) if output.len() > MAX_OUTPUT_BYTES => Ran::TooMuchOutput,
            Ok(output) => Ran::Exited {
                status: Some(0),
                output,
                errors: Vec::new(),
            },
            Err(error) => Ran::NotStarted(error.to_string()),
        },
        Kind::FileLock { .. } | Kind::Logind { .. } | Kind::Handover => {
            Ran::NotStarted("it answers the interlock only".to_owned())
        }
    }
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let mut output = Vec::new();
    file.take(MAX_OUTPUT_BYTES as u64 + 1)
        .read_to_end(&mut output)?;
    Ok(output)
}
