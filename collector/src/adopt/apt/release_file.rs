//! The release file of a suite: what its signature covers.

use super::stanza::stanzas;
use patchward_common::digest::Digest;
use patchward_common::time::{DAY_MS, UtcMs};
use std::collections::BTreeMap;

/// Largest release file: a distribution's main archive has 150 KB.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How old a release file without an end may be. A stable suite is renewed at every point
/// release, which come every two months; an older one was held back.
const MAX_AGE_MS: i64 = 120 * DAY_MS;
/// How far its date may be ahead of our clock.
const CLOCK_MS: i64 = DAY_MS;

/// A suite's release file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFile {
    /// The suite's names.
    pub names: Vec<String>,
    /// When it was made.
    pub date: UtcMs,
    /// Until when it counts.
    pub valid_until: Option<UtcMs>,
    /// Whether its lists can be asked for by their hashes.
    pub by_hash: bool,
    /// Files by path: SHA-256 and length.
    pub files: BTreeMap<String, (Digest, u64)>,
}

/// Why a release file is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseFileError {
    /// Not a release file.
    #[error("it is no release file of an archive: {0}")]
    Malformed(&'static str),
    /// Of another suite.
    #[error("it is of {found}, and {asked} was asked for: the mirror serves another suite there")]
    OtherSuite {
        /// The suite that was asked for.
        asked: String,
        /// Whose it is.
        found: String,
    },
    /// Past its end.
    #[error(
        "it counts until {0}: the mirror holds it back or is not updated any more; use another mirror"
    )]
    Expired(UtcMs),
    /// Without an end, and very old.
    #[error("it is of {0} and names no end: the mirror is not updated any more; use another one")]
    Old(UtcMs),
    /// Of the future.
    #[error("it is of {0}, which is in the future: look at this computer's clock")]
    Future(UtcMs),
    /// Older than one that was seen.
    #[error("it is of {found}, and one of {seen} was seen before: the mirror went back")]
    Replayed {
        /// The date seen before.
        seen: UtcMs,
        /// Its date.
        found: UtcMs,
    },
}

impl ReleaseFile {
    /// Reads the text that the archive's key signed.
    pub fn read(text: &str) -> Result<Self, ReleaseFileError> {
        let malformed = ReleaseFileError::Malformed;
        let stanza = stanzas(text).next().ok_or(malformed("it is empty"))?;
        let field = |name: &str| stanza.get(name).map(String::as_str);
        let date = field("date").and_then(instant);
        let names = ["suite", "codename"].into_iter().filter_map(field);
        let listed = field("sha256").ok_or(malformed("it lists no SHA-256"))?;
        let valid_until = match field("valid-until") {
            None => None,
            Some(text) => Some(instant(text).ok_or(malformed("its end cannot be read"))?),
        };
        let mut files = BTreeMap::new();
        for line in listed.lines().filter(|line| !line.is_empty()) {
            let (path, file) = entry(line).ok_or(malformed("a line of its list is not one"))?;
            files.insert(path, file);
        }
        Ok(Self {
            names: names.map(ToOwned::to_owned).collect(),
            date: date.ok_or(malformed("it has no date"))?,
            valid_until,
            by_hash: field("acquire-by-hash") == Some("yes"),
            files,
        })
    }

    /// Whether it may be used now for `suite`; `seen` is the date of the newest one that was
    /// used before.
    pub fn admit(
        &self,
        suite: &str,
        seen: Option<UtcMs>,
        now: UtcMs,
    ) -> Result<(), ReleaseFileError> {
        // Debian calls a suite `bookworm-security` in its path and in its codename.
        if !self.names.iter().any(|name| name == suite) {
            return Err(ReleaseFileError::OtherSuite {
                asked: suite.to_owned(),
                found: self.names.join(" or "),
            });
        }
        if now.plus_ms(CLOCK_MS) < self.date {
            return Err(ReleaseFileError::Future(self.date));
        }
        match self.valid_until {
            Some(end) if end <= now => return Err(ReleaseFileError::Expired(end)),
            None if self.date.plus_ms(MAX_AGE_MS) <= now => {
                return Err(ReleaseFileError::Old(self.date));
            }
            _ => {}
        }
        match seen.filter(|seen| self.date < *seen) {
            Some(seen) => Err(ReleaseFileError::Replayed {
                seen,
                found: self.date,
            }),
            None => Ok(()),
        }
    }
}

fn entry(line: &str) -> Option<(String, (Digest, u64))> {
    let mut parts = line.split_whitespace();
    let (hash, length, path) = (parts.next()?, parts.next()?, parts.next()?);
    Some((path.to_owned(), (hash.parse().ok()?, length.parse().ok()?)))
}

/// A date as release files write it: RFC 2822, with `UTC` for the zone.
fn instant(text: &str) -> Option<UtcMs> {
    let text = match text.trim().strip_suffix("UTC") {
        Some(front) => format!("{front}+0000"),
        None => text.trim().to_owned(),
    };
    let read = jiff::fmt::rfc2822::parse(&text).ok()?;
    Some(UtcMs(read.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Origin: Test
Suite: stable-security
Codename: bookworm-security
Date: Sat, 09 Mar 2024 09:10:11 UTC
Valid-Until: Sat, 16 Mar 2024 09:10:11 UTC
Acquire-By-Hash: yes
SHA256:
 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855        0 main/binary-amd64/Packages
";
    const DATE: UtcMs = UtcMs(1_709_975_411_000);

    fn read() -> ReleaseFile {
        ReleaseFile::read(TEXT).unwrap()
    }

    #[test]
    fn a_release_file_is_read() {
        let file = read();
        assert_eq!(file.date, DATE);
        assert!(file.by_hash);
        let listed = file.files.get("main/binary-amd64/Packages").unwrap();
        assert_eq!(*listed, (Digest::of(b""), 0));
        for bad in ["", "Date: x\n", &TEXT.replace("2024 09:10:11 UTC", "soon")] {
            ReleaseFile::read(bad).unwrap_err();
        }
    }

    #[test]
    fn an_old_one_is_not_used_again() {
        let (file, suite) = (read(), "bookworm-security");
        assert_eq!(file.admit(suite, Some(DATE), DATE), Ok(()));
        let refused = file.admit("bookworm", None, DATE).unwrap_err();
        assert!(matches!(refused, ReleaseFileError::OtherSuite { .. }));
        let end = DATE.plus_ms(7 * DAY_MS);
        assert_eq!(
            file.admit(suite, None, end),
            Err(ReleaseFileError::Expired(end))
        );
        let seen = Some(DATE.plus_ms(1));
        let refused = file.admit(suite, seen, DATE).unwrap_err();
        assert!(matches!(refused, ReleaseFileError::Replayed { .. }));
        let early = file.admit(suite, None, DATE.plus_ms(-2 * DAY_MS));
        assert_eq!(early, Err(ReleaseFileError::Future(DATE)));
        let endless = ReleaseFile {
            valid_until: None,
            ..file
        };
        assert_eq!(endless.admit(suite, None, end), Ok(()));
        let later = DATE.plus_ms(MAX_AGE_MS);
        assert_eq!(
            endless.admit(suite, None, later),
            Err(ReleaseFileError::Old(DATE))
        );
    }
}
