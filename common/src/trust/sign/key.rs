//! Keys: Ed25519 (RFC 8032), named by their SubjectPublicKeyInfo.

use crate::digest::Digest;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};

crate::fixed_bytes! {
    /// An Ed25519 public key (RFC 8032).
    PublicKey, 32
}

crate::fixed_bytes! {
    /// A key's name: SHA-256 of its SubjectPublicKeyInfo.
    KeyId, 32
}

/// The DER of a SubjectPublicKeyInfo for Ed25519 (RFC 8410 §4), up to the key's bits.
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

impl PublicKey {
    /// The public half of a signing key.
    pub fn of(key: &SigningKey) -> Self {
        Self(key.verifying_key().to_bytes())
    }

    /// The key as SubjectPublicKeyInfo, in DER.
    pub fn spki(&self) -> Vec<u8> {
        [&SPKI_PREFIX[..], &self.0].concat()
    }

    /// Whether it is a point of the curve, and not one of the few that anybody can sign
    /// for (RFC 8032 §5.1.3; the points of small order).
    pub fn is_usable(&self) -> bool {
        let is_usable = || VerifyingKey::from_bytes(&self.0).is_ok_and(|key| !key.is_weak());
        #[cfg(feature = "remember-signatures")]
        let is_usable = || crate::remembered::is_usable(self, is_usable);
        is_usable()
    }

    /// Whether it made this signature over these very bytes, strictly (TUF metadata;
    /// documents have [`super::Signed`]).
    pub fn has_signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let key = VerifyingKey::from_bytes(&self.0);
        let signature = Signature::from_slice(signature);
        match (key, signature) {
            (Ok(key), Ok(signature)) => key.verify_strict(bytes, &signature).is_ok(),
            _ => false,
        }
    }

    /// The key's name.
    pub fn id(&self) -> KeyId {
        KeyId(Digest::of(&self.spki()).0)
    }
}
