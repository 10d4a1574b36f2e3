//! What proves the outcome of a job, as it was put together, byte for byte.

use super::value::{args, from_row};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::time::UtcMs;
use serde_json::json;

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// When it was stored.
    pub at: UtcMs,
}
from_row!(Evidence { digest, bytes, at });

impl View {
    /// The evidence of a job, oldest first.
    pub async fn evidence(&mut self, job: &JobId) -> Result<Vec<Evidence>, StoreError> {
        self.tx
            .all(
                "SELECT digest, bytes, at FROM evidence WHERE job = $1 ORDER BY at, digest",
                args![job],
            )
            .await
    }
}

impl Change {
    /// Stores evidence of a job; the same bytes again change nothing.
    pub async fn add_evidence(&mut self, job: &JobId, bytes: &[u8]) -> Result<Digest, StoreError> {
        let now = self.now();
        if self.view().job(job).await?.is_none() {
            return Err(StoreError::missing("job", job));
        }
        let digest = Digest::of(bytes);
        self.step("evidence.add", job, json!({ "digest": digest }))
            .execute(
                "INSERT INTO evidence (job, digest, bytes, at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
                args![job, digest, bytes, now],
            )
            .await?;
        self.done();
        Ok(digest)
    }
}
