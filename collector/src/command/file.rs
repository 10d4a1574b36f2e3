//! Files that a command names: read where the command is typed, sent with it.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::io::Read as _;
use std::str::FromStr;

/// Largest file of a command: a plan for 50,000 machines.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// A file's name and its bytes. Parsing the argument reads the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// As it was typed; for messages only.
    pub name: String,
    /// What was in it.
    pub bytes: ByteBuf,
}

impl FromStr for InputFile {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{error}; name a file that you can read");
        let file = std::fs::File::open(name).map_err(failed)?;
        let mut bytes = Vec::new();
        let read = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(failed)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(format!(
                "larger than {MAX_FILE_BYTES} bytes, so it is none of the files that a command takes"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            bytes: ByteBuf::from(bytes),
        })
    }
}
