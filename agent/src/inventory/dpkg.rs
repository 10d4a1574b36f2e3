//! The dpkg database: `status`, and `updates` where dpkg was interrupted.
//!
//! The list equals `dpkg-query -W` for packages whose state is `installed`. The file
//! (0.6 to 5 MB) is read in pieces and scanned by bytes; four fields are kept.

use memchr::memchr;
use patchward_common::component::{Component, Source};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where dpkg keeps its database, below the root.
pub(super) const FOLDER: &str = "var/lib/dpkg";
/// Bytes read at a time: fits the second-level cache and keeps the agent small.
const PIECE_BYTES: usize = 64 * 1_024;
/// Most files of `updates` that are read; dpkg itself folds them in after 250.
const MAX_UPDATES: usize = 1_000;

/// The packages of a dpkg database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packages {
    /// Those whose state is `installed`, in the file's order.
    pub installed: Vec<Component>,
    /// Names of those that dpkg left between two states.
    pub unfinished: Vec<String>,
}

/// Why the database was not read.
#[derive(Debug, thiserror::Error)]
pub enum BadDatabase {
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The content is not a dpkg database.
    #[error("{path}: {problem}")]
    Content {
        /// The file.
        path: PathBuf,
        /// Where and why.
        problem: BadStatus,
    },
    /// More than [`MAX_UPDATES`] files.
    #[error("{0}: more than {MAX_UPDATES} files; run dpkg --configure -a")]
    TooManyUpdates(PathBuf),
}

/// Why text is not a dpkg status file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadStatus {
    /// A field that cannot be read.
    #[error("line {line}: {problem}")]
    Line {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// The file ends within a line; dpkg always ends with a whole one.
    #[error("ends within a line, so it was cut off")]
    CutOff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Installed,
    Unfinished,
    Absent,
}

#[derive(Clone, Debug)]
struct Record {
    name: String,
    version: String,
    arch: String,
    state: State,
    /// `Multi-Arch: same`: one per architecture may be installed.
    is_multi: bool,
}

/// Reads the database below `root`; `None` where there is none.
pub fn read(root: &Path) -> Result<Option<Packages>, BadDatabase> {
    let folder = root.join(FOLDER);
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut records = read_file(&folder.join("status"))?;
    for path in updates(&folder.join("updates"))? {
        for update in read_file(&path)? {
            let is_replaced = |old: &Record| {
                old.name == update.name && (!update.is_multi || old.arch == update.arch)
            };
            records.retain(|old| !is_replaced(old));
            records.push(update);
        }
    }
    Ok(Some(packages(records)))
}

/// The journal that dpkg folds into `status` when a run ends, in its order.
fn updates(folder: &Path) -> Result<Vec<PathBuf>, BadDatabase> {
    let io = |source| BadDatabase::Io {
        path: folder.to_owned(),
        source,
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io)?;
        // As in dpkg: digits only; `tmp.i` is one that was never finished.
        if entry
            .file_name()
            .as_encoded_bytes()
            .iter()
            .all(u8::is_ascii_digit)
        {
            paths.push(entry.path());
        }
        if paths.len() > MAX_UPDATES {
            return Err(BadDatabase::TooManyUpdates(folder.to_owned()));
        }
    }
    paths.sort();
    Ok(paths)
}

fn packages(records: Vec<Record>) -> Packages {
    let mut packages = Packages::default();
    for record in records {
        match record.state {
            State::Installed => packages.installed.push(Component {
                source: Source::Deb,
                name: record.name,
                version: record.version,
                arch: record.arch,
            }),
            State::Unfinished => packages.unfinished.push(record.name),
            State::Absent => {}
        }
    }
    packages.unfinished.sort();
    packages.unfinished.dedup();
    packages
}

fn read_file(path: &Path) -> Result<Vec<Record>, BadDatabase> {
    let io = |source| BadDatabase::Io {
        path: path.to_owned(),
        source,
    };
    let content = |problem| BadDatabase::Content {
        path: path.to_owned(),
        problem,
    };
    let mut file = File::open(path).map_err(io)?;
    let mut parser = Parser::default();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return parser.finish().map_err(content),
            Ok(length) => parser.feed(&piece[..length]).map_err(content)?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io(error)),
        }
    }
}

/// Reads a status file that is in memory.
pub fn parse(text: &[u8]) -> Result<Packages, BadStatus> {
    let mut parser = Parser::default();
    parser.feed(text)?;
    parser.finish().map(packages)
}

/// Longest line that may begin in one piece and end in a later one; of a longer one
/// only this much is kept. `Provides` of some packages have 300 KB; none of the four
/// fields comes near this.
const MAX_CARRIED_BYTES: usize = 4_096;

#[derive(Default)]
struct Parser {
    records: Vec<Record>,
    stanza: Stanza,
    line: usize,
    /// The start of a line whose end is in the next piece.
    carried: Vec<u8>,
    is_within_line: bool,
}

#[derive(Default)]
struct Stanza {
    name: Option<String>,
    version: Option<String>,
    arch: Option<String>,
    state: Option<State>,
    is_multi: bool,
    is_begun: bool,
}

impl Parser {
    fn feed(&mut self, mut piece: &[u8]) -> Result<(), BadStatus> {
        while let Some(end) = memchr(b'\n', piece) {
            let line = &piece[..end];
            if self.is_within_line {
                self.carry(line);
                let carried = std::mem::take(&mut self.carried);
                self.take_line(&carried)?;
                self.is_within_line = false;
            } else {
                self.take_line(line)?;
            }
            piece = &piece[end + 1..];
        }
        if !piece.is_empty() {
            self.carry(piece);
            self.is_within_line = true;
        }
        Ok(())
    }

    fn carry(&mut self, part: &[u8]) {
        let room = MAX_CARRIED_BYTES.saturating_sub(self.carried.len());
        self.carried
            .extend_from_slice(&part[..part.len().min(room)]);
    }

    fn finish(mut self) -> Result<Vec<Record>, BadStatus> {
        if self.is_within_line {
            return Err(BadStatus::CutOff);
        }
        self.end_stanza()?;
        Ok(self.records)
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), BadStatus> {
        self.line += 1;
        match line.first() {
            None => return self.end_stanza(),
            // The lines of these five fields; most others end here.
            Some(b'P' | b'p' | b'S' | b's' | b'V' | b'v' | b'A' | b'a' | b'M' | b'm') => {}
            Some(b' ' | b'\t') => return Ok(()),
            Some(_) => {
                self.stanza.is_begun = true;
                return Ok(());
            }
        }
        self.stanza.is_begun = true;
        let Some(colon) = memchr(b':', line) else {
            return Err(self.bad("a field has no colon"));
        };
        let (key, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let is = |name: &str| key.eq_ignore_ascii_case(name.as_bytes());
        if is("Package") {
            let value = self.text(value)?;
            self.set(|stanza| &mut stanza.name, value)
        } else if is("Version") {
            let value = version(self.text(value)?);
            self.set(|stanza| &mut stanza.version, value)
        } else if is("Architecture") {
            let value = self.text(value)?;
            self.set(|stanza| &mut stanza.arch, value)
        } else if is("Status") {
            let state = state(value).ok_or_else(|| self.bad("the status is unknown"))?;
            self.set(|stanza| &mut stanza.state, state)
        } else {
            self.stanza.is_multi |= is("Multi-Arch") && value == b"same";
            Ok(())
        }
    }

    fn text<'a>(&self, value: &'a [u8]) -> Result<&'a str, BadStatus> {
        std::str::from_utf8(value).map_err(|_| self.bad("the value is not UTF-8"))
    }

    fn set<T>(
        &mut self,
        field: impl Fn(&mut Stanza) -> &mut Option<T>,
        value: impl Into<T>,
    ) -> Result<(), BadStatus> {
        match field(&mut self.stanza).replace(value.into()) {
            None => Ok(()),
            Some(_) => Err(self.bad("a field stands twice")),
        }
    }

    fn end_stanza(&mut self) -> Result<(), BadStatus> {
        let stanza = std::mem::take(&mut self.stanza);
        if !stanza.is_begun {
            return Ok(());
        }
        let name = stanza.name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| self.bad("the package above has no name"))?;
        let state = stanza.state.unwrap_or(State::Absent);
        let version = stanza.version.unwrap_or_default();
        if version.is_empty() && state == State::Installed {
            return Err(self.bad("the package above is installed without a version"));
        }
        self.records.push(Record {
            name,
            version,
            arch: stanza.arch.unwrap_or_default(),
            state,
            is_multi: stanza.is_multi,
        });
        Ok(())
    }

    fn bad(&self, problem: &'static str) -> BadStatus {
        BadStatus::Line {
            line: self.line,
            problem,
        }
    }
}

/// As dpkg prints it: an epoch of zero only where the rest has a colon.
fn version(text: &str) -> &str {
    match text.strip_prefix("0:") {
        Some(rest) if !rest.contains(':') => rest,
        _ => text,
    }
}

/// The third word of a status: what is on the disk, whatever is wanted.
fn state(value: &[u8]) -> Option<State> {
    let mut words = value
        .split(u8::is_ascii_whitespace)
        .filter(|w| !w.is_empty());
    let (_want, _flag, state) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    match state {
        b"installed" => Some(State::Installed),
        b"not-installed" | b"config-files" => Some(State::Absent),
        b"half-installed" | b"unpacked" | b"half-configured" | b"triggers-awaited"
        | b"triggers-pending" => Some(State::Unfinished),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
