//! Bills of materials of releases, CycloneDX and SPDX.
//!
//! What is read is bounded and sorted, is the same each time, and is held against an advisory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_collector::advisory::identity::Thing;
use patchward_collector::component::bom::{self, MAX_BOM_COMPONENTS};
use patchward_common::component::MAX_FIELD_BYTES;

fuzz_target!(|bytes: &[u8]| {
    let Ok(read) = bom::read(bytes) else {
        return;
    };
    assert!(read.brings.len() <= MAX_BOM_COMPONENTS);
    assert!(read.brings.is_sorted_by(|a, b| a < b));
    for one in &read.brings {
        for text in [&one.name, &one.version] {
            assert!(text.len() <= MAX_FIELD_BYTES && !text.chars().any(char::is_control));
        }
        let thing = Thing::brought(one.source, &one.name, &one.version, &one.purl);
        assert!(thing.key().starts_with("component/"));
    }
    assert_eq!(bom::read(bytes).as_ref(), Ok(&read));
});
