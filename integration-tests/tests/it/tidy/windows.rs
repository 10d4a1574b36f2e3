//! Approvers sign on Windows too: `patchward-sign` and what it stands on name nothing that
//! Windows lacks. No compiler for Windows is here, so what Cargo would build for it is asked,
//! and the sources are read.

use super::source::{Source, item_length, root, sources};
use std::collections::BTreeSet;
use std::process::Command;

/// What `patchward-sign` consists of.
const PLACES: [&str; 2] = ["common/src", "collector/signer/src"];
/// Which Windows.
const TARGET: &str = "x86_64-pc-windows-gnu";
/// Crates that are for Unix alone.
const UNIX_CRATES: [&str; 11] = [
    "rustix",
    "linux-raw-sys",
    "nix",
    "errno",
    "libc",
    "listenfd",
    "sd-notify",
    "signal-hook",
    "inotify",
    "procfs",
    "libsqlite3-sys",
];
/// Paths that are for Unix alone.
const UNIX_PATHS: [&str; 5] = [
    "std::os::unix",
    "std::os::linux",
    "std::os::fd",
    "rustix",
    "libc",
];

/// What code outside of `#[cfg(unix)]` items names of Unix.
fn unix_only(source: &Source) -> Vec<String> {
    let marker = "#[cfg(unix)]";
    let mut code = source.shipped.clone();
    while let Some(start) = code.find(marker) {
        let end = start + item_length(&code[start..]);
        let blank = code[start..end].replace(|c: char| c != '\n', " ");
        code.replace_range(start..end, &blank);
    }
    let portable = Source::of(&source.path, &code);
    let is_below = |path: &str, one: &str| {
        let rest = path.strip_prefix(one);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let is_unix = |path: &str| UNIX_PATHS.iter().any(|one| is_below(path, one));
    let paths = portable.paths().into_iter();
    let named = paths.filter(|(_, path)| is_unix(path));
    named
        .map(|(line, path)| format!("{}:{line} names {path}", source.path))
        .collect()
}

#[test]
fn the_signers_code_names_nothing_of_unix_alone() {
    let ours = sources()
        .iter()
        .filter(|source| source.is_in(&PLACES) && !source.is_test());
    let found: Vec<String> = ours.flat_map(unix_only).collect();
    assert_eq!(
        found, [""; 0],
        "put it under #[cfg(unix)], with another way beside it"
    );
}

#[test]
fn the_signers_crates_exist_for_windows() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--package",
            "patchward-sign",
            "--target",
            TARGET,
        ])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo runs: it runs this test");
    let errors = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "{errors}");
    let tree = String::from_utf8(tree.stdout).expect("cargo writes UTF-8");
    let crates: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    // It is the tree of Windows that is looked at.
    assert!(crates.contains("patchward-common") && crates.contains("windows-sys"));
    for unix in UNIX_CRATES {
        assert!(
            !crates.contains(unix),
            "patchward-sign needs {unix} on Windows"
        );
    }
}

#[test]
fn what_is_gated_is_allowed_and_nothing_else() {
    let gated = "#[cfg(unix)]\nfn a() { use std::os::unix::fs::PermissionsExt as _; }\n\
                 fn b() {\n    #[cfg(unix)]\n    {\n        std::os::unix::c();\n    }\n}";
    assert_eq!(unix_only(&Source::of("common/src/a.rs", gated)), [""; 0]);
    let open = "fn a() {}\nuse std::os::unix::fs::OpenOptionsExt;\nfn b() { rustix::c(); }";
    let found = unix_only(&Source::of("common/src/a.rs", open));
    assert_eq!(
        found,
        [
            "common/src/a.rs:2 names std::os::unix::fs::OpenOptionsExt",
            "common/src/a.rs:3 names rustix::c",
        ]
    );
}
