//! `artifact`: a range of an artifact's bytes, from wherever artifacts are kept.

use futures_util::StreamExt as _;

/// The bytes of a range, read as they are sent.
pub(in crate::fleet) type Bytes = object_store::GetResult;

/// Writes them; `None` where they could not be read or sent.
pub(in crate::fleet) async fn write(bytes: Bytes, send: &mut quinn::SendStream) -> Option<()> {
    let mut chunks = bytes.into_stream();
    while let Some(chunk) = chunks.next().await {
        send.write_chunk(chunk.ok()?).await.ok()?;
    }
    Some(())
}
