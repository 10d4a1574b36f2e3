//! Vendors' answers on the security of their devices, as CSV or workbook.
//!
//! Whatever is read comes to a policy for every class, and no answer that is missing lets us
//! install.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_collector::mds2::question::CLASSES;
use patchward_collector::mds2::{Policy, contradiction, file, verdict};
use patchward_common::plan::VendorAllows;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = file::read(bytes) else {
        return;
    };
    let policy = Policy::of(&document.answers);
    assert_eq!(policy.classes.len(), CLASSES.len());
    for one in &policy.classes {
        if one.is_there.is_none() {
            assert_ne!(one.allows, VendorAllows::Install);
        }
    }
    let _ = contradiction::find(&document.answers);
    assert!(!verdict::judge(&document.answers).text.is_empty());
});
