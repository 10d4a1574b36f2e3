//! Questions for components: names with bounds, ranges, package URLs. A zero byte ends the
//! question; a version to compare follows.
//!
//! What is said of a version is the same each time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_collector::component::query::{Pattern, Query};
use patchward_common::component::Component;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (question, version) = text.split_once('\0').unwrap_or((text, "1.0"));
    let asked = [
        Query::parse(question),
        Query::of_purl(question, Some(version)),
    ];
    for query in asked.into_iter().flatten() {
        let (Pattern::Exactly(name) | Pattern::Begins(name)) = &query.name;
        for source in &query.sources {
            let component = Component {
                source: *source,
                name: name.clone(),
                version: version.to_owned(),
                arch: String::new(),
            };
            assert_eq!(query.verdict(&component), query.verdict(&component));
        }
    }
});
