//! CSAF advisories, and the catalogue of what is exploited.
//!
//! Whatever is read has entries whose products are there; every entry ends in one of the three
//! values with a reason, and reading again gives the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_collector::advisory::check::{Against, rows};
use patchward_collector::advisory::matcher::Prepared;
use patchward_collector::advisory::{csaf, kev, version};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let version::Versions::In(set) = version::Versions::read(text)
    {
        set.contains(text);
    }
    if let Ok(catalogue) = kev::read(bytes) {
        assert!(catalogue.entries.is_sorted_by(|a, b| a.cve < b.cve));
    }
    let Ok(advisory) = csaf::read(bytes) else {
        return;
    };
    assert_eq!(csaf::read(bytes).as_ref(), Ok(&advisory));
    let prepared = Prepared::of(advisory);
    for row in rows(&prepared, Against::Nothing) {
        assert!(!row.finding.reason.to_string().is_empty());
    }
});
