//! What logind answers, as busctl writes it.
//!
//! An answer of another shape is an error and never "nobody"; what is read is the same
//! each time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::probe::logind::{inhibitor, is_used, listed};
use patchward_common::time::UtcMs;

fuzz_target!(|bytes: &[u8]| {
    let Some((minutes, json)) = bytes.split_first() else {
        return;
    };
    let Ok(answer) = serde_json::from_slice(json) else {
        return;
    };
    let is_a_list = answer_rows(&answer).is_some();
    let found = inhibitor(&answer);
    assert!(is_a_list || found.is_err());
    assert_eq!(inhibitor(&answer), found);
    let sessions = listed(&answer);
    assert!(is_a_list || sessions.is_err());
    assert_eq!(listed(&answer), sessions);
    let now = UtcMs(1_795_400_040_000);
    let used = is_used(&answer, i64::from(*minutes), now);
    // Without an idle time that counts, idleness frees nobody.
    if used == Ok(true) {
        assert_eq!(is_used(&answer, 0, now), Ok(true));
    }
});

fn answer_rows(answer: &serde_json::Value) -> Option<&Vec<serde_json::Value>> {
    answer.pointer("/data/0")?.as_array()
}
