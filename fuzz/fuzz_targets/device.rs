//! Files of medical devices, and what devices answer. A zero byte ends the file's text.
//!
//! A version that is taken from an answer is bounded, and how a device is asked is written and
//! read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::component::MAX_FIELD_BYTES;
use patchward_common::device::{MAX_EVERY_MINUTES, MIN_EVERY_MINUTES, Way, parse};
use patchward_common::id::Name;
use patchward_common::probe::{Ran, version};

fuzz_target!(|bytes: &[u8]| {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    let (text, output) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let Ok(device) = parse(Name::new("device").expect("a name"), text) else {
        return;
    };
    assert!((MIN_EVERY_MINUTES..=MAX_EVERY_MINUTES).contains(&device.every_minutes));
    assert!((1..=MAX_FIELD_BYTES).contains(&device.component.len()));
    let question = serde_json::to_vec(&device.way).expect("it is written");
    let read: Way = serde_json::from_slice(&question).expect("it is read");
    assert!(read == device.way);
    let ran = Ran::Exited {
        status: Some(0),
        output: output.to_vec(),
        errors: Vec::new(),
    };
    if let Ok(version) = version(&device.version, &ran) {
        assert!((1..=MAX_FIELD_BYTES).contains(&version.len()));
        assert!(!version.chars().any(char::is_control));
    }
});
