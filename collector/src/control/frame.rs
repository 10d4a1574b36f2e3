//! Frames on the control socket: four bytes of length, then one CBOR item.

use patchward_common::codec;
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Largest frame: a plan for 50,000 machines with all its leaves.
pub const MAX_FRAME_BYTES: usize = 128 * 1024 * 1024;

/// Writes one frame.
pub async fn write<T: Serialize>(
    stream: &mut (impl AsyncWrite + Unpin),
    item: &T,
) -> std::io::Result<()> {
    let bytes = codec::encode(item);
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|_| bytes.len() <= MAX_FRAME_BYTES)
        .ok_or_else(|| std::io::Error::other("the message is larger than a frame may be"))?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// Reads one frame.
pub async fn read<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<T> {
    let length = stream.read_u32().await? as usize;
    if length > MAX_FRAME_BYTES {
        return Err(std::io::Error::other("a frame larger than the limit"));
    }
    // Grows with what really comes, not with what was announced.
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    codec::decode(&bytes, MAX_FRAME_BYTES).map_err(std::io::Error::other)
}
