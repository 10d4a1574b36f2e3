//! A pack of evidence, or an archive of them, read against a root: by somebody who trusts
//! nobody.
//!
//! Under another root there are at least as many findings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::evidence::{Archive, Pack, verify, verify_archive};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(pack) = Pack::from_bytes(bytes) {
        assert_eq!(
            Pack::from_bytes(&pack.to_bytes()).ok().as_ref(),
            Some(&pack)
        );
        let own = pack.chain.root.fingerprint();
        let report = verify(&pack, own);
        let other = verify(&pack, patchward_common::digest::Digest([0; 32]));
        assert!(other.findings.len() >= report.findings.len());
    }
    if let Ok(archive) = Archive::from_bytes(bytes) {
        let other = verify_archive(&archive, patchward_common::digest::Digest([0; 32]));
        assert!(!other.findings.is_empty());
    }
});
