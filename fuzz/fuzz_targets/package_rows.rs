//! What dpkg-query and rpm say of the installed packages, row by row.
//!
//! Rows of a whole inventory give components or an error; the installer's own reader knows
//! no package twice and invents none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_agent::inventory::parse_rpm;
use patchward_common::trust::release::PackageManager;
use patchward_steps::kind::packages::installed_rows;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(packages) = parse_rpm(bytes) {
        assert!(packages.len() <= bytes.iter().filter(|byte| **byte == b'\n').count() + 1);
        assert_eq!(parse_rpm(bytes), Ok(packages));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for manager in [PackageManager::Deb, PackageManager::Rpm] {
        let Ok(found) = installed_rows(manager, text) else {
            continue;
        };
        assert!(found.len() <= text.lines().count());
        for (name, version) in found {
            let version = version.unwrap_or_default();
            let holds = |line: &str| line.starts_with(&name) && line.ends_with(&version);
            assert!(text.lines().any(holds));
        }
    }
});
