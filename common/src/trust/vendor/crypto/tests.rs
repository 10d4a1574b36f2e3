use super::*;

/// Scheme, public key and signature over `one release`, made by OpenSSL.
const VECTORS: &str = include_str!("vectors.txt");
const SCHEMES: [SigningScheme; 5] = [
    SigningScheme::Ed25519,
    SigningScheme::EcdsaP256Sha256,
    SigningScheme::EcdsaP384Sha384,
    SigningScheme::RsaPssSha256,
    SigningScheme::RsaPkcs1Sha512,
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

#[test]
fn what_another_library_signed_is_verified_and_nothing_else() {
    assert_eq!(VECTORS.lines().count(), SCHEMES.len());
    for (line, scheme) in VECTORS.lines().zip(SCHEMES) {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[0], format!("{scheme:?}"));
        let (key, signature) = (bytes(words[1]), bytes(words[2]));
        let verify = |key: &[u8], data: &[u8], signature: &[u8]| {
            Verifier.verify_raw(scheme, key, data, signature).is_ok()
        };
        assert!(verify(&key, b"one release", &signature), "{scheme:?}");
        assert!(!verify(&key, b"another", &signature), "{scheme:?}");
        let mut flipped = signature.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(!verify(&key, b"one release", &flipped), "{scheme:?}");
        let torn = &key[..key.len() / 2];
        assert!(!verify(torn, b"one release", &signature), "{scheme:?}");
    }
}

#[test]
fn what_is_not_known_is_refused() {
    let refused = Verifier.verify_raw(SigningScheme::MlDsa44, &[], &[], &[]);
    assert!(matches!(refused, Err(Error::UnsupportedAlgorithm(_))));
    let refused = Verifier.verify_prehashed(SigningScheme::EcdsaP256Sha256, &[], &[], &[]);
    assert!(matches!(refused, Err(Error::UnsupportedAlgorithm(_))));
}

#[test]
fn hashes_are_those_of_the_standard() {
    for (algorithm, begins) in [
        (HashAlgorithm::Sha2256, [0xba, 0x78, 0x16, 0xbf]),
        (HashAlgorithm::Sha2384, [0xcb, 0x00, 0x75, 0x3f]),
        (HashAlgorithm::Sha2512, [0xdd, 0xaf, 0x35, 0xa1]),
    ] {
        let mut hash = Verifier.hash(algorithm).unwrap();
        hash.update(b"a");
        hash.update(b"bc");
        assert!(hash.finalize().starts_with(&begins), "{algorithm}");
    }
}
