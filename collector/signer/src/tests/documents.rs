use super::hospital::{Hospital, NOW, label, machine, name};
use patchward_common::id::JobId;
use patchward_common::plan::AssignmentFile;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::charter::{Charter, TimeReset};
use patchward_common::trust::roster::{KeyKind, Roster};
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Scope, Stop};

#[test]
fn charter_and_roster_say_what_was_written() {
    let hospital = Hospital::new();
    let charter = hospital.signed::<Charter>("charter.cbor");
    let root = charter.peek().unwrap().root;
    let charter = root.verify(&charter).unwrap();
    assert_eq!(charter.expires, NOW.plus_ms(700 * DAY_MS));
    assert_eq!(charter.vendors[0].products, [name("viewer")]);
    let roster = hospital.signed::<Roster>("roster.cbor");
    let roster = roster.verify(&[charter.registrars[0].key]).unwrap();
    assert_eq!(roster.people.len(), 3);
    assert_eq!(roster.people[2].keys[0].kind, KeyKind::Browser);
    assert_eq!(roster.people[0].keys[0].until, roster.expires);
    let shown = hospital.ok(&["show", "roster.cbor"]);
    assert!(
        shown.contains("Ben Oak") && shown.contains("radiology"),
        "{shown}"
    );
    let file = AssignmentFile::from_bytes(&hospital.bytes("assignment.cbor")).unwrap();
    assert_eq!(file.signed.signatures().len(), 2);
    assert_eq!(file.read().unwrap().1[1].name, label("Station 2"));
}

#[test]
fn a_root_has_one_fingerprint_wherever_it_is_read() {
    let hospital = Hospital::new();
    let (one, two) = (hospital.public("root1"), hospital.public("root2"));
    let made = hospital.ok(&[
        "root",
        "new",
        "--public",
        &one,
        "--public",
        &two,
        "--threshold",
        "2",
        "--out",
        "root.cbor",
    ]);
    assert_eq!(hospital.ok(&["root", "fingerprint", "root.cbor"]), made);
    assert_eq!(hospital.ok(&["root", "fingerprint", "charter.cbor"]), made);
    for threshold in ["0", "3"] {
        let (said, _) = hospital.fails(&[
            "root",
            "new",
            "--public",
            &one,
            "--public",
            &two,
            "--threshold",
            threshold,
            "--out",
            "other.cbor",
        ]);
        assert!(said.contains("threshold"), "{said}");
    }
    let (said, _) = hospital.fails(&[
        "root",
        "new",
        "--public",
        &one,
        "--public",
        &one,
        "--threshold",
        "1",
        "--out",
        "other.cbor",
    ]);
    assert!(said.contains("different keys"), "{said}");
    let (said, _) = hospital.fails(&["root", "fingerprint", "roster.cbor"]);
    assert!(
        said.contains("neither a root nor a first charter"),
        "{said}"
    );
}

#[test]
fn a_charter_that_its_root_did_not_sign_has_no_fingerprint() {
    let hospital = Hospital::new();
    hospital.ok(&[
        "charter",
        "--from",
        "charter.toml",
        "--key",
        "root1.pem",
        "--out",
        "half.cbor",
        "--yes",
    ]);
    let (said, _) = hospital.fails(&["root", "fingerprint", "half.cbor"]);
    assert!(said.contains("did not sign"), "{said}");
    hospital.ok(&[
        "cosign",
        "half.cbor",
        "--key",
        "root2.pem",
        "--out",
        "half.cbor",
        "--yes",
    ]);
    hospital.ok(&["root", "fingerprint", "half.cbor"]);
}

#[cfg(unix)]
#[test]
fn a_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let hospital = Hospital::empty();
    let public = hospital.ok(&["key", "new", "--out", "mine.pem"]);
    assert_eq!(public.trim().len(), 64);
    assert_eq!(hospital.public("mine"), public.trim());
    let path = hospital.path("mine.pem");
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let (said, _) = hospital.fails(&["key", "show", "mine.pem"]);
    assert!(said.contains("chmod 600"), "{said}");
    let (said, _) = hospital.fails(&["key", "new", "--out", "mine.pem"]);
    assert!(said.contains("it is there already"), "{said}");
}

#[test]
fn what_is_no_key_is_no_key() {
    let hospital = Hospital::new();
    let good = String::from_utf8(hospital.bytes("anna.pem")).unwrap();
    let long = "x".repeat(10_000);
    for (bad, why) in [
        ("", "no Ed25519 private key"),
        (&good[..good.len() / 2], "no Ed25519 private key"),
        (&good.replace("PRIVATE", "PUBLIC"), "no Ed25519 private key"),
        (&long, "larger than"),
    ] {
        write_private(&hospital, "bad.pem", bad.as_bytes());
        let (said, code) = hospital.fails(&["key", "show", "bad.pem"]);
        assert!(said.contains(why), "{said}");
        assert_eq!(code, 1);
    }
    write_private(&hospital, "bad.pem", &[0xff, 0xfe]);
    assert!(
        hospital
            .fails(&["key", "show", "bad.pem"])
            .0
            .contains("PEM")
    );
    let folder = hospital.path("folder.pem");
    std::fs::create_dir(folder).unwrap();
    assert!(
        hospital
            .fails(&["key", "show", "folder.pem"])
            .0
            .contains("folder")
    );
}

fn write_private(hospital: &Hospital, file: &str, bytes: &[u8]) {
    let path = hospital.path(file);
    std::fs::write(&path, bytes).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn mistakes_in_a_description_are_told_with_their_place() {
    let hospital = Hospital::new();
    let charter = String::from_utf8(hospital.bytes("charter.toml")).unwrap();
    let roster = String::from_utf8(hospital.bytes("roster.toml")).unwrap();
    let assignment = String::from_utf8(hospital.bytes("assignment.toml")).unwrap();
    let key = hospital.public("anna");
    let ben = hospital.public("ben");
    for (command, text, why) in [
        (
            "charter",
            charter.replace("threshold", "treshold"),
            "did you mean \"threshold\"?",
        ),
        (
            "charter",
            charter.replace("threshold = 2", "threshold = 3"),
            "threshold",
        ),
        (
            "charter",
            charter.replace("number = 1", "number = 0"),
            "number 1",
        ),
        (
            "charter",
            charter.replace("days = 700", ""),
            "expires or days",
        ),
        (
            "charter",
            charter.replace("days = 700", "days = 0"),
            "0 days",
        ),
        (
            "charter",
            charter.replace("days = 700", "expires = \"soon\""),
            "\"soon\"",
        ),
        (
            "charter",
            charter.replace("days = 700", "expires = \"2001-01-01T00:00:00Z\""),
            "has passed",
        ),
        ("charter", charter.replace("acme", "ACME"), "line"),
        ("charter", "\u{0}".to_owned(), "line 1"),
        (
            "roster",
            roster.replace("days = 90", "days = 91"),
            "90 days",
        ),
        (
            "roster",
            roster.replace("\"ben\"", "\"anna\""),
            "anna stands there twice",
        ),
        ("roster", roster.replace(&ben, &key), "stands there twice"),
        (
            "roster",
            roster.replace("approver\"", "boss\""),
            "unknown variant",
        ),
        (
            "roster",
            roster.replace(
                "kind = \"file\"",
                "kind = \"file\", until = \"2001-01-01T00:00:00Z\"",
            ),
            "never counts",
        ),
        (
            "assignment",
            assignment.replace(&machine(2).to_string(), &machine(1).to_string()),
            "two leaves",
        ),
        (
            "assignment",
            "number = 1\nmachines = []".to_owned(),
            "0 machines",
        ),
        (
            "assignment",
            assignment.replace("critical", "vital"),
            "unknown variant",
        ),
        (
            "assignment",
            assignment.replace(
                "[\"reading\"]",
                "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]",
            ),
            "9 groups",
        ),
    ] {
        hospital.write("bad.toml", &text);
        let (said, code) = hospital.fails(&[
            command,
            "--from",
            "bad.toml",
            "--key",
            "root1.pem",
            "--out",
            "bad.cbor",
            "--yes",
        ]);
        assert!(said.contains(why), "{command}: {said}");
        assert_eq!(code, 1, "{said}");
        assert!(!hospital.path("bad.cbor").exists());
    }
    std::fs::write(hospital.path("bad.toml"), [0xff, 0xfe]).unwrap();
    let (said, _) = hospital.fails(&[
        "charter",
        "--from",
        "bad.toml",
        "--key",
        "root1.pem",
        "--out",
        "bad.cbor",
    ]);
    assert!(said.contains("UTF-8"), "{said}");
}

#[test]
fn a_key_that_is_no_root_key_signs_no_charter() {
    let hospital = Hospital::new();
    let (said, code) = hospital.fails(&[
        "charter",
        "--from",
        "charter.toml",
        "--key",
        "stranger.pem",
        "--out",
        "c.cbor",
        "--yes",
    ]);
    assert!(said.contains("none of the root keys"), "{said}");
    assert_eq!(code, 3);
}

#[test]
fn a_stop_covers_what_it_names_and_a_lift_names_the_stop() {
    let hospital = Hospital::new();
    let digest = "cd".repeat(32);
    let anna = ["--reason", "Smoke", "--key", "anna.pem", "--yes"];
    for (flags, scope) in [
        (vec!["--all"], Scope::All),
        (vec!["--unit", "icu-3"], Scope::Unit(name("icu-3"))),
        (vec!["--vendor", "acme"], Scope::Vendor(name("acme"))),
        (
            vec!["--plan", &digest],
            Scope::Plan(digest.parse().unwrap()),
        ),
        (
            vec!["--release", &digest],
            Scope::Release(digest.parse().unwrap()),
        ),
    ] {
        let _ = std::fs::remove_file(hospital.path("stop.cbor"));
        hospital.ok(&[&["stop", "--out", "stop.cbor"], &flags[..], &anna[..]].concat());
        let stop = hospital.signed::<Stop>("stop.cbor");
        assert_eq!(stop.peek().unwrap().scope, scope);
    }
    let out = hospital.ok(&[
        &["lift", "--stop", "stop.cbor", "--out", "lift.cbor"],
        &anna[..],
    ]
    .concat());
    assert!(out.contains(&format!("Stop release {digest}")), "{out}");
    let lift = hospital.signed::<Lift>("lift.cbor").peek().unwrap();
    assert_eq!(lift.stop, hospital.signed::<Stop>("stop.cbor").digest());
    let (said, _) = hospital.fails(
        &[
            &["lift", "--stop", "lift.cbor", "--out", "l.cbor"],
            &anna[..],
        ]
        .concat(),
    );
    assert!(said.contains("patchward/stop.1 was expected"), "{said}");
}

#[test]
fn a_downgrade_names_machines_and_versions() {
    let hospital = Hospital::new();
    let (one, two) = (machine(1).to_string(), machine(2).to_string());
    let base = [
        "--product",
        "viewer",
        "--from-version",
        "4.2",
        "--reason",
        "It flickers",
    ];
    let args = [
        &[
            "downgrade",
            "--machine",
            &two,
            "--machine",
            &one,
            "--machine",
            &two,
        ],
        &base[..],
        &[
            "--to-version",
            "4.1",
            "--key",
            "anna.pem",
            "--out",
            "down.cbor",
            "--yes",
        ],
    ]
    .concat();
    let out = hospital.ok(&args);
    assert!(out.contains("go back from 4.2 to 4.1, once"), "{out}");
    hospital.ok(&[
        "cosign",
        "down.cbor",
        "--key",
        "ben.pem",
        "--out",
        "down.cbor",
        "--yes",
    ]);
    let signed = hospital.signed::<Downgrade>("down.cbor");
    assert_eq!(signed.signatures().len(), 2);
    let downgrade = signed.peek().unwrap();
    assert_eq!(downgrade.machines, [machine(1), machine(2)]);
    assert_eq!(downgrade.expires, NOW.plus_ms(7 * DAY_MS));
    for to in ["", "4.2", "4.1\u{1b}[2J"] {
        let args = [
            &["downgrade", "--machine", &two],
            &base[..],
            &[
                "--to-version",
                to,
                "--key",
                "anna.pem",
                "--out",
                "d.cbor",
                "--yes",
            ],
        ]
        .concat();
        hospital.fails(&args);
        assert!(!hospital.path("d.cbor").exists());
    }
}

#[test]
fn a_handover_is_for_one_slot_of_one_job() {
    let hospital = Hospital::new();
    let (one, plan) = (machine(1).to_string(), "cd".repeat(32));
    let base = [
        "handover",
        "--machine",
        &one,
        "--plan",
        &plan,
        "--stand-in",
        "Pump 7 by hand",
        "--key",
        "tess.pem",
        "--out",
        "handover.cbor",
        "--yes",
    ];
    let at = |start: &'static str, end: &'static str| {
        [&base[..], &["--slot-start", start, "--slot-end", end]].concat()
    };
    assert_eq!(NOW.to_string(), "2027-01-15T08:00:00Z");
    hospital.ok(&at("2027-01-16T02:00:00Z", "2027-01-16T03:00:00Z"));
    let handover = hospital.signed::<Handover>("handover.cbor").peek().unwrap();
    assert_eq!(handover.job, JobId::of(plan.parse().unwrap(), machine(1)));
    assert_eq!(handover.stand_in, label("Pump 7 by hand"));
    for (start, end, why) in [
        (
            "2027-01-16T03:00:00Z",
            "2027-01-16T02:00:00Z",
            "after it begins",
        ),
        ("2027-01-14T02:00:00Z", "2027-01-14T03:00:00Z", "ended at"),
        ("tonight", "2027-01-14T03:00:00Z", "\"tonight\""),
    ] {
        let (said, _) = hospital.fails(&at(start, end));
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_time_reset_names_machine_and_time() {
    let hospital = Hospital::new();
    let one = machine(1).to_string();
    hospital.ok(&[
        "time-reset",
        "--machine",
        &one,
        "--to",
        "2026-01-01T00:00:00Z",
        "--key",
        "root1.pem",
        "--key",
        "root2.pem",
        "--out",
        "reset.cbor",
        "--yes",
    ]);
    let signed = hospital.signed::<TimeReset>("reset.cbor");
    let root = hospital
        .signed::<Charter>("charter.cbor")
        .peek()
        .unwrap()
        .root;
    let reset = root.verify(&signed).unwrap();
    assert_eq!(
        (reset.machine, reset.to),
        (machine(1), UtcMs(1_767_225_600_000))
    );
}

#[test]
fn a_document_is_signed_once_per_key_and_only_as_what_it_is() {
    let hospital = Hospital::new();
    let again = |file: &str| {
        hospital
            .fails(&[
                "cosign",
                file,
                "--key",
                "registrar.pem",
                "--out",
                "x.cbor",
                "--yes",
            ])
            .0
    };
    assert!(again("roster.cbor").contains("has signed this roster already"));
    let plan = hospital.plan();
    hospital.write_plan("plan.cbor", &plan);
    assert!(again("plan.cbor").contains("patchward-sign approve"));
    std::fs::write(
        hospital.path("other.cbor"),
        patchward_common::codec::encode(&("other", 1)),
    )
    .unwrap();
    assert!(again("other.cbor").contains("\"other\" is nothing"));
    std::fs::write(hospital.path("other.cbor"), b"garbage").unwrap();
    assert!(again("other.cbor").contains("no file of patchward"));
    let cut = hospital.bytes("roster.cbor");
    std::fs::write(hospital.path("other.cbor"), &cut[..cut.len() - 1]).unwrap();
    assert!(again("other.cbor").contains("ends too early"));
    let mut file = AssignmentFile::from_bytes(&hospital.bytes("assignment.cbor")).unwrap();
    file.leaves.pop();
    std::fs::write(hospital.path("other.cbor"), file.to_bytes()).unwrap();
    assert!(again("other.cbor").contains("not whole"));
}
