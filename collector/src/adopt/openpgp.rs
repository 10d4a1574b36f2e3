//! OpenPGP signatures, by the library rPGP. It verifies signatures; which key may sign what,
//! and until when, is decided here, strictly: a key that has expired or was revoked signs
//! nothing any more, whatever date its signature bears.

use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::trust::origin::Check;
use pgp::composed::{
    CleartextSignedMessage, Deserializable as _, DetachedSignature, SignedPublicKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails as _, Tag};
use std::io::{Cursor, Read};

/// Largest keyring: all of a distribution's keys.
pub const MAX_KEYRING_BYTES: usize = 4 * 1024 * 1024;
/// Largest detached signature: several signers.
pub const MAX_SIGNATURE_BYTES: usize = 64 * 1024;
/// Most keys of a keyring that are tried.
const MAX_KEYS: usize = 256;
/// Most signatures of one file that are tried.
const MAX_SIGNATURES: usize = 16;
/// The public numbers of an RSA key of 2048 bits.
const MIN_RSA_BYTES: usize = 256;
/// How far a signer's clock may be ahead of ours.
const CLOCK_MS: i64 = 10 * MINUTE_MS;

/// Why a signature proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenPgpError {
    /// No keyring.
    #[error("the keyring has no OpenPGP key that can be read; export it with `gpg --export`")]
    Keyring,
    /// No signature.
    #[error("it is no OpenPGP signature")]
    Unreadable,
    /// No key of the ring made it.
    #[error(
        "no key of the keyring made a signature that holds for this file: the file was changed, or another key signed it"
    )]
    Wrong,
    /// A key made it that may not sign now.
    #[error("{fingerprint} signed it, and {problem}; ask the vendor for the key that counts today")]
    Key {
        /// The key.
        fingerprint: String,
        /// Why it does not count.
        problem: &'static str,
    },
    /// A signature that does not count.
    #[error("{fingerprint} signed it, and {problem}; ask the vendor to sign it again")]
    Signature {
        /// The key.
        fingerprint: String,
        /// Why it does not count.
        problem: &'static str,
    },
}

/// Who signed, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The key, or the subkey.
    pub fingerprint: String,
    /// When, as the signature says.
    pub signed: UtcMs,
}

impl Signer {
    /// As a proof.
    pub fn check(self) -> Check {
        Check::OpenPgp {
            fingerprint: self.fingerprint,
            signed: self.signed,
        }
    }
}

/// The keys that a vendor's signatures are verified under.
#[derive(Debug)]
pub struct Keyring(Vec<SignedPublicKey>);

impl Keyring {
    /// Reads keys, in ASCII armour or not.
    pub fn read(bytes: &[u8]) -> Result<Self, OpenPgpError> {
        let read = |bytes: &[u8]| -> Vec<SignedPublicKey> {
            let keys = SignedPublicKey::from_reader_many(Cursor::new(bytes.to_vec()));
            keys.map(|(keys, _)| keys.take(MAX_KEYS).filter_map(Result::ok).collect())
                .unwrap_or_default()
        };
        let keys = read(bytes);
        match keys.is_empty() {
            true => Err(OpenPgpError::Keyring),
            false => Ok(Self(keys)),
        }
    }

    /// Verifies a detached signature; `open` gives the signed file from its beginning.
    pub fn detached<R: Read>(
        &self,
        signature: &[u8],
        mut open: impl FnMut() -> std::io::Result<R>,
        now: UtcMs,
    ) -> Result<Signer, OpenPgpError> {
        let read = DetachedSignature::from_reader_many(Cursor::new(signature.to_vec()));
        let (signatures, _) = read.map_err(|_| OpenPgpError::Unreadable)?;
        let signatures = signatures.take(MAX_SIGNATURES).filter_map(Result::ok);
        let signatures: Vec<Signature> = signatures.map(|one| one.signature).collect();
        if signatures.is_empty() {
            return Err(OpenPgpError::Unreadable);
        }
        self.first(signatures.iter(), now, |signature, key| {
            open().is_ok_and(|file| key.verifies(signature, file))
        })
    }

    /// Verifies a text with its signature inside, and gives back the text that is signed:
    /// nothing that stands beside it.
    pub fn clear_text(&self, text: &str, now: UtcMs) -> Result<(String, Signer), OpenPgpError> {
        let (message, _) =
            CleartextSignedMessage::from_string(text).map_err(|_| OpenPgpError::Unreadable)?;
        let signed = message.signed_text();
        let signatures = message.signatures().iter().take(MAX_SIGNATURES);
        let signer = self.first(signatures, now, |signature, key| {
            key.verifies(signature, signed.as_bytes())
        })?;
        Ok((signed.replace("\r\n", "\n"), signer))
    }

    /// The first signature that holds under a key that counts. Where none does, why the
    /// nearest one failed.
    fn first<'a>(
        &self,
        signatures: impl Iterator<Item = &'a Signature>,
        now: UtcMs,
        mut holds: impl FnMut(&Signature, Part<'_>) -> bool,
    ) -> Result<Signer, OpenPgpError> {
        let mut nearest = OpenPgpError::Wrong;
        for signature in signatures {
            for key in &self.0 {
                for part in Part::all(key) {
                    if !part.is_named_in(signature) || !holds(signature, part) {
                        continue;
                    }
                    match part.judge(key, signature, now) {
                        Ok(signer) => return Ok(signer),
                        Err(error) => nearest = error,
                    }
                }
            }
        }
        Err(nearest)
    }
}

/// A key of a certificate: the primary one, or the subkey at a place.
#[derive(Clone, Copy)]
enum Part<'a> {
    Primary(&'a SignedPublicKey),
    Subkey(&'a pgp::composed::SignedPublicSubKey),
}

impl<'a> Part<'a> {
    fn all(key: &'a SignedPublicKey) -> impl Iterator<Item = Self> {
        let subkeys = key.public_subkeys.iter().map(Self::Subkey);
        std::iter::once(Self::Primary(key)).chain(subkeys)
    }

    fn fingerprint(self) -> String {
        let fingerprint = match self {
            Self::Primary(key) => key.primary_key.fingerprint(),
            Self::Subkey(key) => key.key.fingerprint(),
        };
        fingerprint.to_string().to_ascii_uppercase()
    }

    /// Whether a signature may be this key's: it names its signer, or nobody.
    fn is_named_in(self, signature: &Signature) -> bool {
        let (fingerprint, id) = match self {
            Self::Primary(key) => (
                key.primary_key.fingerprint(),
                key.primary_key.legacy_key_id(),
            ),
            Self::Subkey(key) => (key.key.fingerprint(), key.key.legacy_key_id()),
        };
        let (fingerprints, ids) = (signature.issuer_fingerprint(), signature.issuer_key_id());
        match (fingerprints.is_empty(), ids.is_empty()) {
            (true, true) => true,
            (false, _) => fingerprints.contains(&&fingerprint),
            (true, false) => ids.contains(&&id),
        }
    }

    fn verifies(self, signature: &Signature, data: impl Read) -> bool {
        match self {
            Self::Primary(key) => signature.verify(&key.primary_key, data).is_ok(),
            Self::Subkey(key) => signature.verify(&key.key, data).is_ok(),
        }
    }

    fn created(self) -> UtcMs {
        seconds(match self {
            Self::Primary(key) => key.primary_key.created_at().as_secs(),
            Self::Subkey(key) => key.key.created_at().as_secs(),
        })
    }

    fn algorithm(self) -> PublicKeyAlgorithm {
        match self {
            Self::Primary(key) => key.primary_key.algorithm(),
            Self::Subkey(key) => key.key.algorithm(),
        }
    }

    /// The length of its public numbers in bytes.
    fn length(self) -> usize {
        match self {
            Self::Primary(key) => key.primary_key.public_params().write_len(),
            Self::Subkey(key) => key.key.public_params().write_len(),
        }
    }

    /// Whether the key may sign now, and the signature counts.
    fn judge(
        self,
        whole: &SignedPublicKey,
        signature: &Signature,
        now: UtcMs,
    ) -> Result<Signer, OpenPgpError> {
        let fingerprint = self.fingerprint();
        let key = |problem| OpenPgpError::Key {
            fingerprint: fingerprint.clone(),
            problem,
        };
        may_sign(whole, self, now).map_err(key)?;
        let wrong = |problem| OpenPgpError::Signature {
            fingerprint: fingerprint.clone(),
            problem,
        };
        if !matches!(
            signature.typ(),
            Some(SignatureType::Binary | SignatureType::Text)
        ) {
            return Err(wrong("its signature is not one of a file"));
        }
        let strong = signature.hash_alg().is_some_and(is_strong);
        if !strong {
            return Err(wrong(
                "its signature uses a hash function that can be forged",
            ));
        }
        let signed = signature.created().map(|at| seconds(at.as_secs()));
        let signed = signed.ok_or_else(|| wrong("its signature bears no date"))?;
        if now.plus_ms(CLOCK_MS) < signed {
            return Err(wrong("its signature is of the future"));
        }
        if signed < self.created() {
            return Err(wrong("its signature is older than the key"));
        }
        if let Some(life) = signature
            .signature_expiration_time()
            .map(|life| life.as_secs())
            && life > 0
            && signed.plus_ms(i64::from(life) * 1000) <= now
        {
            return Err(wrong("its signature has expired"));
        }
        Ok(Signer {
            fingerprint,
            signed,
        })
    }
}

/// Whether a key of a certificate may sign files now.
fn may_sign(whole: &SignedPublicKey, part: Part<'_>, now: UtcMs) -> Result<(), &'static str> {
    let primary = &whole.primary_key;
    let revocations = &whole.details.revocation_signatures;
    // One that does not verify is no revocation, but a ring with such a thing is not whole.
    if !revocations.is_empty() {
        return Err("its key was revoked");
    }
    let own = newest(own_signatures(whole)).ok_or("its key does not say itself what it is for")?;
    ends(Part::Primary(whole), own, now)?;
    is_strong_key(part.algorithm(), part.length())?;
    let Part::Subkey(subkey) = part else {
        return match own.key_flags().sign() {
            true => Ok(()),
            false => Err("its key is not for signing"),
        };
    };
    let is_revoked = |one: &Signature| one.typ() == Some(SignatureType::SubkeyRevocation);
    if subkey.signatures.iter().any(is_revoked) {
        return Err("its subkey was revoked");
    }
    let bound = subkey.signatures.iter().filter(|one| {
        one.typ() == Some(SignatureType::SubkeyBinding)
            && one.hash_alg().is_some_and(is_strong)
            && one.verify_subkey_binding(primary, &subkey.key).is_ok()
    });
    let bound = newest(bound.collect()).ok_or("its subkey is not bound to its key")?;
    ends(part, bound, now)?;
    if !bound.key_flags().sign() {
        return Err("its subkey is not for signing");
    }
    // Without it anybody could call another's signing key a subkey of their own.
    let back = bound.embedded_signature();
    let is_back = |back: &Signature| {
        back.verify_primary_key_binding(&subkey.key, primary)
            .is_ok()
    };
    match back.is_some_and(is_back) {
        true => Ok(()),
        false => Err("its subkey has not agreed to be one"),
    }
}

/// What a key says of itself, verified.
fn own_signatures(whole: &SignedPublicKey) -> Vec<&Signature> {
    let primary = &whole.primary_key;
    let strong = |one: &&Signature| one.hash_alg().is_some_and(is_strong);
    let direct = whole.details.direct_signatures.iter();
    let direct = direct.filter(|one| one.verify_key(primary).is_ok());
    let of_users = whole.details.users.iter().flat_map(|user| {
        let signatures = user.signatures.iter();
        signatures.filter(|one| {
            one.is_certification()
                && one
                    .verify_certification(primary, Tag::UserId, &user.id)
                    .is_ok()
        })
    });
    direct.chain(of_users).filter(strong).collect()
}

fn newest(signatures: Vec<&Signature>) -> Option<&Signature> {
    let created = |one: &&Signature| one.created().map(|at| at.as_secs());
    signatures.into_iter().max_by_key(created)
}

/// Whether a key still counts, as what it says of itself has it.
fn ends(part: Part<'_>, own: &Signature, now: UtcMs) -> Result<(), &'static str> {
    let life = own.key_expiration_time().map_or(0, |life| life.as_secs());
    if life > 0 && part.created().plus_ms(i64::from(life) * 1000) <= now {
        return Err("its key has expired");
    }
    Ok(())
}

fn is_strong(hash: HashAlgorithm) -> bool {
    matches!(
        hash,
        HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512
    )
}

/// DSA and ElGamal are of another time, and so are short RSA keys.
fn is_strong_key(algorithm: PublicKeyAlgorithm, length: usize) -> Result<(), &'static str> {
    match algorithm {
        PublicKeyAlgorithm::RSA | PublicKeyAlgorithm::RSASign => match length < MIN_RSA_BYTES {
            true => Err("its RSA key is shorter than 2048 bits"),
            false => Ok(()),
        },
        PublicKeyAlgorithm::ECDSA
        | PublicKeyAlgorithm::EdDSALegacy
        | PublicKeyAlgorithm::Ed25519
        | PublicKeyAlgorithm::Ed448 => Ok(()),
        _ => Err("its key is of a kind that is not taken any more"),
    }
}

fn seconds(seconds: u32) -> UtcMs {
    UtcMs(i64::from(seconds) * 1000)
}
