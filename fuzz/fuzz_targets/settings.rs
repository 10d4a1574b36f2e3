//! Settings of agent, installer and collector: no value, or a line and a remedy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::settings::parse;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let problem = match kind % 3 {
        0 => parse::<patchward_agent::config::Settings>(text).err(),
        1 => parse::<patchward_installer::config::Settings>(text).err(),
        _ => patchward_collector::config::Settings::parse(text).err(),
    };
    if let Some(problem) = problem {
        assert!(problem.line >= 1 && problem.line <= text.matches('\n').count() + 1);
        assert!(!problem.problem.is_empty());
    }
});
