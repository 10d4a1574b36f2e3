//! Reading folders of files that root wrote: `probes.d` and `devices.d`.

use patchward_common::device::BadDevice;
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
    /// The text is not a device.
    #[error(transparent)]
    Device(#[from] BadDevice),
    /// It holds a password, and everybody may read it.
    #[error("it holds what is secret, and everybody may read it; chmod o-r it")]
    Readable,
    /// Not UTF-8.
    #[error("the file is not UTF-8")]
    Text,
    /// The system refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// More files than are read; the later names are not.
    #[error("more than {0} files; the rest is not read")]
    TooMany(usize),
}

/// Reads every `*.toml` in `folder`, each trusted only if `owner` (root, in earnest)
/// alone can write it and the folder. A folder that does not exist has no probes.
pub fn load(folder: &Path, owner: u32) -> Loaded {
    let mut probes = Vec::new();
    let refused = each(folder, owner, MAX_PROBES, |file| {
        probes.push(Probe::parse(file.name, &file.text)?);
        Ok(())
    });
    Loaded { probes, refused }
}

/// A file that only root could have written.
pub(crate) struct RootFile {
    /// Its stem.
    pub(crate) name: Name,
    /// Its text.
    pub(crate) text: String,
    /// Its permission bits.
    pub(crate) mode: u32,
}

/// Hands every `*.toml` in `folder` that can be trusted to `take`, at most `most`, in the
/// order of their names; gives back which were refused.
pub(crate) fn each(
    folder: &Path,
    owner: u32,
    most: usize,
    mut take: impl FnMut(RootFile) -> Result<(), Why>,
) -> Vec<Refused> {
    let mut refused = Vec::new();
    let mut refuse = |path: &Path, why: Why| {
        refused.push(Refused {
            path: path.to_owned(),
            why,
        });
    };
    let names = match names(folder, owner) {
        Ok(names) => names,
        Err(why) => {
            refuse(folder, why);
            return refused;
        }
    };
    if names.len() > most {
        refuse(folder, Why::TooMany(most));
    }
    for file_name in names.iter().take(most) {
        let path = folder.join(file_name);
        if let Err(why) = read(&path, owner).and_then(&mut take) {
            refuse(&path, why);
        }
    }
    refused
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

fn read(path: &Path, owner: u32) -> Result<RootFile, Why> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = Name::new(stem)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::LOOP) => return Err(BadFile::NotRegular.into()),
        Err(error) => return Err(std::io::Error::from(error).into()),
    };
    // The open file is what is checked and read; its name may be given to another.
    let traits = traits(&file.metadata()?);
    check_file(traits, owner)?;
    let mut bytes = Vec::new();
    file.take(MAX_PROBE_FILE_BYTES as u64)
        .read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(|_| Why::Text)?;
    Ok(RootFile {
        name,
        text,
        mode: traits.mode,
    })
}
