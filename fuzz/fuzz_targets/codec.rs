//! CBOR of both forms into any value.
//!
//! Whatever is read as a document is read as a message too, and writing it again gives
//! the same bytes; a message that is written again is read as the same value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::codec::{decode, decode_deterministic, encode};

const LIMIT: usize = 64 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let message = decode::<ciborium::Value>(bytes, LIMIT);
    if let Ok(value) = &message {
        let again = encode(value);
        let read: ciborium::Value = decode(&again, usize::MAX).expect("what was read is written");
        // NaN differs from itself; its bytes do not.
        assert_eq!(encode(&read), again);
    }
    if decode_deterministic::<ciborium::Value>(bytes, LIMIT).is_ok() {
        assert_eq!(encode(&message.expect("a document is a message")), bytes);
    }
});
