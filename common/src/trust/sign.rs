//! Signed bytes: detached COSE_Sign1 (RFC 9052 §4.2) over a document's exact bytes.
//!
//! Bytes become [`Signed`], which can be carried but not read; [`Signed::verify`]
//! makes them [`Verified`], the only form that a decision accepts. Signatures are
//! verified over the bytes, strictly, before a document is parsed.

mod elsewhere;
mod key;
mod ready;

pub use key::{KeyId, PublicKey};
pub use ready::ReadyKey;

use crate::codec::{self, DecodeError};
use crate::digest::Digest;
use coset::{CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, ProtectedHeader, iana};
use ed25519_dalek::{SIGNATURE_LENGTH, Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};
use serde_bytes::{ByteBuf, Bytes};
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

/// Most signatures that one document may carry; more approvers than any class asks for.
pub const MAX_SIGNATURES: usize = 16;
/// Largest COSE_Sign1 without payload: 64 bytes of signature and short headers.
pub const MAX_SIGNATURE_BYTES: usize = 512;
/// Most signatures that are read with a document at all. A plan for every unit of a
/// hospital carries more than one machine accepts; who hands it on to a machine splits
/// them ([`Signed::trimmed`]). A signature for every person of the largest roster.
pub const MAX_CARRIED_SIGNATURES: usize = 1_024;

/// A document or statement that can be signed.
pub trait Document: Serialize + DeserializeOwned {
    /// Its type with its version, `patchward/name.n`. Signed as content type and as external
    /// data, so that no document can be passed off as another or as a newer one.
    const TYPE: &'static str;
    /// Largest payload in bytes.
    const MAX_BYTES: usize;
}

/// A payload and its signatures, neither verified nor parsed.
///
/// Reading one refuses signatures that are too many or too long to be any. What is left
/// may still be padding: who keeps a document keeps [`Signed::trimmed`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "Envelope", bound = "")]
pub struct Signed<T> {
    payload: Vec<u8>,
    signatures: Vec<Vec<u8>>,
    document: PhantomData<fn() -> T>,
}

/// The wire form of [`Signed`].
#[derive(Deserialize)]
struct Envelope(ByteBuf, Vec<ByteBuf>);

/// Written as [`Envelope`] is read, without a copy: a collector writes the same document
/// for each of its machines.
impl<T> Serialize for Signed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Bytes::new(&self.payload), ByteStrings(&self.signatures)).serialize(serializer)
    }
}

struct ByteStrings<'s>(&'s [Vec<u8>]);

impl Serialize for ByteStrings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|one| Bytes::new(one)))
    }
}

impl<T> TryFrom<Envelope> for Signed<T> {
    type Error = SignError;

    fn try_from(Envelope(payload, signatures): Envelope) -> Result<Self, SignError> {
        limit(
            "number of signatures",
            signatures.len(),
            MAX_CARRIED_SIGNATURES,
        )?;
        let longest = signatures.iter().map(|one| one.len()).max();
        limit("signature", longest.unwrap_or(0), MAX_SIGNATURE_BYTES)?;
        Ok(Self {
            payload: payload.into_vec(),
            signatures: signatures.into_iter().map(ByteBuf::into_vec).collect(),
            document: PhantomData,
        })
    }
}

impl<T> Clone for Signed<T> {
    fn clone(&self) -> Self {
        Self {
            payload: self.payload.clone(),
            signatures: self.signatures.clone(),
            document: PhantomData,
        }
    }
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.payload == other.payload && self.signatures == other.signatures
    }
}

impl<T> Eq for Signed<T> {}

/// A document whose bytes carry at least one valid signature by a known key, and
/// the keys that signed it. How many of them are enough is for the reader to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    document: T,
    digest: Digest,
    signers: BTreeSet<KeyId>,
}

/// Why bytes did not become [`Verified`].
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Payload or list of signatures beyond its limit.
    #[error("a {kind} of {found}, where at most {limit} is allowed")]
    TooLarge {
        /// What is too large.
        kind: &'static str,
        /// The limit.
        limit: usize,
        /// What was found.
        found: usize,
    },
    /// No signature by a key that is known here is valid.
    #[error("no valid signature by a known key")]
    NoValidSignature,
    /// The bytes were signed, but they are not what they should be.
    #[error("signed, but {0}")]
    Payload(#[from] DecodeError),
}

impl<T: Document> Signed<T> {
    /// Signs `document`.
    pub fn new(document: &T, key: &SigningKey) -> Self {
        let mut signed = Self::unsigned(codec::encode_deterministic(document));
        signed.cosign(key);
        signed
    }

    /// Bytes that wait for their first signature.
    pub fn unsigned(payload: Vec<u8>) -> Self {
        Self {
            payload,
            signatures: Vec::new(),
            document: PhantomData,
        }
    }

    /// Adds a signature over the same bytes.
    pub fn cosign(&mut self, key: &SigningKey) {
        let signature = CoseSign1Builder::new()
            .protected(protected::<T>(PublicKey::of(key).id()).header)
            .create_detached_signature(&self.payload, T::TYPE.as_bytes(), |bytes| {
                key.sign(bytes).to_bytes().to_vec()
            })
            .build();
        let signature = encoded(signature);
        #[cfg(feature = "remember-signatures")]
        crate::remembered::made(&[
            T::TYPE.as_bytes(),
            &self.payload,
            &signature,
            &PublicKey::of(key).0,
        ]);
        self.signatures.push(signature);
    }

    /// The payload's exact bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signatures, each a COSE_Sign1 without payload.
    pub fn signatures(&self) -> &[Vec<u8>] {
        &self.signatures
    }

    /// Adds signatures that were collected apart, leaving out those already there.
    pub fn add_signatures(&mut self, more: impl IntoIterator<Item = Vec<u8>>) {
        for signature in more {
            if !self.signatures.contains(&signature) {
                self.signatures.push(signature);
            }
        }
    }

    /// The document's name: the digest of its payload.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.payload)
    }

    /// Which of `keys` have a valid signature here, however many signatures there are.
    /// Says nothing about the payload.
    pub fn signers<'k>(&self, keys: impl IntoIterator<Item = &'k PublicKey>) -> BTreeSet<KeyId> {
        let keys = by_header::<T>(keys);
        let each = self.signatures.iter();
        each.filter_map(|signature| self.signer(signature, &keys))
            .collect()
    }

    /// The same document with only what counts: valid signatures by `keys`, one per key,
    /// at most [`MAX_SIGNATURES`]. Whoever stores a document stores this. Anybody who
    /// carries one may add what is no signature, or a second signature by a key that he
    /// holds, and fill a store or push the others over the limit. Give the keys that
    /// count where it is kept; the first ones stay where even these are too many.
    #[must_use]
    pub fn trimmed<'k>(&self, keys: impl IntoIterator<Item = &'k PublicKey>) -> Self {
        let keys = by_header::<T>(keys);
        let mut kept = BTreeSet::new();
        let counting = self.signatures.iter().filter(|signature| {
            let signer = self.signer(signature, &keys);
            signer.is_some_and(|id| kept.insert(id))
        });
        Self {
            payload: self.payload.clone(),
            signatures: counting.take(MAX_SIGNATURES).cloned().collect(),
            document: PhantomData,
        }
    }

    /// Verifies the signatures against `keys`, then parses the payload.
    ///
    /// Signatures by other keys, and invalid ones, count for nothing; they do not
    /// spoil the valid ones, or whoever carries a stop could void it.
    pub fn verify<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k PublicKey>,
    ) -> Result<Verified<T>, SignError> {
        self.within_limits()?;
        self.verified(self.signers(keys))
    }

    /// The same with one key that was made ready before.
    pub fn verify_by(&self, key: &ReadyKey<T>) -> Result<Verified<T>, SignError> {
        self.within_limits()?;
        let is_valid = |signature: &Vec<u8>| key.is_valid(signature, &self.payload);
        let is_signed = self.signatures.iter().any(is_valid);
        self.verified(is_signed.then_some(key.id).into_iter().collect())
    }

    fn within_limits(&self) -> Result<(), SignError> {
        limit("payload", self.payload.len(), T::MAX_BYTES)?;
        limit(
            "number of signatures",
            self.signatures.len(),
            MAX_SIGNATURES,
        )
    }

    fn verified(&self, signers: BTreeSet<KeyId>) -> Result<Verified<T>, SignError> {
        if signers.is_empty() {
            return Err(SignError::NoValidSignature);
        }
        Ok(Verified {
            document: codec::decode_deterministic(&self.payload, T::MAX_BYTES)?,
            digest: self.digest(),
            signers,
        })
    }

    /// Reads the payload without trusting it: to show it before it is signed, never
    /// to act on it.
    pub fn peek(&self) -> Result<T, DecodeError> {
        codec::decode_deterministic(&self.payload, T::MAX_BYTES)
    }

    /// Reads the payload of what was verified before it was stored.
    pub fn peek_stored(&self) -> Result<T, DecodeError> {
        codec::decode(&self.payload, T::MAX_BYTES)
    }

    fn signer(
        &self,
        signature: &[u8],
        keys: &BTreeMap<Vec<u8>, (KeyId, &PublicKey)>,
    ) -> Option<KeyId> {
        let (header, bytes) = signature.split_last_chunk()?;
        let (id, key) = keys.get(header)?;
        let is_valid = || {
            let key = VerifyingKey::from_bytes(&key.0);
            key.is_ok_and(|key| self.is_signed_by(*id, &key, bytes))
        };
        #[cfg(feature = "remember-signatures")]
        let is_valid = || {
            let parts = [T::TYPE.as_bytes(), &self.payload, signature, &key.0];
            crate::remembered::is_valid(&parts, is_valid)
        };
        is_valid().then_some(*id)
    }

    fn is_signed_by(&self, id: KeyId, key: &VerifyingKey, bytes: &[u8; SIGNATURE_LENGTH]) -> bool {
        let signed = signed_bytes::<T>(id, &self.payload);
        key.verify_strict(&signed, &Signature::from_bytes(bytes))
            .is_ok()
    }
}

/// The protected headers (RFC 9052 §3.1) of a signature over a `T` by the key `id`.
fn protected<T: Document>(id: KeyId) -> ProtectedHeader {
    ProtectedHeader {
        original_data: None,
        header: HeaderBuilder::new()
            .algorithm(iana::Algorithm::EdDSA)
            .content_type(T::TYPE.to_owned())
            .key_id(id.0.to_vec())
            .build(),
    }
}

/// What the key `id` signs for a `T` (RFC 9052 §4.4).
fn signed_bytes<T: Document>(id: KeyId, payload: &[u8]) -> Vec<u8> {
    let cose = CoseSign1 {
        protected: protected::<T>(id),
        ..CoseSign1::default()
    };
    cose.tbs_detached_data(payload, T::TYPE.as_bytes())
}

/// What stands before the 64 bytes of a signature over a `T` by the key `id`. A
/// signature has one encoding, the one that [`Signed::cosign`] writes.
fn header<T: Document>(id: KeyId) -> Vec<u8> {
    let signature = CoseSign1 {
        protected: protected::<T>(id),
        signature: vec![0; SIGNATURE_LENGTH],
        ..CoseSign1::default()
    };
    let mut bytes = encoded(signature);
    bytes.truncate(bytes.len() - SIGNATURE_LENGTH);
    bytes
}

fn encoded(signature: CoseSign1) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "headers of our own making encode")]
    signature.to_vec().expect("our own headers encode")
}

fn by_header<'k, T: Document>(
    keys: impl IntoIterator<Item = &'k PublicKey>,
) -> BTreeMap<Vec<u8>, (KeyId, &'k PublicKey)> {
    let named = |key: &'k PublicKey| {
        let make = || {
            let id = key.id();
            (header::<T>(id), id)
        };
        #[cfg(feature = "remember-signatures")]
        let make = || crate::remembered::header(T::TYPE, key, make);
        let (header, id) = make();
        (header, (id, key))
    };
    keys.into_iter().map(named).collect()
}

fn limit(kind: &'static str, found: usize, limit: usize) -> Result<(), SignError> {
    if found > limit {
        return Err(SignError::TooLarge { kind, limit, found });
    }
    Ok(())
}

impl<T> Verified<T> {
    /// The keys that signed it.
    pub fn signers(&self) -> &BTreeSet<KeyId> {
        &self.signers
    }

    /// The document's name: the digest of its payload.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The document, without what proved it.
    pub fn into_document(self) -> T {
        self.document
    }
}

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.document
    }
}

#[cfg(test)]
mod tests;
