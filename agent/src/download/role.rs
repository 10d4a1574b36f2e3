//! Role files of a repository: the collector says which bytes each has now, and a relay may hand
//! those out.

use super::{DownloadError, Relay, content};
use crate::link::{Link, LinkError};
use crate::state;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::wire::machine::{
    Answer, MAX_METADATA_BYTES, MetadataAsked, Request, is_role_file,
};
use std::path::Path;

/// Where the files of a repository come from.
pub(super) struct Source<'a> {
    pub(super) link: &'a Link,
    pub(super) relay: &'a mut Relay,
    pub(super) repository: &'a Name,
    pub(super) now: UtcMs,
}

impl Source<'_> {
    /// Fetches one role file; `None` where the repository has none of that name.
    pub(super) async fn fetch(
        &mut self,
        folder: &Path,
        file: &str,
    ) -> Result<Option<Vec<u8>>, DownloadError> {
        if !is_role_file(file) {
            return Err(content(file, "not named like a role of TUF"));
        }
        let mut asked = MetadataAsked::whole(self.repository.clone(), file.to_owned());
        // What has no version in its name is small, and new each time.
        asked.only_digest = self.relay.is_asked(self.now) && is_versioned(file);
        let mut answer = self.link.ask(&Request::Metadata(asked.clone())).await?;
        if let Answer::MetadataIs(is) = &answer {
            if is.length > MAX_METADATA_BYTES as u64 {
                return Err(content(file, "too large"));
            }
            if let Some(bytes) = self.relay.role(&asked, is, self.now).await {
                state::write(&folder.join(file), &bytes)?;
                return Ok(Some(bytes));
            }
            asked.only_digest = false;
            answer = self.link.ask(&Request::Metadata(asked)).await?;
        }
        match answer {
            Answer::Metadata(None) => Ok(None),
            Answer::Metadata(Some(bytes)) if bytes.len() <= MAX_METADATA_BYTES => {
                state::write(&folder.join(file), &bytes)?;
                Ok(Some(bytes.into_vec()))
            }
            Answer::Metadata(Some(_)) => Err(content(file, "too large")),
            Answer::Refused(refused) => Err(DownloadError::Refused(refused)),
            _ => Err(LinkError::Unexpected("a role file").into()),
        }
    }

    pub(super) async fn need(
        &mut self,
        folder: &Path,
        file: &str,
    ) -> Result<Vec<u8>, DownloadError> {
        let found = self.fetch(folder, file).await?;
        let repository = self.repository;
        found.ok_or_else(|| content(format!("{repository}/{file}"), "the collector has none"))
    }

    /// A role file under the name of its version, or under its plain name where the
    /// repository has no consistent snapshots.
    pub(super) async fn versioned(
        &mut self,
        folder: &Path,
        (file, version): &(String, u64),
    ) -> Result<Vec<u8>, DownloadError> {
        let name = format!("{version}.{file}");
        let path = folder.join(&name);
        // A version never changes; what does not verify is the installer's to refuse.
        if is_role_file(&name)
            && let Some(bytes) = state::read(&path, MAX_METADATA_BYTES)?
        {
            return Ok(bytes);
        }
        match self.fetch(folder, &name).await? {
            Some(bytes) => Ok(bytes),
            None => self.need(folder, file).await,
        }
    }
}

fn is_versioned(file: &str) -> bool {
    file.starts_with(|first: char| first.is_ascii_digit())
}
