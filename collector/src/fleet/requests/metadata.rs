//! `metadata`: a role file of a vendor's repository, as it was mirrored.

use crate::fleet::Fleet;
use patchward_common::digest::Digest;
use patchward_common::wire::machine::{
    Answer, MetadataAsked, MetadataIs, Refused, RefusedCode, is_role_file,
};
use serde_bytes::ByteBuf;

pub(super) async fn metadata(fleet: &Fleet, asked: &MetadataAsked) -> Result<Answer, Refused> {
    if !is_role_file(&asked.file) {
        let text = "the file is not named like a role of TUF";
        return Err(Refused::new(RefusedCode::BadRequest, text));
    }
    let mut view = fleet.store().view().await?;
    let file = view.tuf_file(&asked.repository, &asked.file).await?;
    Ok(match file {
        Some(file) if asked.only_digest => Answer::MetadataIs(MetadataIs {
            sha256: Digest::of(&file.bytes),
            length: file.bytes.len() as u64,
        }),
        file => Answer::Metadata(file.map(|file| ByteBuf::from(file.bytes))),
    })
}
