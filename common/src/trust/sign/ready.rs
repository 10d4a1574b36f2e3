//! A key made ready for many signatures over documents of one type.

use super::{Document, KeyId, PublicKey, header, signed_bytes};
use ed25519_dalek::{SIGNATURE_LENGTH, Signature, VerifyingKey};
use std::marker::PhantomData;

/// A public key that was named and decompressed once, with all that is the same for every
/// signature by it over a `T`. It verifies as [`super::Signed::verify`] does.
pub struct ReadyKey<T> {
    pub(super) id: KeyId,
    key: VerifyingKey,
    /// What stands before a signature.
    header: Vec<u8>,
    /// What is signed before the payload's own length.
    before: Vec<u8>,
    document: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for ReadyKey<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ReadyKey").field(&self.id).finish()
    }
}

impl PublicKey {
    /// The key, made ready; `None` where the bytes are no point of the curve.
    pub fn ready<T: Document>(&self) -> Option<ReadyKey<T>> {
        let id = self.id();
        let mut before = signed_bytes::<T>(id, &[]);
        // The length of a payload of no bytes.
        before.pop();
        Some(ReadyKey {
            id,
            key: VerifyingKey::from_bytes(&self.0).ok()?,
            header: header::<T>(id),
            before,
            document: PhantomData,
        })
    }
}

impl<T: Document> ReadyKey<T> {
    /// Whether a COSE_Sign1 without payload is this key's over `payload`.
    pub(super) fn is_valid(&self, signature: &[u8], payload: &[u8]) -> bool {
        let parts: Option<(&[u8], &[u8; SIGNATURE_LENGTH])> = signature.split_last_chunk();
        let Some((_, bytes)) = parts.filter(|(found, _)| *found == self.header) else {
            return false;
        };
        let signed = self.signed(payload);
        let signature = Signature::from_bytes(bytes);
        self.key.verify_strict(&signed, &signature).is_ok()
    }

    /// The bytes that are signed (RFC 9052 §4.4), with `payload` as their last item.
    pub(super) fn signed(&self, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.before.len() + 9 + payload.len());
        bytes.extend_from_slice(&self.before);
        // The head of a byte string (RFC 8949 §3).
        let length = payload.len() as u64;
        let [.., c3, c2, c1, c0] = length.to_be_bytes();
        match length {
            0..24 => bytes.push(0x40 | c0),
            24..0x100 => bytes.extend([0x58, c0]),
            0x100..0x1_0000 => bytes.extend([0x59, c1, c0]),
            0x1_0000..0x1_0000_0000 => bytes.extend([0x5a, c3, c2, c1, c0]),
            _ => {
                bytes.push(0x5b);
                bytes.extend(length.to_be_bytes());
            }
        }
        bytes.extend_from_slice(payload);
        bytes
    }
}
