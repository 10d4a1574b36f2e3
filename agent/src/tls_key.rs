//! The key of this machine's TLS certificate: ECDSA with P-256 and SHA-256, and the
//! request (PKCS #10, RFC 2986) that asks for a certificate. The collector takes nothing
//! from a request but its key, so it names nothing else and is written here, byte by byte.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// A bit string's unused bits at its end.
const NONE_UNUSED: &[u8] = &[0];
/// SEQUENCE of the names `id-ecPublicKey` and `prime256v1` (RFC 5480 §2.1).
const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];
/// SEQUENCE of the name `ecdsa-with-SHA256` (RFC 5758 §3.2).
const ECDSA_SHA256: &[u8] = &[
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
];
/// Version 0, and a subject without a name.
const VERSION_AND_SUBJECT: &[u8] = &[0x02, 0x01, 0x00, 0x30, 0x00];
/// No attributes.
const ATTRIBUTES: &[u8] = &[0xa0, 0x00];

/// The key could not be made or used: the system gives no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("making a TLS key: the system gives no randomness")]
pub struct NoKey;

/// A TLS key.
pub struct TlsKey {
    pkcs8: Vec<u8>,
    pair: EcdsaKeyPair,
}

impl std::fmt::Debug for TlsKey {
    /// The key stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsKey").finish_non_exhaustive()
    }
}

impl TlsKey {
    /// A new one.
    pub fn generate() -> Result<Self, NoKey> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| NoKey)?;
        let pkcs8 = pkcs8.as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8, &random).map_err(|_| NoKey)?;
        Ok(Self { pkcs8, pair })
    }

    /// The private key, PKCS #8.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key, SubjectPublicKeyInfo.
    pub fn spki(&self) -> Vec<u8> {
        let point = self.pair.public_key().as_ref();
        let point = der(BIT_STRING, &[NONE_UNUSED, point]);
        der(SEQUENCE, &[P256, &point])
    }

    /// A request for a certificate, signed by this key.
    pub fn request(&self) -> Result<Vec<u8>, NoKey> {
        let parts = [VERSION_AND_SUBJECT, &self.spki(), ATTRIBUTES];
        let information = der(SEQUENCE, &parts);
        let signature = self.pair.sign(&SystemRandom::new(), &information);
        let signature = signature.map_err(|_| NoKey)?;
        let signature = der(BIT_STRING, &[NONE_UNUSED, signature.as_ref()]);
        Ok(der(SEQUENCE, &[&information, ECDSA_SHA256, &signature]))
    }
}

/// One DER element (X.690 §10.1) of up to 255 bytes: nothing here comes near.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let length = length[length.len() - 1];
    let mut element = match length {
        0..0x80 => vec![tag, length],
        _ => vec![tag, 0x81, length],
    };
    element.extend(content);
    element
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateSigningRequestParams, PublicKeyData as _};
    use rustls_pki_types::{CertificateSigningRequestDer, PrivateKeyDer, PrivatePkcs8KeyDer};

    fn read(request: Vec<u8>) -> Result<CertificateSigningRequestParams, rcgen::Error> {
        CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request))
    }

    #[test]
    fn a_request_is_signed_by_its_key_and_asks_for_nothing_else() {
        // Signatures differ in length; each length is met in a few tries.
        for _ in 0..32 {
            let key = TlsKey::generate().unwrap();
            let parsed = read(key.request().unwrap()).unwrap();
            assert_eq!(parsed.public_key.subject_public_key_info(), key.spki());
            let subject = &parsed.params.distinguished_name;
            assert_eq!(subject.iter().count(), 0);
            assert!(parsed.params.subject_alt_names.is_empty());
        }
    }

    #[test]
    fn a_request_for_another_key_is_not_believed() {
        let (own, other) = (TlsKey::generate().unwrap(), TlsKey::generate().unwrap());
        let (own_spki, other_spki) = (own.spki(), other.spki());
        let mut request = own.request().unwrap();
        let at = request.windows(own_spki.len()).position(|w| w == own_spki);
        let at = at.unwrap();
        request[at..at + other_spki.len()].copy_from_slice(&other_spki);
        assert!(read(request).is_err());
    }

    #[test]
    fn keys_of_earlier_agents_and_of_this_one_serve_both() {
        let provider = rustls::crypto::ring::default_provider();
        let load = |pkcs8: &[u8]| {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8.to_vec()));
            provider.key_provider.load_private_key(key)
        };
        // aws-lc wrote them before.
        let earlier = rcgen::KeyPair::generate().unwrap();
        assert!(load(&earlier.serialize_der()).is_ok());
        let own = TlsKey::generate().unwrap();
        assert!(load(own.pkcs8()).is_ok());
        let back = rcgen::KeyPair::try_from(own.pkcs8()).unwrap();
        assert_eq!(back.subject_public_key_info(), own.spki());
    }
}
