//! Files that a command names: read where the command is typed, sent with it.

use crate::app::App;
use crate::control::{Failure, FailureKind};
use patchward_common::digest::Digest;
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

/// Keeps what somebody handed in among the artifacts, under its digest: a row never names a
/// file that is not here. `what` and `done` are words of the message where that fails.
pub(super) async fn keep(
    app: &App,
    bytes: &[u8],
    what: &str,
    done: &str,
) -> Result<Digest, Failure> {
    let digest = Digest::of(bytes);
    let mut from = bytes;
    let put = app
        .artifacts
        .put(digest, bytes.len() as u64, &mut from, |_| {});
    put.await.map_err(|error| Failure {
        kind: FailureKind::Unavailable,
        text: format!("The {what} was not kept: {error}. Nothing is {done}; try again."),
    })?;
    Ok(digest)
}

/// What [`keep`] kept, of up to `most` bytes; whole, or not at all.
pub(super) async fn kept(
    app: &App,
    digest: Digest,
    most: u64,
    what: &str,
) -> Result<Vec<u8>, Failure> {
    let bytes = app.artifacts.range(digest, 0..most).await;
    let bytes = bytes.ok().flatten();
    let bytes = bytes.filter(|bytes| Digest::of(bytes) == digest);
    let bytes = bytes.ok_or_else(|| {
        Failure::not_found(format!(
            "The {what} {digest} is damaged, or no longer among the artifacts: restore it from a \
             backup."
        ))
    })?;
    Ok(bytes.to_vec())
}
