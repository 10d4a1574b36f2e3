//! A payload with any signatures: what anybody on the network can send.
//!
//! The seed is one good stop, signed once. Nothing but these very bytes of the payload
//! may verify, whatever stands in the list of signatures.
#![no_main]

use ed25519_dalek::SigningKey;
use libfuzzer_sys::fuzz_target;
use patchward_common::codec::{decode, encode};
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::trust::stop::{Scope, Stop};
use std::sync::LazyLock;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));
static GOOD: LazyLock<Signed<Stop>> = LazyLock::new(|| {
    let stop = Stop {
        scope: Scope::All,
        reason: Label::new("recall").expect("a label"),
        issued: UtcMs(1_795_400_040_000),
    };
    Signed::new(&stop, &KEY)
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut signed) = decode::<Signed<Stop>>(bytes, 64 * 1024) else {
        return;
    };
    assert_eq!(
        decode::<Signed<Stop>>(&encode(&signed), 64 * 1024).ok(),
        Some(signed.clone())
    );
    let keys = [PublicKey::of(&KEY)];
    if signed.verify(&keys).is_ok() {
        assert_eq!(signed.payload(), GOOD.payload());
    }
    // Whoever carries a document cannot void it by adding to it, below the limit.
    if signed.signatures().len() < 16 {
        let mut carried = GOOD.clone();
        carried.add_signatures(signed.signatures().to_vec());
        assert!(carried.signatures().len() > 16 || carried.verify(&keys).is_ok());
    }
    signed.add_signatures(GOOD.signatures().to_vec());
    assert!(signed.verify(&keys).is_err() || signed.payload() == GOOD.payload());
});
