//! A machine's files as the inventory reads them, through its one public door.
//!
//! The first byte chooses the file, or the name of a service. Whatever stands in it, the facts keep their limits:
//! an agent whose report is refused by its collector would fall silent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_agent::inventory::{InventorySettings, collect};
use patchward_common::component::{Component, PackedComponents};
use patchward_common::facts::PackedFacts;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::LazyLock;
use tempfile::TempDir;

/// A folder by whose name a service is told.
const SLICE: &str = "sys/fs/cgroup/system.slice";

const FILES: [&str; 13] = [
    "etc/os-release",
    "proc/sys/kernel/hostname",
    "proc/sys/kernel/osrelease",
    "proc/sys/kernel/random/boot_id",
    "sys/class/dmi/id/product_serial",
    "sys/class/dmi/id/bios_version",
    "var/lib/dpkg/status",
    "var/lib/dpkg/updates/0001",
    "proc/net/tcp",
    "proc/net/tcp6",
    "proc/net/udp",
    "proc/net/udp6",
    "proc/sys/net/ipv4/ip_local_port_range",
];

static ROOT: LazyLock<TempDir> = LazyLock::new(|| {
    let root = tempfile::tempdir_in("/dev/shm").expect("memory");
    for file in FILES {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("room");
        std::fs::write(path, "").expect("room");
    }
    std::fs::write(root.path().join("sys/class/dmi/id/sys_vendor"), "Maker\n").expect("room");
    std::fs::create_dir_all(root.path().join(SLICE)).expect("room");
    root
});

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let settings = InventorySettings::default();
    let found = match FILES.get(usize::from(*kind) % (FILES.len() + 1)) {
        Some(file) => {
            let path = ROOT.path().join(file);
            std::fs::write(&path, rest).expect("room");
            let found = collect(ROOT.path(), &settings);
            std::fs::write(&path, "").expect("room");
            found
        }
        // The rest is the name of a folder.
        None => {
            let name = OsStr::from_bytes(rest);
            let slice = ROOT.path().join(SLICE);
            let path = slice.join(name);
            // A path, `..` or a name that no file system takes is no name.
            if path.parent() != Some(slice.as_path()) || std::fs::create_dir(&path).is_err() {
                return;
            }
            let found = collect(ROOT.path(), &settings);
            std::fs::remove_dir(&path).expect("it is empty");
            found
        }
    };
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
