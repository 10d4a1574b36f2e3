//! Requests and answers over the installer's socket.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::codec::{decode, encode};
use patchward_common::wire::local::{Answer, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, Request};
use serde::{Serialize, de::DeserializeOwned};

fn read<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) {
    let Ok(value) = decode::<T>(bytes, limit) else {
        return;
    };
    let written = encode(&value);
    let again: T = decode(&written, usize::MAX).expect("what was read is written");
    assert_eq!(encode(&again), written);
}

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((kind, bytes)) if kind % 2 == 0 => read::<Request>(bytes, MAX_REQUEST_BYTES),
        Some((_, bytes)) => read::<Answer>(bytes, MAX_ANSWER_BYTES),
        None => {}
    }
});
