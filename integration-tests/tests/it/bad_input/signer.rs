//! The signer: a full disk. What it reads stands beside it, in `collector/signer/src/tests`.

use super::{refused, with_little_room};
use patchward_integration_tests::programs::Program;
use std::process::Command;

#[test]
fn a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("mine.pem");
    let mut command = with_little_room(Program::Sign, 0);
    command.args(["key", "new", "--out"]).arg(&key);
    let words = ["cannot write", "mine.pem", "free some space"];
    refused(&mut command, folder.path(), 1, &words);
    let mut command = Command::new(Program::Sign.path().unwrap());
    let made = command.args(["key", "new", "--out"]).arg(&key).output();
    assert!(made.unwrap().status.success(), "with room it goes");
    // A place that is there is not written over, full or not.
    let mut command = Command::new(Program::Sign.path().unwrap());
    command.args(["key", "new", "--out", "/dev/full"]);
    let words = ["cannot write /dev/full", "name another file"];
    refused(&mut command, folder.path(), 1, &words);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec \"$@\" > /dev/full", "sh"]);
    command.arg(Program::Sign.path().unwrap());
    command.args(["key", "show"]).arg(&key);
    refused(&mut command, folder.path(), 1, &["No space left"]);
}
