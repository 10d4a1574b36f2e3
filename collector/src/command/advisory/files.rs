//! A file or a folder of files, read where the command is typed and sent with it. A file
//! that cannot be read is one more thing to report, and ends nothing.

use crate::advisory::csaf;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Most bytes of all files together: what a command may carry to the collector.
pub const MAX_ALL_BYTES: u64 = 120 * 1024 * 1024;
/// Most files of one folder; publishers have some thousand advisories in all.
pub const MAX_FILES: usize = 20_000;
/// How deep folders are gone into: publishers sort by colour, year and number.
const MAX_DEPTH: usize = 6;

/// One file, or why it could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneFile {
    /// Its name below the folder.
    pub name: String,
    /// Its bytes, empty where it could not be read.
    pub bytes: ByteBuf,
    /// Why it could not.
    pub problem: Option<String>,
}

/// All files, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files(pub Vec<OneFile>);

impl FromStr for Files {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let root = PathBuf::from(name);
        let failed =
            |error: std::io::Error| format!("{error}; name a file or a folder that you can read");
        let known = std::fs::metadata(&root).map_err(failed)?;
        let mut paths = Vec::new();
        match known.is_dir() {
            true => walk(&root, 0, &mut paths).map_err(failed)?,
            false => paths.push(root.clone()),
        }
        if paths.is_empty() {
            return Err("there is no .json file in it; CSAF advisories end in .json".into());
        }
        if paths.len() > MAX_FILES {
            return Err(format!(
                "more than {MAX_FILES} files; take its folders one by one"
            ));
        }
        paths.sort();
        let mut left = MAX_ALL_BYTES;
        let one = |path: &PathBuf| one(&root, path, &mut left);
        Ok(Self(paths.iter().map(one).collect()))
    }
}

/// Every .json file below a folder. What cannot be listed below it is passed over: its files
/// cannot be named.
fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if depth < MAX_DEPTH {
                // One folder that is closed to us hides nothing of the others.
                walk(&path, depth + 1, found).unwrap_or_default();
            }
        } else if path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("json"))
        {
            found.push(path);
        }
    }
    Ok(())
}

fn one(root: &Path, path: &Path, left: &mut u64) -> OneFile {
    let below = path
        .strip_prefix(root)
        .ok()
        .filter(|below| !below.as_os_str().is_empty());
    let name = match below {
        Some(below) => below.to_string_lossy().into_owned(),
        None => path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    };
    let limit = (csaf::MAX_BYTES as u64).min(*left);
    let read = || -> Result<Vec<u8>, String> {
        let text = |error: std::io::Error| format!("it cannot be read: {error}");
        let file = std::fs::File::open(path).map_err(text)?;
        let known = file.metadata().map_err(text)?;
        if !known.is_file() {
            return Err("it is no file".into());
        }
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(text)?;
        if bytes.len() as u64 <= limit {
            return Ok(bytes);
        }
        let size = known.len();
        Err(match size > csaf::MAX_BYTES as u64 {
            true => csaf::BadCsaf::TooLarge { bytes: size }.to_string(),
            false => format!(
                "it was not read: all files before it have {} bytes, and one command takes \
                 {MAX_ALL_BYTES}; name it alone",
                MAX_ALL_BYTES - *left
            ),
        })
    };
    let (bytes, problem) = match read() {
        Ok(bytes) => (bytes, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    *left -= bytes.len() as u64;
    OneFile {
        name,
        bytes: ByteBuf::from(bytes),
        problem,
    }
}
