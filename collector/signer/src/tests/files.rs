//! Files from outside, damaged in every way, and files that are somebody else's.

use super::hospital::{Hospital, NOW};
use crate::{described, read_pem};

/// A key of another curve, as `openssl genpkey` makes it.
const P256: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFVCKKVyqF65Ljm8b
QnIcgoA4VIPTgi5klj05/IwGMqOhRANCAAQ4Rr1CB1Sr49mx0QSJIKkKC8lRzopy
Itj1JJFxYMivhB1tjdL4EyrPd9BYtZVrvHdwt9ljjHFXUKskCWh6qXx5
-----END PRIVATE KEY-----
";
/// The same form with a key that agrees on secrets and does not sign.
const X25519: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEICgUnI5bzIJ+MSmp/sxKGs3fuEq/PKmP0V0hBhkG+tl1
-----END PRIVATE KEY-----
";
/// The public half of a key that would sign.
const PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEANrVXiC0O/UwmOc1iUkYUGULM54Sc/cLH65qeBPSTWQw=
-----END PUBLIC KEY-----
";

#[test]
fn only_an_ed25519_private_key_is_a_key() {
    let hospital = Hospital::empty();
    hospital.ok(&["key", "new", "--out", "mine.pem"]);
    let good = hospital.bytes("mine.pem");
    assert!(read_pem(&good).is_ok());
    for end in 0..good.len() - 1 {
        assert!(read_pem(&good[..end]).is_err(), "cut at {end}");
    }
    for other in [P256, X25519, PUBLIC, "-----BEGIN PRIVATE KEY-----\n", "\0"] {
        let said = read_pem(other.as_bytes()).unwrap_err();
        assert!(said.contains("no Ed25519 private key"), "{other}: {said}");
    }
    // Two keys in one file: it would not be known which one signs.
    assert!(read_pem(&[&good[..], &good[..]].concat()).is_err());
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] = 0xff;
        assert!(read_pem(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn a_description_that_cannot_be_one_is_an_error_with_its_line() {
    let hospital = Hospital::new();
    let texts: Vec<String> = ["charter", "roster", "assignment"]
        .map(|kind| String::from_utf8(hospital.bytes(&format!("{kind}.toml"))).unwrap())
        .to_vec();
    for (command, text) in ["charter", "roster", "assignment"].into_iter().zip(&texts) {
        assert!(described(command, text, NOW).is_ok(), "{command}");
        for depth in [200, 50_000] {
            let arrays = ["[".repeat(depth), "]".repeat(depth)].concat();
            let tables = ["{a=".repeat(depth), "1".into(), "}".repeat(depth)].concat();
            for nested in [arrays, tables] {
                let text = format!("number = {nested}\n{text}");
                let said = described(command, &text, NOW).unwrap_err();
                assert!(said.starts_with("line "), "{said}");
            }
        }
        for bad in [
            text.replace("number = 1", "number = 1\0"),
            text.replace("number = 1", "number = \"\0\""),
            text.replace("number = 1", "number = -1"),
            text.replace("number = 1", "number = 99999999999999999999"),
            text.replace("number = 1", ""),
            format!("{text}\u{feff}"),
            text[..text.len() / 2].to_owned(),
        ] {
            assert!(described(command, &bad, NOW).is_err(), "{bad}");
        }
        hospital.write("bad.toml", "");
        std::fs::write(
            hospital.path("bad.toml"),
            [text.as_bytes(), b"\xff"].concat(),
        )
        .unwrap();
        let (said, code) = hospital.fails(&[
            command, "--from", "bad.toml", "--key", "anna.pem", "--out", "bad.cbor", "--yes",
        ]);
        assert!(said.contains("not UTF-8"), "{said}");
        assert_eq!(code, 1);
    }
    assert!(described("poem", "", NOW).is_err());
}

#[test]
fn a_half_file_of_somebody_else_stays() {
    let hospital = Hospital::empty();
    let part = hospital.path("mine.pem.part");
    std::fs::write(&part, "precious").unwrap();
    let (said, code) = hospital.fails(&["key", "new", "--out", "mine.pem"]);
    assert!(said.contains("mine.pem.part is there"), "{said}");
    assert_eq!(code, 1);
    assert_eq!(std::fs::read(&part).unwrap(), b"precious");
    assert!(!hospital.path("mine.pem").exists());
}

#[test]
fn a_half_file_of_ours_goes() {
    let hospital = Hospital::empty();
    // It cannot take the place of a folder.
    let target = hospital.path("folder");
    let written = crate::file::write(&target, b"x", crate::file::Access::Everyone, None);
    written.unwrap();
    std::fs::remove_file(&target).unwrap();
    std::fs::create_dir_all(target.join("full")).unwrap();
    let written = crate::file::write(&target, b"x", crate::file::Access::Everyone, Some(&target));
    assert!(written.is_err());
    assert!(!hospital.path("folder.part").exists());
}

#[test]
fn a_missing_folder_is_told() {
    let hospital = Hospital::empty();
    let out = hospital.path("not/there").display().to_string();
    let (said, code) = hospital.fails(&["key", "new", "--out", &out]);
    assert!(said.contains("its folder is not there"), "{said}");
    assert_eq!(code, 1);
}
