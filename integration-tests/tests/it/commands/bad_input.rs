//! Bad input at the collector's entrances: settings, control socket, documents, vendors'
//! repositories, a full disk. Each is refused with its reason and changes nothing.

mod documents;
mod full_disk;
mod plans;
mod vendor;

use super::ends;
use crate::bad_input::bad_settings;
use patchward_collector::control::FailureKind::Input;
use patchward_collector::control::{Failure, Reply};
use patchward_common::codec::{decode, encode};
use patchward_integration_tests::hospital::Hospital;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

#[test]
fn settings_and_what_is_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found(folder.path(), &[], &[]).unwrap();
    hospital.stop_collector().unwrap();
    let there = hospital.collector_folder();
    let settings = there.join("collector.toml");
    let good = std::fs::read_to_string(&settings).unwrap();
    let explained = "The collector spreads them.\npace_seconds = 1\n";
    assert!(good.contains(explained), "{good}");
    for (bytes, words) in bad_settings("name") {
        std::fs::write(&settings, bytes).unwrap();
        ends(&there, &["serve"], 2, words);
    }
    std::fs::write(&settings, "name = \"../x\"\n").unwrap();
    ends(&there, &["serve"], 2, "must consist of");
    std::fs::remove_file(&settings).unwrap();
    std::fs::create_dir(&settings).unwrap();
    ends(&there, &["serve"], 5, "cannot be read: Is a directory");
    std::fs::remove_dir(&settings).unwrap();
    std::fs::write(&settings, good).unwrap();
    // What is no socket of ours is not removed.
    let socket = there.join("control.sock");
    std::fs::write(&socket, "precious").unwrap();
    ends(&there, &["serve"], 5, "is no socket; move it away");
    assert_eq!(std::fs::read(&socket).unwrap(), b"precious");
    std::fs::remove_file(&socket).unwrap();
    hospital.start_collector().unwrap();
}

/// What the collector says to these bytes.
fn said(hospital: &Hospital, bytes: &[u8]) -> Failure {
    let socket = hospital.collector_folder().join("control.sock");
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    match decode(&answer[4..], 1 << 20).unwrap() {
        Reply::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn frames_on_the_control_socket() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::found(folder.path(), &[], &[]).unwrap();
    let framed = |item: &[u8]| [&(item.len() as u32).to_be_bytes()[..], item].concat();
    let call = encode(&json!({ "command": { "Site": { "Add": { "name": "x" } } } }));
    let unknown = encode(&json!({ "command": { "Reboot": null } }));
    let before = hospital.ask(&["audit", "verify"]).unwrap();
    for (what, bytes, words) in [
        ("nothing", vec![], "cannot be read"),
        ("no whole length", vec![0, 0], "cannot be read"),
        (
            "announced too long",
            (128 * 1024 * 1024 + 1u32).to_be_bytes().to_vec(),
            "larger than the limit",
        ),
        (
            "cut off",
            framed(&call)[..call.len()].to_vec(),
            "cannot be read",
        ),
        (
            "more behind it",
            framed(&[&call[..], &[0]].concat()),
            "more bytes after the end",
        ),
        ("deep", framed(&[0x81; 4_096]), "nested too deeply"),
        ("not UTF-8", framed(&[0xa1, 0x61, 0xff, 0x00]), "not UTF-8"),
        ("an unknown command", framed(&unknown), "Reboot"),
        (
            "an unknown argument's type",
            framed(&encode(&json!({ "command": 7 }))),
            "not the expected content",
        ),
        (
            "a name that is a path",
            framed(&encode(
                &json!({ "command": { "Unit": { "Remove": { "name": "../x" } } } }),
            )),
            "must consist of",
        ),
    ] {
        let failure = said(&hospital, &bytes);
        assert_eq!(failure.kind, Input, "{what}: {}", failure.text);
        assert!(failure.text.contains(words), "{what}: {}", failure.text);
    }
    assert_eq!(hospital.ask(&["audit", "verify"]).unwrap(), before);
}
