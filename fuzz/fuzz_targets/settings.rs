//! Settings of agent, installer and collector: no value, or a line and a remedy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::settings::parse_bytes;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let problem = match kind % 3 {
        0 => parse_bytes::<patchward_agent::config::Settings>(rest).err(),
        1 => parse_bytes::<patchward_installer::config::Settings>(rest).err(),
        _ => patchward_collector::config::Settings::parse(rest).err(),
    };
    if let Some(problem) = problem {
        assert!(problem.line >= 1 && problem.line <= rest.iter().filter(|byte| **byte == b'\n').count() + 1);
        assert!(!problem.problem.is_empty());
    }
});
