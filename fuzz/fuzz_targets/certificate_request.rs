//! The certificate request (PKCS #10) of a machine that nobody knows yet: the one
//! decoder of ASN.1 behind an open port.
//!
//! Whatever is certified names the machine, not what the request asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_collector::fleet::Authority;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use std::sync::LazyLock;

const NOW: UtcMs = UtcMs(1_795_400_040_000);

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = Name::new("collector").expect("a name");
    Authority::init(folder.path(), &collector, NOW).expect("an authority")
});

fuzz_target!(|bytes: &[u8]| {
    let machine = MachineId([0xab; 32]);
    if let Ok(issued) = AUTHORITY.issue(machine, bytes, [1; 16], NOW) {
        let name = machine.to_string();
        let holds = |window: &[u8]| window == name.as_bytes();
        assert!(issued.certificate.windows(name.len()).any(holds));
    }
});
