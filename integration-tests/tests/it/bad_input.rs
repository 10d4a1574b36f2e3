//! Bad input at the entrances of each program: a clear error with its exit code, and nothing
//! changed. The collector's stand in `commands/bad_input.rs`, beside what they need.

mod agent;
mod agent_disk;
mod installer;
mod signer;

use patchward_common::digest::Digest;
use patchward_integration_tests::programs::Program;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Everything below a folder: what it is, and what is in it.
fn everything(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.symlink_metadata().unwrap().file_type();
            let content = match std::fs::read(&path) {
                Ok(bytes) if kind.is_file() => Digest::of(&bytes).to_string(),
                _ => format!("{kind:?}"),
            };
            if kind.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path, content);
        }
    }
    found
}

/// Asserts that a program ends so, says these words, and changes nothing in `folder`.
fn refused(command: &mut Command, folder: &Path, code: i32, words: &[&str]) {
    let before = everything(folder);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{command:?}: no {word:?} in: {said}");
    }
    assert_eq!(
        everything(folder),
        before,
        "{command:?} changed something: {said}"
    );
}

/// Settings that are none, each with what is wrong about it; `key` takes a text.
pub(crate) fn bad_settings(key: &str) -> Vec<(Vec<u8>, &'static str)> {
    let deep = format!("{key} = {}{}", "[".repeat(5_000), "]".repeat(5_000));
    let misspelt = format!("{}_ = \"/x\"\n", key);
    vec![
        (format!("{key} = \"/x").into(), "line 1: "),
        (format!("\n{key} = 3\n").into(), "line 2: invalid type"),
        (
            format!("{key} = \"/x\"\n{key} = \"/x\"\n").into(),
            "line 2: duplicate key",
        ),
        (misspelt.into(), "did you mean"),
        (
            b"colour_of_the_sky = 1\n".to_vec(),
            "unknown key \"colour_of_the_sky\"",
        ),
        (deep.into(), "line 1: "),
        (format!("{key} = \"/a\0b\"\n").into(), "line 1: "),
        (
            [b"# Z\xfcrich\n", format!("{key} = \"/x\"\n").as_bytes()].concat(),
            "line 1: this is not UTF-8",
        ),
        (vec![b'\n'; 262_145], "larger than 262144 bytes"),
    ]
}

/// A program for which the disk is full as soon as a file has `kib` KiB. The signal that
/// would end it is ignored, so that its writes fail as on a full disk.
pub(crate) fn with_little_room(program: Program, kib: u32) -> Command {
    let mut command = Command::new("/bin/sh");
    let script = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
    // The limit counts in 512 bytes.
    let limit = (kib * 2).to_string();
    command.args(["-c", script, "sh", &limit]);
    command.arg(program.path().unwrap());
    command
}
