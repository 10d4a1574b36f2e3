//! `metadata`: a role file of a vendor's repository, as it was mirrored.

use crate::fleet::Fleet;
use patchward_common::wire::machine::{Answer, MetadataAsked, Refused, RefusedCode, is_role_file};
use serde_bytes::ByteBuf;

pub(super) async fn metadata(fleet: &Fleet, asked: &MetadataAsked) -> Result<Answer, Refused> {
    if !is_role_file(&asked.file) {
        let text = "the file is not named like a role of TUF";
        return Err(Refused::new(RefusedCode::BadRequest, text));
    }
    let mut view = fleet.store().view().await?;
    let file = view.tuf_file(&asked.repository, &asked.file).await?;
    Ok(Answer::Metadata(file.map(|file| ByteBuf::from(file.bytes))))
}
