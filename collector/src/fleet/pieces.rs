//! A range of a file, sent piece by piece: what the collector and a relay hand out of an artifact.

use patchward_carrier::SendStream;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// What is read at once: as much as may be on its way to one machine.
const PIECE_BYTES: u64 = 256 * 1024;

/// Sends a range, and tells how many bytes left with each piece; `None` where it could not be read
/// or sent.
pub(crate) async fn send(
    file: File,
    range: Range<u64>,
    send: &mut SendStream,
    sent: impl Fn(u64),
) -> Option<()> {
    let (file, mut at) = (Arc::new(file), range.start);
    while at < range.end {
        let (file, from) = (Arc::clone(&file), at);
        let length = (range.end - at).min(PIECE_BYTES);
        at += length;
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
            file.read_exact_at(&mut piece, from).map(|()| piece)
        });
        let piece = read.await.ok()?.ok()?;
        send.write_chunk(piece.into()).await.ok()?;
        sent(length);
    }
    Some(())
}
