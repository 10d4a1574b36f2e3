//! One range of an artifact: asked for, bounded in size, speed and time, and written as it
//! comes.

use super::pace::Pace;
use super::{DownloadError, SLOW, content};
use crate::link::{Link, LinkError};
use crate::state::StateError;
use patchward_carrier::RecvStream;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::wire::machine::{
    Answer, ArtifactAsked, ArtifactHeader, MAX_RANGE_BYTES, Request,
};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

/// Longest header before an artifact's bytes, or refusal instead of them.
const MAX_HEADER_BYTES: usize = 2_048;
/// Within this time [`PIECE_BYTES`] have to come, or the rest of the range: 2 kB a second,
/// the slowest line that anybody updates a machine over. One byte a second is cut off.
const PIECE_TIME: Duration = Duration::from_secs(30);
/// See [`PIECE_TIME`].
const PIECE_BYTES: u64 = 60_000;
/// Seconds that a range takes at the configured rate: well within the time that either side
/// gives it, and less than from one hello to the next.
const RANGE_S: u64 = 60;
/// Smallest range: one that takes longer has a rate at which nothing arrives.
const MIN_RANGE_BYTES: u64 = 16 * 1024;
/// What is read at once while hashing; small, for the agent is lean.
const HASHED_BYTES: usize = 32 * 1024;

/// The longest range to ask for at this rate in bytes a second; 0 is no limit.
pub(super) fn range_bytes(rate: u64) -> u64 {
    match rate {
        0 => MAX_RANGE_BYTES,
        rate => rate
            .saturating_mul(RANGE_S)
            .clamp(MIN_RANGE_BYTES, MAX_RANGE_BYTES),
    }
}

/// Fetches one range and appends it; gives back its length.
pub(super) async fn range(
    link: &Link,
    asked: &ArtifactAsked,
    length: u64,
    (file, part): (&mut File, &Path),
    pace: &mut Pace,
) -> Result<u64, DownloadError> {
    let request = codec::encode(&Request::Artifact(asked.clone()));
    let mut stream = link.send(&request).await?;
    let mut bytes = Vec::new();
    let mut next = async || chunk(link, &mut stream, asked).await;
    let header = within(asked, header(&mut next, &mut bytes)).await?;
    if header.total != length || header.length != asked.length {
        return Err(content(
            asked.sha256,
            "it has another length than was signed",
        ));
    }
    let mut left = header.length;
    loop {
        let pause_ms = pace.pause_ms(bytes.len() as u64);
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| content(asked.sha256, "more bytes came than were announced"))?;
        file.write_all(&bytes)
            .map_err(StateError::of("write", part))?;
        if pause_ms > 0 {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
        if left == 0 {
            return Ok(header.length);
        }
        bytes = within(asked, piece(&mut next, left.min(PIECE_BYTES))).await?;
        if bytes.is_empty() {
            return Err(content(asked.sha256, "it ended too early"));
        }
    }
}

async fn within<T>(
    asked: &ArtifactAsked,
    read: impl Future<Output = Result<T, DownloadError>>,
) -> Result<T, DownloadError> {
    let read = tokio::time::timeout(PIECE_TIME, read).await;
    read.unwrap_or_else(|_| Err(content(asked.sha256, SLOW)))
}

/// The next `wanted` bytes or a few more; fewer where the stream ends.
async fn piece(
    mut next: impl AsyncFnMut() -> Result<Option<Vec<u8>>, DownloadError>,
    wanted: u64,
) -> Result<Vec<u8>, DownloadError> {
    let mut piece = Vec::new();
    while (piece.len() as u64) < wanted {
        match next().await? {
            Some(bytes) => piece.extend(bytes),
            None => break,
        }
    }
    Ok(piece)
}

/// What came next; a stream that the collector breaks off is no lost connection.
async fn chunk(
    link: &Link,
    stream: &mut RecvStream,
    asked: &ArtifactAsked,
) -> Result<Option<Vec<u8>>, DownloadError> {
    match stream.read_chunk(PIECE_BYTES as usize).await {
        Ok(chunk) => Ok(chunk.map(|bytes| bytes.to_vec())),
        Err(_) if link.is_open() => Err(content(asked.sha256, "the collector broke it off")),
        Err(error) => Err(link.lost(&error).into()),
    }
}

/// Reads the header; what came after it stays in `bytes`. CBOR says itself where it ends:
/// exactly one beginning of the bytes is a whole answer.
async fn header(
    mut next: impl AsyncFnMut() -> Result<Option<Vec<u8>>, DownloadError>,
    bytes: &mut Vec<u8>,
) -> Result<ArtifactHeader, DownloadError> {
    loop {
        let more = next().await?;
        let is_end = more.is_none();
        bytes.extend(more.unwrap_or_default());
        for end in 1..=bytes.len().min(MAX_HEADER_BYTES) {
            match codec::decode(&bytes[..end], MAX_HEADER_BYTES) {
                Ok(Answer::Artifact(header)) => {
                    bytes.drain(..end);
                    return Ok(header);
                }
                Ok(Answer::Refused(refused)) => return Err(DownloadError::Refused(refused)),
                Ok(Answer::NotNow(not)) => return Err(DownloadError::NotYet(not.again_ms)),
                Ok(_) => return Err(LinkError::Unexpected("an artifact").into()),
                Err(_) => {}
            }
        }
        if is_end || bytes.len() >= MAX_HEADER_BYTES {
            return Err(LinkError::Unexpected("an artifact").into());
        }
    }
}

/// The digest of a file's bytes, from its beginning.
pub(super) async fn hash(file: &mut File) -> std::io::Result<Digest> {
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; HASHED_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Digest(hash.finalize().into()));
        }
        hash.update(&buffer[..read]);
        // One thread: nudges are heard meanwhile.
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> ArtifactAsked {
        ArtifactAsked {
            sha256: Digest([1; 32]),
            offset: 0,
            length: 1,
        }
    }

    /// A source that gives so many bytes every second.
    fn drip(bytes: usize) -> impl AsyncFnMut() -> Result<Option<Vec<u8>>, DownloadError> {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        async move || {
            every.tick().await;
            Ok(Some(vec![0; bytes]))
        }
    }

    /// Attack "slow retrieval": one byte a second is bounded.
    #[tokio::test(start_paused = true)]
    async fn one_byte_a_second_is_cut_off() {
        let began = tokio::time::Instant::now();
        let slow = within(&asked(), piece(drip(1), PIECE_BYTES)).await;
        assert!(
            matches!(slow, Err(DownloadError::Content { .. })),
            "{slow:?}"
        );
        assert_eq!(began.elapsed(), PIECE_TIME);
        let enough = within(&asked(), piece(drip(3_000), PIECE_BYTES)).await;
        assert_eq!(enough.unwrap().len(), 60_000);
        // The end of a range is not waited for longer.
        let rest = within(&asked(), piece(drip(1), 5)).await;
        assert_eq!(rest.unwrap().len(), 5);
        let mut nothing = Vec::new();
        let silent = async || std::future::pending().await;
        assert!(
            within(&asked(), header(silent, &mut nothing))
                .await
                .is_err()
        );
    }

    #[test]
    fn a_range_ends_within_its_time_at_the_configured_rate() {
        for rate in [1_000, 10_000, 150_000, 4_000_000, u64::MAX] {
            let seconds = range_bytes(rate) / rate;
            assert!(seconds <= RANGE_S, "{rate}: {seconds} s");
        }
        assert_eq!(range_bytes(4_000_000), MAX_RANGE_BYTES);
        assert_eq!(range_bytes(0), MAX_RANGE_BYTES);
        assert_eq!(range_bytes(1), MIN_RANGE_BYTES);
    }
}
