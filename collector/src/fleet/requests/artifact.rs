//! `artifact`: a range of an artifact's bytes, from wherever artifacts are kept.

use super::{Reply, busy};
use crate::fleet::{Fleet, pieces};
use futures_util::StreamExt as _;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore as _};
use patchward_carrier::SendStream;
use patchward_common::wire::machine::{
    ArtifactAsked, ArtifactHeader, MAX_RANGE_BYTES, Refused, RefusedCode,
};

/// The bytes of a range, read as they are sent.
pub(in crate::fleet) type Bytes = object_store::GetResult;

pub(super) async fn artifact(fleet: &Fleet, asked: &ArtifactAsked) -> Result<Reply, Refused> {
    let bad = |text: &str| Refused::new(RefusedCode::BadRequest, text);
    if asked.length == 0 || asked.length > MAX_RANGE_BYTES {
        return Err(bad("a range has 1 byte to 8 MiB"));
    }
    let end = asked.offset.checked_add(asked.length);
    let end = end.ok_or_else(|| bad("the range has no end"))?;
    // A digest is a path segment of our own making.
    let place = Path::from(asked.sha256.to_string());
    let options = GetOptions {
        range: Some(GetRange::Bounded(asked.offset..end)),
        ..GetOptions::default()
    };
    let found = match fleet.context.artifacts.get_opts(&place, options).await {
        Ok(found) => found,
        Err(object_store::Error::NotFound { .. }) => {
            let text = "the collector does not have this artifact";
            return Err(Refused::new(RefusedCode::NotFound, text));
        }
        Err(error) => {
            // A range that begins after the end is the asker's mistake; which kind of
            // error that is differs by store.
            let size = fleet.context.artifacts.get_opts(
                &place,
                GetOptions {
                    head: true,
                    ..GetOptions::default()
                },
            );
            return match size.await {
                Ok(found) if found.meta.size <= asked.offset => {
                    Err(bad("the range begins after the artifact's end"))
                }
                _ => Err(busy(&error)),
            };
        }
    };
    let header = ArtifactHeader {
        total: found.meta.size,
        length: found.range.end - found.range.start,
    };
    Ok(Reply::Artifact(header, Box::new(found)))
}

/// Writes them, and tells how many left; `None` where they could not be read or sent.
pub(in crate::fleet) async fn write(
    bytes: Bytes,
    send: &mut SendStream,
    sent: impl Fn(u64),
) -> Option<()> {
    let mut chunks = match bytes.payload {
        GetResultPayload::File(file, _) => {
            return pieces::send(file, bytes.range, send, sent).await;
        }
        GetResultPayload::Stream(chunks) => chunks,
    };
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.ok()?;
        let length = chunk.len() as u64;
        send.write_chunk(chunk).await.ok()?;
        sent(length);
    }
    Some(())
}
