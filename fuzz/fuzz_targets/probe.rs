//! Probe files, and what probes answer. A zero byte ends the file's text.
//!
//! Only the words `idle` and exit status 0 are idle.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::component::MAX_FIELD_BYTES;
use patchward_common::id::Name;
use patchward_common::probe::{Probe, Purpose, Ran, VersionFrom, interlock, readiness, version};
use patchward_common::trust::check::Interlock;

fn answered(from: &VersionFrom, ran: &Ran) {
    if let Ok(version) = version(from, ran) {
        assert!((1..=MAX_FIELD_BYTES).contains(&version.len()));
        assert!(!version.chars().any(char::is_control));
    }
}

fuzz_target!(|bytes: &[u8]| {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    let (text, output) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    let name = Name::new("probe").expect("a name");
    let ran = Ran::Exited {
        status: Some(0),
        output: output.to_vec(),
        errors: Vec::new(),
    };
    if interlock(&name, &ran) == Interlock::Idle {
        assert!(
            std::str::from_utf8(output)
                .unwrap()
                .lines()
                .next()
                .unwrap()
                .trim()
                == "idle"
        );
    }
    let _ = readiness(&ran);
    answered(&VersionFrom::FirstLine, &ran);
    answered(&VersionFrom::Prefix("Version: ".into()), &ran);
    answered(&VersionFrom::Json("/version".into()), &ran);
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    if let Ok(probe) = Probe::parse(name, text)
        && let Purpose::Version { from, .. } = &probe.purpose
    {
        answered(from, &ran);
    }
});
