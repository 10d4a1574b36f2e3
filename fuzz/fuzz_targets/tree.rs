//! The archive of a `tree`, which is unpacked as root after its digest was verified.
//!
//! Nothing appears but below the version's folder, and no link leads out of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_steps::kind::tree::unpack;
use std::path::Path;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    };
    entries.map(name).collect()
}

fn check(folder: &Path, top: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kind = path.symlink_metadata().expect("there").file_type();
        if kind.is_dir() {
            check(&path, top);
        } else if kind.is_symlink() {
            let target = std::fs::read_link(&path).expect("a link");
            assert!(!target.is_absolute(), "{target:?}");
            if let Ok(real) = path.canonicalize() {
                assert!(real.starts_with(top), "{real:?}");
            }
        } else {
            assert!(kind.is_file(), "{path:?} is neither file, folder nor link");
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let outer = tempfile::tempdir_in("/dev/shm").expect("memory");
    let archive = outer.path().join("archive");
    std::fs::write(&archive, bytes).expect("room");
    let folder = outer.path().join("trees");
    let done = unpack(&archive, &folder, "1.0");
    let mut outside = names(outer.path());
    outside.sort();
    outside.dedup();
    assert!(
        outside
            .iter()
            .all(|name| name == "archive" || name == "trees"),
        "{outside:?}"
    );
    if done.is_ok() {
        assert_eq!(names(&folder), ["1.0"]);
        let top = folder.join("1.0").canonicalize().expect("unpacked");
        check(&top, &top);
    }
});
