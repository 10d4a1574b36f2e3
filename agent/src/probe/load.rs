//! Reading the folder `probes.d`.

use patchward_common::id::{BadName, Name};
use patchward_common::probe::{
    BadFile, BadProbe, FileTraits, MAX_PROBE_FILE_BYTES, MAX_PROBES, Probe, check_file,
};
use rustix::fs::{Mode, OFlags};
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The probes of a folder, and the files that are none.
#[derive(Debug, Default)]
pub struct Loaded {
    /// In the order of their names.
    pub probes: Vec<Probe>,
    /// What was refused; each stands for something that is not known.
    pub refused: Vec<Refused>,
}

/// A file or folder that was refused.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}")]
pub struct Refused {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: Why,
}

/// Why a file or folder was refused.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// Somebody else could have written it, or it is no file at all.
    #[error(transparent)]
    File(#[from] BadFile),
    /// The stem is not a name.
    #[error("the file's name before .toml {0}")]
    Name(#[from] BadName),
    /// The text is not a probe.
    #[error(transparent)]
    Probe(#[from] BadProbe),
    /// Not UTF-8.
    #[error("the file is not UTF-8")]
    Text,
    /// The system refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// More files than [`MAX_PROBES`]; the later names are not read.
    #[error("more than {MAX_PROBES} probes; the rest is not read")]
    TooMany,
}

/// Reads every `*.toml` in `folder`, each trusted only if `owner` (root, in earnest)
/// alone can write it and the folder. A folder that does not exist has no probes.
pub fn load(folder: &Path, owner: u32) -> Loaded {
    let mut loaded = Loaded::default();
    let names = match names(folder, owner) {
        Ok(names) => names,
        Err(why) => {
            loaded.refuse(folder, why);
            return loaded;
        }
    };
    if names.len() > MAX_PROBES {
        loaded.refuse(folder, Why::TooMany);
    }
    for file_name in names.iter().take(MAX_PROBES) {
        let path = folder.join(file_name);
        match read(&path, owner) {
            Ok(probe) => loaded.probes.push(probe),
            Err(why) => loaded.refuse(&path, why),
        }
    }
    loaded
}

impl Loaded {
    fn refuse(&mut self, path: &Path, why: Why) {
        self.refused.push(Refused {
            path: path.to_owned(),
            why,
        });
    }
}

fn names(folder: &Path, owner: u32) -> Result<Vec<PathBuf>, Why> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    // Who can write the folder can put another file in a probe's place.
    check_file(
        FileTraits {
            is_regular: true,
            size: 0,
            ..traits(&std::fs::metadata(folder)?)
        },
        owner,
    )?;
    let mut names = Vec::new();
    for entry in entries {
        let name = PathBuf::from(entry?.file_name());
        if name
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn traits(metadata: &Metadata) -> FileTraits {
    FileTraits {
        is_regular: metadata.is_file(),
        uid: metadata.uid(),
        mode: metadata.mode(),
        size: metadata.size(),
    }
}

fn read(path: &Path, owner: u32) -> Result<Probe, Why> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = Name::new(stem)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::LOOP) => return Err(BadFile::NotRegular.into()),
        Err(error) => return Err(std::io::Error::from(error).into()),
    };
    // The open file is what is checked and read; its name may be given to another.
    check_file(traits(&file.metadata()?), owner)?;
    let mut bytes = Vec::new();
    file.take(MAX_PROBE_FILE_BYTES as u64)
        .read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(|_| Why::Text)?;
    Ok(Probe::parse(name, &text)?)
}
