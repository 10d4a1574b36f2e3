//! Requests, answers, nudges and what is held, between machine and collector.
//!
//! What was read is written and read as the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::codec::{decode, encode};
use patchward_common::wire::collector::{Held, MAX_HELD_BYTES, MAX_NUDGE_BYTES, Nudge};
use patchward_common::wire::machine::{
    Answer, InventoryContent, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, Request, is_role_file,
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    bytes: &[u8],
    limit: usize,
) -> Option<T> {
    let value: T = decode(bytes, limit).ok()?;
    let again: T = decode(&encode(&value), usize::MAX).expect("what was read is written");
    assert_eq!(again, value);
    Some(value)
}

fn carry_out(request: Request) {
    match request {
        Request::Inventory(report) => match &report.content {
            InventoryContent::Whole(set) => drop(set.unpack()),
            InventoryContent::Change { delta, .. } => drop(delta.unpack()),
        },
        Request::Metadata(asked) if is_role_file(&asked.file) => {
            assert!(!asked.file.contains(['/', '\\', '\0']) && !asked.file.starts_with('.'));
        }
        _ => {}
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    match kind % 4 {
        0 => read(bytes, MAX_REQUEST_BYTES)
            .into_iter()
            .for_each(carry_out),
        1 => drop(read::<Answer>(bytes, MAX_ANSWER_BYTES)),
        2 => drop(read::<Nudge>(bytes, MAX_NUDGE_BYTES)),
        _ => drop(read::<Held>(bytes, MAX_HELD_BYTES)),
    }
});
