//! Files that people carry between collector and signers: a format's name with its
//! version, then its content, in CBOR.

use crate::codec::{self, DecodeError};
use serde::{Serialize, de::DeserializeOwned, de::IgnoredAny};

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not CBOR, too large, or of another shape.
    #[error("it is no {format} file: {error}")]
    Unreadable {
        /// The format that was expected.
        format: &'static str,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// Another format, or a version that is not known here.
    #[error(
        "it is a {found:?} file, and {expected} was expected; a newer file needs a newer program"
    )]
    Format {
        /// The format that was expected.
        expected: &'static str,
        /// What the file says it is, cut short.
        found: String,
    },
}

/// Writes a file.
pub fn to_bytes<T: Serialize>(format: &'static str, content: &T) -> Vec<u8> {
    codec::encode(&(format, content))
}

/// Whether the bytes say that they are a file of this format; they may be damaged behind it.
pub fn is(format: &'static str, bytes: &[u8]) -> bool {
    // A pair of the format's name and the content.
    let head = codec::encode(&format);
    bytes.first() == Some(&0x82) && bytes.get(1..).is_some_and(|rest| rest.starts_with(&head))
}

/// Reads a file of at most `limit` bytes.
pub fn from_bytes<T: DeserializeOwned>(
    format: &'static str,
    limit: usize,
    bytes: &[u8],
) -> Result<T, FileError> {
    let unreadable = |error| FileError::Unreadable { format, error };
    let (found, IgnoredAny): (String, _) = codec::decode(bytes, limit).map_err(unreadable)?;
    if found != format {
        return Err(FileError::Format {
            expected: format,
            found: found.chars().take(64).collect(),
        });
    }
    let (_, content): (String, T) = codec::decode(bytes, limit).map_err(unreadable)?;
    Ok(content)
}
