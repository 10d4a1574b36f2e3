//! The dpkg status file.
//!
//! Reading a file twice gives the same; whatever is installed has a name and a version.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_agent::inventory::parse_dpkg;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(packages) = parse_dpkg(bytes) {
        for package in &packages.installed {
            assert!(!package.name.is_empty() && !package.version.is_empty());
        }
        assert!(packages.unfinished.is_sorted());
        assert_eq!(parse_dpkg(bytes), Ok(packages));
    }
});
