use super::*;
use crate::trust::check::Interlock;

fn name() -> Name {
    Name::new("pump-server").unwrap()
}

fn parse(text: &str) -> Result<Probe, BadProbe> {
    Probe::parse(name(), text)
}

fn exited(status: i32, output: &str) -> Ran {
    Ran::Exited {
        status: Some(status),
        output: output.as_bytes().to_vec(),
        errors: b"idle\n1.0\n".to_vec(),
    }
}

#[test]
fn every_kind_is_read() {
    let command = parse(
        "kind = 'command'\npurpose = 'version'\nargv = ['/usr/bin/pumpd', '--version']\nversion = 'prefix:pumpd '\n",
    );
    assert_eq!(
        command.unwrap(),
        Probe {
            name: name(),
            kind: Kind::Command {
                argv: vec!["/usr/bin/pumpd".into(), "--version".into()]
            },
            purpose: Purpose::Version {
                component: "pump-server".into(),
                from: VersionFrom::Prefix("pumpd ".into())
            },
            needs_app: false,
        }
    );
    let file = parse(
        "kind = 'file'\npurpose = 'version'\npath = '/opt/x/v.json'\ncomponent = 'X 3'\nversion = 'json:/a/0'",
    );
    assert_eq!(
        file.unwrap().purpose,
        Purpose::Version {
            component: "X 3".into(),
            from: VersionFrom::Json("/a/0".into())
        }
    );
    let lock =
        parse("kind = 'file_lock'\npurpose = 'interlock'\npath = '/run/x'\nneeds_app = true");
    let lock = lock.unwrap();
    assert!(
        lock.needs_app
            && lock.kind
                == Kind::FileLock {
                    path: "/run/x".into()
                }
    );
    let logind =
        "kind = 'logind'\npurpose = 'interlock'\nidle_minutes = 20\nkiosk_users = ['kiosk']";
    assert_eq!(
        parse(logind).unwrap().kind,
        Kind::Logind {
            idle_minutes: 20,
            kiosk_users: vec!["kiosk".into()]
        }
    );
    let handover = parse("kind = 'handover'\npurpose = 'interlock'");
    assert_eq!(handover.unwrap().kind, Kind::Handover);
}

#[test]
fn an_unknown_key_names_the_one_that_was_meant() {
    let found = parse("kind = 'file'\n# a comment\nverison = 'first_line'\n").unwrap_err();
    assert_eq!(
        found.to_string(),
        "line 3: unknown key \"verison\"; did you mean \"version\"?"
    );
    let found = parse("colour = 'blue'").unwrap_err();
    assert_eq!(found.to_string(), "line 1: unknown key \"colour\"");
    assert!(matches!(
        parse("kind = 'file'\n[nested]\na = 1"),
        Err(BadProbe::UnknownKey { line: 2, .. })
    ));
}

#[test]
fn mistakes_are_refused_with_their_reason() {
    let command = "kind = 'command'\npurpose = 'ready'\n";
    let many = format!("{command}argv = ['/x'{}]", ", 'a'".repeat(MAX_ARGUMENTS));
    let users = format!(
        "kind = 'logind'\npurpose = 'interlock'\nkiosk_users = [{}]",
        "'a',".repeat(MAX_KIOSK_USERS + 1)
    );
    for (text, reason) in [
        ("", "a complete probe needs the key \"kind\""),
        ("kind = 'file'\nkind = 'file'", "line 2: duplicate key"),
        (
            "kind = 3",
            "line 1: invalid type: integer `3`, expected a string",
        ),
        ("kind = ", "line 1: "),
        (
            "kind = 'snmp'",
            "kind = \"snmp\" is unknown; one of command, file",
        ),
        (
            "kind = 'handover'",
            "a complete probe needs the key \"purpose\"",
        ),
        (
            "kind = 'handover'\npurpose = 'fun'",
            "purpose = \"fun\" is unknown",
        ),
        (
            "kind = 'handover'\npurpose = 'ready'",
            "a handover probe cannot be for ready",
        ),
        (
            "kind = 'logind'\npurpose = 'version'\nversion = 'first_line'",
            "a logind probe cannot be for version",
        ),
        (
            "kind = 'file'\npath = '/x'\npurpose = 'interlock'",
            "a file probe cannot be for interlock",
        ),
        (
            "kind = 'file'\npurpose = 'ready'",
            "a file probe needs the key \"path\"",
        ),
        (
            "kind = 'file'\npath = 'x'\npurpose = 'ready'",
            "path: the path must be absolute",
        ),
        (
            "kind = 'file'\npath = '/a/../b'\npurpose = 'ready'",
            "path: the path must not contain ..",
        ),
        (
            "kind = 'file'\npath = \"/a\\u0000\"\npurpose = 'ready'",
            "path: the path is longer than 4096 bytes or holds a NUL",
        ),
        (
            "kind = 'file'\npath = '/a'\nargv = ['/b']\npurpose = 'ready'",
            "a file probe has no key \"argv\"",
        ),
        (
            "kind = 'file'\npath = '/a'\npurpose = 'ready'\nversion = 'first_line'",
            "a ready probe has no key \"version\"",
        ),
        (
            "kind = 'file'\npath = '/a'\npurpose = 'ready'\nneeds_app = true",
            "a ready probe has no key \"needs_app\"",
        ),
        (
            "kind = 'file'\npath = '/a'\npurpose = 'version'",
            "a version probe needs the key \"version\"",
        ),
        (
            "kind = 'file'\npath = '/a'\npurpose = 'version'\nversion = 'regex:.*'",
            "version = \"regex:.*\" is unknown",
        ),
        (
            "kind = 'file'\npath = '/a'\npurpose = 'version'\nversion = 'json:a'",
            "version: a JSON pointer starts with /",
        ),
        (
            "kind = 'file'\npath = '/a'\npurpose = 'version'\nversion = 'prefix:'",
            "version: prefix: needs the text",
        ),
        (
            "kind = 'file'\npath = '/a'\npurpose = 'version'\nversion = 'first_line'\ncomponent = ''",
            "component: 1 to 512 bytes",
        ),
        (
            "kind = 'command'\npurpose = 'ready'\nargv = []",
            "argv: names no program",
        ),
        (
            "kind = 'command'\npurpose = 'ready'\nargv = ['sh', '-c']",
            "argv: the path must be absolute",
        ),
        (&many, "argv: more than 32 words"),
        (
            "kind = 'logind'\npurpose = 'interlock'\nidle_minutes = 721",
            "idle_minutes: at most 720",
        ),
        (
            "kind = 'logind'\npurpose = 'interlock'\nidle_minutes = -1",
            "line 3: invalid value",
        ),
        (&users, "kiosk_users: at most 16"),
    ] {
        let found = parse(text).unwrap_err().to_string();
        assert!(found.starts_with(reason), "{text:?} gives {found:?}");
    }
}

#[test]
fn only_the_owner_may_be_able_to_write_a_probe() {
    let good = FileTraits {
        is_regular: true,
        uid: 0,
        mode: 0o100_644,
        size: 100,
    };
    assert_eq!(check_file(good, 0), Ok(()));
    for (file, why) in [
        (
            FileTraits {
                is_regular: false,
                ..good
            },
            BadFile::NotRegular,
        ),
        (
            FileTraits { uid: 1000, ..good },
            BadFile::Owner {
                found: 1000,
                expected: 0,
            },
        ),
        (
            FileTraits {
                mode: 0o100_664,
                ..good
            },
            BadFile::Writable { mode: 0o664 },
        ),
        (
            FileTraits {
                mode: 0o100_602,
                ..good
            },
            BadFile::Writable { mode: 0o602 },
        ),
        (
            FileTraits {
                size: 16_385,
                ..good
            },
            BadFile::TooLarge { found: 16_385 },
        ),
    ] {
        assert_eq!(check_file(file, 0), Err(why));
    }
}

#[test]
fn versions_are_taken_from_answers() {
    let json = VersionFrom::Json("/app/version".into());
    let prefix = VersionFrom::Prefix("Version: ".into());
    for (from, ran, expected) in [
        (
            &VersionFrom::FirstLine,
            exited(0, " 3.1.4 \nmore"),
            Ok("3.1.4"),
        ),
        (
            &VersionFrom::FirstLine,
            exited(0, ""),
            Err("no text on its first line"),
        ),
        (&VersionFrom::FirstLine, exited(0, "\n3"), Err("0 bytes")),
        (
            &VersionFrom::FirstLine,
            exited(0, "1\u{1b}[2J"),
            Err("control characters"),
        ),
        (
            &VersionFrom::FirstLine,
            exited(0, &"9".repeat(513)),
            Err("513 bytes"),
        ),
        (
            &VersionFrom::FirstLine,
            exited(2, "3.1.4"),
            Err("ended with status 2"),
        ),
        (
            &VersionFrom::FirstLine,
            Ran::TimedOut,
            Err("longer than 3000 ms"),
        ),
        (
            &VersionFrom::FirstLine,
            Ran::TooMuchOutput,
            Err("more than 4096 bytes"),
        ),
        (
            &VersionFrom::FirstLine,
            Ran::NotStarted("gone".into()),
            Err("not be started: gone"),
        ),
        (
            &VersionFrom::FirstLine,
            Ran::Exited {
                status: None,
                output: b"1".to_vec(),
                errors: Vec::new(),
            },
            Err("signal"),
        ),
        (
            &VersionFrom::FirstLine,
            Ran::Exited {
                status: Some(0),
                output: vec![0xff],
                errors: Vec::new(),
            },
            Err("no text"),
        ),
        (
            &prefix,
            exited(0, "Name: x\nVersion: 2.0 (r7)\n"),
            Ok("2.0"),
        ),
        (
            &prefix,
            exited(0, "Version: \n"),
            Err("no line that starts with"),
        ),
        (
            &prefix,
            exited(0, "version: 2"),
            Err("no line that starts with"),
        ),
        (&json, exited(0, r#"{"app":{"version":"5.0"}}"#), Ok("5.0")),
        (&json, exited(0, r#"{"app":{"version":7}}"#), Ok("7")),
        (
            &json,
            exited(0, r#"{"app":{"version":7.1}}"#),
            Err("no text at"),
        ),
        (&json, exited(0, r#"{"app":{}}"#), Err("nothing at")),
        (&json, exited(0, r#"{"app"#), Err("is not JSON")),
    ] {
        match (version(from, &ran), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(part)) => assert!(found.contains(part), "{found:?} for {ran:?}"),
            (found, _) => panic!("{ran:?} gives {found:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn only_the_word_idle_is_idle() {
    assert_eq!(interlock(&name(), &exited(0, "idle\n")), Interlock::Idle);
    assert_eq!(
        interlock(&name(), &exited(0, "in_use\n")),
        Interlock::InUse("pump-server".into())
    );
    for ran in [
        exited(0, ""),
        exited(0, "idle?"),
        exited(0, "IDLE"),
        exited(0, "\nidle"),
        exited(1, "idle"),
        Ran::TimedOut,
        Ran::TooMuchOutput,
        Ran::NotStarted("x".into()),
    ] {
        let found = interlock(&name(), &ran);
        assert!(
            matches!(found, Interlock::Unknown(_)),
            "{ran:?} gives {found:?}"
        );
    }
    assert_eq!(is_held(&name(), Ok(false)), Interlock::Idle);
    assert!(matches!(is_held(&name(), Ok(true)), Interlock::InUse(_)));
    assert!(matches!(
        is_held(&name(), Err("x".into())),
        Interlock::Unknown(_)
    ));
}

#[test]
fn readiness_is_the_exit_status() {
    assert_eq!(readiness(&exited(0, "")), Readiness::Ready);
    assert_eq!(readiness(&exited(3, "")), Readiness::NotReady);
    assert!(matches!(readiness(&Ran::TimedOut), Readiness::Unknown(_)));
}
