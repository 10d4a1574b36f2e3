//! Dependencies of Debian packages, as dpkg tells them: what is installed, then one row for
//! each coming package, with a NUL before each.
//!
//! What is not met is something that a coming package asks for; a package more takes nothing
//! away; what nobody provides is not met.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_steps::kind::packages::depends::unmet;

/// A name that stands nowhere in what is looked at.
const NEW: &str = "new-here";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut parts = text.split('\0');
    let installed = parts.next().unwrap_or_default();
    let mut coming: Vec<String> = parts.map(str::to_owned).collect();
    let Ok(missing) = unmet(installed, &coming) else {
        return;
    };
    if let Some(clause) = missing {
        assert!(!clause.is_empty() && !clause.contains(','), "{clause:?}");
        assert!(coming.iter().any(|row| row.contains(&clause)), "{clause:?}");
        return;
    }
    if text.contains(NEW) {
        return;
    }
    coming.push(format!("{NEW}\t1\t\t"));
    assert_eq!(unmet(installed, &coming), Ok(None));
    coming.push(format!("another-{NEW}\t1\t\t{NEW} (>= 2)"));
    assert!(matches!(unmet(installed, &coming), Ok(Some(_))));
});
