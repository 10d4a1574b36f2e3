//! Every command that reads a file of others, with files of every bad kind: each says which
//! file, why, and writes nothing.

use super::hospital::Hospital;
use patchward_common::plan::file::to_bytes;

/// Commands with the file that is bad, and with what else they need.
const COMMANDS: [&[&str]; 5] = [
    &["show", "bad.cbor"],
    &["root", "fingerprint", "bad.cbor"],
    &[
        "cosign", "bad.cbor", "--key", "anna.pem", "--out", "out.cbor", "--yes",
    ],
    &[
        "approve", "bad.cbor", "--key", "anna.pem", "--out", "out.cbor", "--yes",
    ],
    &["verify-evidence", "bad.cbor", "--root", ROOT],
];
const ROOT: &str = "abababababababababababababababababababababababababababababababab";

fn refused(hospital: &Hospital, what: &str) {
    for command in COMMANDS {
        let (said, code) = hospital.fails(command);
        assert!(said.contains("bad.cbor"), "{what}, {command:?}: {said}");
        assert_eq!(code, 1, "{what}, {command:?}: {said}");
        assert!(!hospital.path("out.cbor").exists(), "{what}, {command:?}");
    }
}

#[test]
fn files_that_are_no_file_of_ours() {
    let hospital = Hospital::new();
    refused(&hospital, "missing");
    let good = hospital.bytes("roster.cbor");
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("another kind", b"\x89PNG\r\n\x1a\n".to_vec()),
        ("cut off", good[..good.len() - 1].to_vec()),
        ("more behind it", [&good[..], &[0]].concat()),
        ("deep", [&[0x81; 4_096][..], &[0]].concat()),
        (
            "deep inside",
            [&b"\x82\x61x"[..], &[0x81; 4_096], &[0]].concat(),
        ),
        ("not UTF-8", vec![0x82, 0x61, 0xff, 0x00]),
        ("a newer version", to_bytes("patchward/roster.2", &7)),
        ("another content", to_bytes("patchward/roster.1", &7)),
    ] {
        std::fs::write(hospital.path("bad.cbor"), bytes).unwrap();
        refused(&hospital, what);
    }
    std::fs::remove_file(hospital.path("bad.cbor")).unwrap();
    std::fs::create_dir(hospital.path("bad.cbor")).unwrap();
    refused(&hospital, "a folder");
    std::fs::remove_dir(hospital.path("bad.cbor")).unwrap();
    std::os::unix::fs::symlink("bad.cbor", hospital.path("bad.cbor")).unwrap();
    refused(&hospital, "a link to itself");
}

/// No larger than the limit is read, however large the file says that it is.
#[test]
fn a_file_that_is_too_large() {
    let hospital = Hospital::new();
    let file = std::fs::File::create(hospital.path("bad.cbor")).unwrap();
    file.set_len(1 << 40).unwrap();
    for command in COMMANDS {
        let (said, code) = hospital.fails(command);
        assert!(said.contains("it is larger than"), "{command:?}: {said}");
        assert_eq!(code, 1);
    }
}

#[test]
fn what_is_newer_asks_for_a_newer_program() {
    let hospital = Hospital::new();
    let bytes = to_bytes("patchward/roster.2", &7);
    std::fs::write(hospital.path("bad.cbor"), bytes).unwrap();
    let (said, _) = hospital.fails(&["show", "bad.cbor"]);
    assert!(said.contains("a newer program"), "{said}");
}
