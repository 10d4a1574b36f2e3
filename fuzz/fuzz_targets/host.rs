//! A machine's files as the inventory reads them, through its one public door.
//!
//! The first byte chooses the file. Whatever stands in it, the facts keep their limits:
//! an agent whose report is refused by its collector would fall silent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_agent::inventory::{InventorySettings, collect};
use patchward_common::component::{Component, PackedComponents};
use patchward_common::facts::PackedFacts;
use std::sync::LazyLock;
use tempfile::TempDir;

const FILES: [&str; 8] = [
    "etc/os-release",
    "proc/sys/kernel/hostname",
    "proc/sys/kernel/osrelease",
    "proc/sys/kernel/random/boot_id",
    "sys/class/dmi/id/product_serial",
    "sys/class/dmi/id/bios_version",
    "var/lib/dpkg/status",
    "var/lib/dpkg/updates/0001",
];

static ROOT: LazyLock<TempDir> = LazyLock::new(|| {
    let root = tempfile::tempdir_in("/dev/shm").expect("memory");
    for file in FILES {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("room");
        std::fs::write(path, "").expect("room");
    }
    std::fs::write(root.path().join("sys/class/dmi/id/sys_vendor"), "Maker\n").expect("room");
    root
});

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let path = ROOT.path().join(FILES[usize::from(*kind) % FILES.len()]);
    std::fs::write(&path, rest).expect("room");
    let settings = InventorySettings {
        services: false,
        ports: false,
        ..InventorySettings::default()
    };
    let found = collect(ROOT.path(), &settings);
    std::fs::write(&path, "").expect("room");
    assert_eq!(found.facts.check(), Ok(()));
    assert_eq!(PackedFacts::of(&found.facts).unpack(), Ok(found.facts));
    assert!(
        found
            .components
            .iter()
            .all(|one: &Component| one.check().is_ok())
    );
    assert_eq!(
        PackedComponents::of(&found.components).unpack(),
        Ok(found.components)
    );
});
