//! Reading a probe's file, strictly.

use super::{
    BadProbe, Kind, MAX_ARGUMENTS, MAX_IDLE_MINUTES, MAX_KIOSK_USERS, MAX_PROBE_FILE_BYTES, Probe,
    Purpose, VersionFrom,
};
use crate::component::MAX_FIELD_BYTES;
use crate::id::Name;
use crate::nearest::nearest;
use serde::Deserialize;

/// Every key of a probe file.
const KEYS: [&str; 9] = [
    "kind",
    "purpose",
    "argv",
    "path",
    "component",
    "version",
    "needs_app",
    "idle_minutes",
    "kiosk_users",
];
/// Longest word of a command, path or pointer; `PATH_MAX` of Linux.
const MAX_WORD_BYTES: usize = 4_096;

#[derive(Deserialize)]
struct Raw {
    kind: Option<String>,
    purpose: Option<String>,
    argv: Option<Vec<String>>,
    path: Option<String>,
    component: Option<String>,
    version: Option<String>,
    needs_app: Option<bool>,
    idle_minutes: Option<u32>,
    kiosk_users: Option<Vec<String>>,
}

pub(super) fn parse(name: Name, text: &str) -> Result<Probe, BadProbe> {
    let syntax = |error: toml::de::Error| BadProbe::Syntax {
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        problem: error.message().to_owned(),
    };
    let table: toml::Table = toml::from_str(text).map_err(syntax)?;
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(BadProbe::UnknownKey {
            line: line_of_key(text, key),
            key: key.clone(),
            meant: nearest(key, &KEYS),
        });
    }
    let mut raw: Raw = toml::from_str(text).map_err(syntax)?;
    let (kind, kind_word) = raw.take_kind()?;
    let (purpose, purpose_word) = raw.take_purpose(&name)?;
    let fits = match (&kind, &purpose) {
        (Kind::Command { .. }, _) => true,
        (Kind::File { .. }, Purpose::Version { .. } | Purpose::Ready) => true,
        (Kind::File { .. }, Purpose::Interlock) => false,
        (_, purpose) => *purpose == Purpose::Interlock,
    };
    if !fits {
        return Err(BadProbe::WrongPurpose {
            kind: kind_word,
            purpose: purpose_word,
        });
    }
    Ok(Probe {
        name,
        kind,
        purpose,
        needs_app: raw.needs_app.unwrap_or(false),
    })
}

impl Raw {
    fn take_kind(&mut self) -> Result<(Kind, &'static str), BadProbe> {
        let word = self.kind.take().ok_or(BadProbe::Missing {
            key: "kind",
            of: "complete",
        })?;
        let (kind, of) = match word.as_str() {
            "command" => {
                let argv = needed(self.argv.take(), "argv", "command")?;
                check_argv(&argv)?;
                (Kind::Command { argv }, "command")
            }
            "file" => {
                let path = self.take_path("file")?;
                (Kind::File { path }, "file")
            }
            "file_lock" => {
                let path = self.take_path("file_lock")?;
                (Kind::FileLock { path }, "file_lock")
            }
            "logind" => (self.take_logind()?, "logind"),
            "handover" => (Kind::Handover, "handover"),
            _ => {
                return Err(BadProbe::UnknownWord {
                    key: "kind",
                    found: word,
                    known: "command, file, file_lock, logind, handover",
                });
            }
        };
        for (key, is_left) in [
            ("argv", self.argv.is_some()),
            ("path", self.path.is_some()),
            ("idle_minutes", self.idle_minutes.is_some()),
            ("kiosk_users", self.kiosk_users.is_some()),
        ] {
            if is_left {
                return Err(BadProbe::OutOfPlace { key, of });
            }
        }
        Ok((kind, of))
    }

    fn take_path(&mut self, of: &'static str) -> Result<String, BadProbe> {
        let path = needed(self.path.take(), "path", of)?;
        check_path("path", &path)?;
        Ok(path)
    }

    fn take_logind(&mut self) -> Result<Kind, BadProbe> {
        let idle_minutes = self.idle_minutes.take().unwrap_or(0);
        if idle_minutes > MAX_IDLE_MINUTES {
            return bad("idle_minutes", "at most 720 minutes");
        }
        let kiosk_users = self.kiosk_users.take().unwrap_or_default();
        let is_user = |user: &String| {
            (1..=64).contains(&user.len()) && user.bytes().all(|b| b.is_ascii_graphic())
        };
        if kiosk_users.len() > MAX_KIOSK_USERS || !kiosk_users.iter().all(is_user) {
            return bad("kiosk_users", "at most 16 user names");
        }
        Ok(Kind::Logind {
            idle_minutes,
            kiosk_users,
        })
    }

    fn take_purpose(&mut self, name: &Name) -> Result<(Purpose, &'static str), BadProbe> {
        let word = needed(self.purpose.take(), "purpose", "complete")?;
        let (purpose, of) = match word.as_str() {
            "version" => {
                let component = self.component.take().unwrap_or_else(|| name.to_string());
                if component.is_empty()
                    || component.len() > MAX_FIELD_BYTES
                    || component.chars().any(char::is_control)
                {
                    return bad("component", "1 to 512 bytes, without control characters");
                }
                let from = version_from(&needed(self.version.take(), "version", "version")?)?;
                (Purpose::Version { component, from }, "version")
            }
            "ready" => (Purpose::Ready, "ready"),
            "interlock" => (Purpose::Interlock, "interlock"),
            _ => {
                return Err(BadProbe::UnknownWord {
                    key: "purpose",
                    found: word,
                    known: "version, ready, interlock",
                });
            }
        };
        for (key, is_left) in [
            ("component", self.component.is_some()),
            ("version", self.version.is_some()),
            ("needs_app", self.needs_app.is_some() && of != "interlock"),
        ] {
            if is_left {
                return Err(BadProbe::OutOfPlace { key, of });
            }
        }
        Ok((purpose, of))
    }
}

fn needed<T>(value: Option<T>, key: &'static str, of: &'static str) -> Result<T, BadProbe> {
    value.ok_or(BadProbe::Missing { key, of })
}

fn bad<T>(key: &'static str, problem: &'static str) -> Result<T, BadProbe> {
    Err(BadProbe::Value { key, problem })
}

pub(crate) fn version_from(word: &str) -> Result<VersionFrom, BadProbe> {
    if word == "first_line" {
        return Ok(VersionFrom::FirstLine);
    }
    if word.len() > MAX_WORD_BYTES {
        return bad("version", "at most 4096 bytes");
    }
    if let Some(pointer) = word.strip_prefix("json:") {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return bad(
                "version",
                "a JSON pointer starts with /, as in json:/app/version",
            );
        }
        return Ok(VersionFrom::Json(pointer.to_owned()));
    }
    match word.strip_prefix("prefix:") {
        Some("") => bad("version", "prefix: needs the text before the version"),
        Some(prefix) => Ok(VersionFrom::Prefix(prefix.to_owned())),
        None => Err(BadProbe::UnknownWord {
            key: "version",
            found: word.to_owned(),
            known: "first_line, json:/POINTER, prefix:TEXT",
        }),
    }
}

pub(crate) fn check_argv(argv: &[String]) -> Result<(), BadProbe> {
    let Some(program) = argv.first() else {
        return bad("argv", "names no program");
    };
    if argv.len() > MAX_ARGUMENTS {
        return bad("argv", "more than 32 words");
    }
    if argv
        .iter()
        .any(|word| word.len() > MAX_WORD_BYTES || word.contains('\0'))
    {
        return bad("argv", "a word is longer than 4096 bytes or holds a NUL");
    }
    check_path("argv", program)
}

pub(crate) fn check_path(key: &'static str, path: &str) -> Result<(), BadProbe> {
    if !path.starts_with('/') || path.len() < 2 {
        return bad(key, "the path must be absolute");
    }
    if path.len() > MAX_WORD_BYTES || path.contains('\0') {
        return bad(key, "the path is longer than 4096 bytes or holds a NUL");
    }
    if path.split('/').any(|part| part == "..") {
        return bad(key, "the path must not contain ..");
    }
    Ok(())
}

/// Line of a byte offset, from 1.
fn line_of(text: &str, at: usize) -> usize {
    let before = text.bytes().take(at);
    1 + before.filter(|byte| *byte == b'\n').count()
}

fn line_of_key(text: &str, key: &str) -> usize {
    let stands = |line: &str| {
        let line = line.trim_start().trim_start_matches(['[', '"', '\'']);
        line.starts_with(key)
    };
    1 + text.lines().position(stands).unwrap_or(0)
}

/// What matters about a probe's file before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileTraits {
    /// Whether it is a regular file, not a link, folder, pipe or device.
    pub is_regular: bool,
    /// Its owner.
    pub uid: u32,
    /// Its permission bits.
    pub mode: u32,
    /// Its size in bytes.
    pub size: u64,
}

/// Why a probe's file is not read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadFile {
    /// A link, folder, pipe or device.
    #[error("is not a regular file; put the file itself there, not a link")]
    NotRegular,
    /// Somebody else could have written it.
    #[error("is owned by uid {found}, must be owned by uid {expected}; chown it after reading it")]
    Owner {
        /// Its owner.
        found: u32,
        /// The owner that is trusted.
        expected: u32,
    },
    /// Somebody else can write it.
    #[error("can be written by others (mode {mode:04o}); chmod go-w it after reading it")]
    Writable {
        /// Its permission bits.
        mode: u32,
    },
    /// Larger than [`MAX_PROBE_FILE_BYTES`].
    #[error("has {found} bytes, at most {MAX_PROBE_FILE_BYTES} are read")]
    TooLarge {
        /// Its size in bytes.
        found: u64,
    },
}

/// Whether a file may define a probe: only `owner` (root, in earnest) can write it.
pub fn check_file(file: FileTraits, owner: u32) -> Result<(), BadFile> {
    if !file.is_regular {
        return Err(BadFile::NotRegular);
    }
    if file.uid != owner {
        return Err(BadFile::Owner {
            found: file.uid,
            expected: owner,
        });
    }
    let mode = file.mode & 0o7777;
    if mode & 0o022 != 0 {
        return Err(BadFile::Writable { mode });
    }
    if file.size > MAX_PROBE_FILE_BYTES as u64 {
        return Err(BadFile::TooLarge { found: file.size });
    }
    Ok(())
}
