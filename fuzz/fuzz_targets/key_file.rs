//! Key files as `patchward-sign` opens them: PKCS #8 in PEM, or something else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::trust::sign::PublicKey;

fuzz_target!(|bytes: &[u8]| {
    match patchward_sign::read_pem(bytes) {
        Ok(key) => {
            assert!(PublicKey::of(&key).is_usable());
            assert!(bytes.windows(11).any(|text| text == b"PRIVATE KEY"));
        }
        Err(problem) => assert!(!problem.is_empty()),
    }
});
