//! Checksums that a vendor gave: typed from a letter or page, or listed in a file as
//! `sha256sum` and `sha512sum` write them.

use patchward_common::digest::Digest;
use patchward_common::id::Label;
use patchward_common::trust::origin::Check;

/// Largest checksum list: thousands of files.
pub const MAX_LIST_BYTES: usize = 1024 * 1024;

/// An artifact's checksums, as they were computed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// SHA-256.
    pub sha256: Digest,
    /// SHA-512 in lower-case hex.
    pub sha512: String,
}

/// Why a checksum proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChecksumError {
    /// Neither 64 nor 128 hex digits.
    #[error(
        "{0:?} is no SHA-256 and no SHA-512 in hex; older kinds such as MD5 and SHA-1 can be forged and are not taken"
    )]
    Kind(String),
    /// Of other bytes.
    #[error(
        "the vendor gave {given} and this file has {found}: it is not the file that the vendor means, or it was damaged; fetch it again and ask the vendor if it stays so"
    )]
    Differs {
        /// What the vendor gave.
        given: String,
        /// What the file has.
        found: String,
    },
    /// Not in the list.
    #[error("the checksum list names no {0}")]
    NotListed(String),
    /// Twice in the list, with two checksums.
    #[error("the checksum list names {0} twice, with two checksums")]
    Twice(String),
}

/// Compares what a vendor gave with what is there.
pub fn check(given: &str, given_in: Label, sums: &Sums) -> Result<Check, ChecksumError> {
    let hex = given.trim().to_ascii_lowercase();
    let is_hex = hex.bytes().all(|b| b.is_ascii_hexdigit());
    let (found, check) = match hex.len() {
        64 if is_hex => {
            let found = sums.sha256.to_string();
            (
                found,
                Check::Sha256 {
                    hex: hex.clone(),
                    given_in,
                },
            )
        }
        128 if is_hex => {
            let found = sums.sha512.clone();
            (
                found,
                Check::Sha512 {
                    hex: hex.clone(),
                    given_in,
                },
            )
        }
        _ => return Err(ChecksumError::Kind(given.chars().take(160).collect())),
    };
    match found == hex {
        true => Ok(check),
        false => Err(ChecksumError::Differs { given: hex, found }),
    }
}

/// The checksum of `file` in a list as `sha256sum` writes it.
pub fn listed(list: &str, file: &str) -> Result<String, ChecksumError> {
    let mut found: Option<&str> = None;
    for line in list.lines() {
        let Some((sum, name)) = line.trim().split_once(char::is_whitespace) else {
            continue;
        };
        // A star marks binary mode; names may have a folder.
        let name = name.trim_start().trim_start_matches('*');
        if name.rsplit('/').next() != Some(file) {
            continue;
        }
        if found.is_some_and(|before| !before.eq_ignore_ascii_case(sum)) {
            return Err(ChecksumError::Twice(file.to_owned()));
        }
        found = Some(sum);
    }
    let found = found.ok_or_else(|| ChecksumError::NotListed(file.to_owned()))?;
    Ok(found.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums() -> Sums {
        Sums {
            sha256: Digest::of(b"a"),
            sha512: "ab".repeat(64),
        }
    }

    #[test]
    fn only_strong_sums_of_the_same_bytes_prove_something() {
        let letter = || Label::new("letter").unwrap();
        let right = Digest::of(b"a").to_string();
        check(&right.to_uppercase(), letter(), &sums()).unwrap();
        check(&"ab".repeat(64), letter(), &sums()).unwrap();
        let other = Digest::of(b"b").to_string();
        for given in [&other, &"cd".repeat(64)] {
            let refused = check(given, letter(), &sums());
            assert!(matches!(refused, Err(ChecksumError::Differs { .. })));
        }
        for given in [
            "",
            "0cc175b9c0f1b6a831c399e269772661",
            &right[1..],
            &"zz".repeat(32),
        ] {
            let refused = check(given, letter(), &sums());
            assert!(matches!(refused, Err(ChecksumError::Kind(_))), "{given}");
        }
    }

    #[test]
    fn a_list_names_a_file_once() {
        let list = "aa  other.tar\nbb *dir/viewer.tar\n\njunk\n";
        assert_eq!(listed(list, "viewer.tar").unwrap(), "bb");
        let missing = listed(list, "x.viewer.tar");
        assert_eq!(
            missing,
            Err(ChecksumError::NotListed("x.viewer.tar".into()))
        );
        let twice = listed("aa  a\nbb  a\n", "a");
        assert_eq!(twice, Err(ChecksumError::Twice("a".into())));
    }
}
