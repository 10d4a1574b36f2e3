//! SHA-256 digests.

use sha2::{Digest as _, Sha256};

crate::fixed_bytes! {
    /// A SHA-256 digest: the name of an artifact, a document or a set.
    #[derive(Default)]
    Digest, 32
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of several pieces, each preceded by its length in eight bytes,
    /// so that no two different lists of pieces give the same input.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}
