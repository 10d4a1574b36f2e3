//! What an owned agent may try at the installer's socket and in its own folder.

mod handover;

use patchward_common::codec::{encode, encode_deterministic};
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId};
use patchward_common::job::State;
use patchward_common::time::{HOUR_MS, MINUTE_MS};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::check::Step;
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::trust::stop::{Lift, Scope, Stop};
use patchward_common::wire::local::{
    Answer, Documents, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, Request,
};
use patchward_common::wire::machine::EnrolmentStatement;
use patchward_integration_tests::fixture::{Hospital, job_of, label, name, sign};
use patchward_integration_tests::machine::{Machine, archive, now, until};
use serde_bytes::ByteBuf;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

const PROGRAM: &str = env!("CARGO_BIN_EXE_killable-installer");

struct Setting {
    folder: tempfile::TempDir,
    hospital: Hospital,
    machine: Machine,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hospital = Hospital::new(1, now());
        let mut machine =
            Machine::new(folder.path(), Path::new(PROGRAM), &hospital.token()).unwrap();
        assert!(machine.start(None).unwrap());
        Self {
            folder,
            hospital,
            machine,
        }
    }

    /// An approved viewer, with its documents.
    fn work(&self) -> (JobId, Documents, Vec<u8>) {
        let row = self.hospital.row(self.machine.id);
        self.work_in(self.hospital.leaf(&row))
    }

    /// The same in other slots.
    fn work_in(&self, leaf: PlanLeaf) -> (JobId, Documents, Vec<u8>) {
        let archive = archive(&[("viewer", "1.0")]);
        let row = self.hospital.row(self.machine.id);
        let approval = self
            .hospital
            .approval(vec![self.hospital.release("1.0", 1, &archive)]);
        let files = self.hospital.repository(1, &approval.releases).unwrap();
        self.machine.put_metadata(&name("acme"), &files).unwrap();
        let placed = self
            .hospital
            .approve(&approval, &[leaf], &[&self.hospital.alice]);
        let job = job_of(&placed[0], self.machine.id);
        let documents = self.hospital.documents(&row, placed);
        assert_eq!(self.machine.give(&documents).unwrap(), [""; 0]);
        (job, documents, archive)
    }

    fn prepare(&self, job: JobId) -> Answer {
        self.machine.ask(&Request::Prepare(job)).unwrap()
    }

    fn start(&self, job: JobId) -> Answer {
        let go = self.hospital.go(&self.machine.draw(job).unwrap(), now());
        self.machine.ask(&Request::Start(job, go)).unwrap()
    }

    /// Sends bytes as a request.
    fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = UnixStream::connect(self.machine.path("socket")).unwrap();
        // A peer that refuses the rest of a request has said enough.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        patchward_common::codec::decode(&answer, MAX_ANSWER_BYTES).unwrap()
    }
}

fn is_error(answer: &Answer, says: &str) -> bool {
    matches!(answer, Answer::Error(text) if text.contains(says))
}

fn step(answer: &Answer) -> Option<Step> {
    match answer {
        Answer::Refused(reason) => reason.step,
        _ => None,
    }
}

#[test]
fn malformed_requests_get_an_error_and_silent_peers_hold_nobody() {
    let setting = Setting::new();
    let whole = encode(&Request::Status);
    let deep = vec![0x81; 4_096];
    for bytes in [
        &[][..],
        &[0xff],
        &whole[..whole.len() - 1],
        &deep,
        &[&whole[..], &[0]].concat(),
    ] {
        let answer = setting.raw(bytes);
        assert!(is_error(&answer, "cannot be read"), "{bytes:?}: {answer:?}");
    }
    for (bytes, words) in [
        (encode(&"reboot_now"), "unknown variant `reboot_now`"),
        (encode(&json!({ "erase": 1 })), "unknown variant `erase`"),
        (encode(&json!({ "journal": "1" })), "invalid type"),
        (encode(&json!({ "hold": 1 })), "invalid type"),
        (encode(&7), "not the expected content"),
        (vec![0x61, 0xff], "not UTF-8"),
        (vec![0xa1, 0x61, 0xff, 0x00], "not UTF-8"),
    ] {
        let answer = setting.raw(&bytes);
        assert!(is_error(&answer, "cannot be read"), "{bytes:?}: {answer:?}");
        assert!(is_error(&answer, words), "{bytes:?}: {answer:?}");
    }
    let silent: Vec<UnixStream> = (0..8)
        .map(|_| UnixStream::connect(setting.machine.path("socket")).unwrap())
        .collect();
    assert!(setting.machine.status().is_ok(), "silent peers hold nobody");
    drop(silent);
    let job = JobId([9; 16]);
    assert!(is_error(&setting.prepare(job), "no approval"));
    assert!(is_error(&setting.start(job), "no approval"));
}

#[test]
fn a_request_beyond_the_limit_is_cut_off() {
    let setting = Setting::new();
    let mut stream = UnixStream::connect(setting.machine.path("socket")).unwrap();
    let block = vec![0x41; 1024 * 1024];
    let sent = (0..2 * MAX_REQUEST_BYTES / block.len())
        .take_while(|_| stream.write_all(&block).is_ok())
        .count();
    assert!(
        sent * block.len() < 2 * MAX_REQUEST_BYTES,
        "all of it was read"
    );
    assert!(setting.machine.status().is_ok());
}

#[test]
fn only_a_statement_of_this_machine_and_moment_is_signed() {
    let setting = Setting::new();
    let Answer::Identity(identity) = setting.machine.ask(&Request::Identity).unwrap() else {
        panic!("no identity");
    };
    let good = EnrolmentStatement {
        key: identity.key,
        csr: ByteBuf::from(vec![1, 2, 3]),
        token: Some(setting.hospital.token().secret_digest()),
        fingerprint: Digest([3; 32]),
        boot: BootId([1; 16]),
        at: now(),
    };
    let asked = |bytes: Vec<u8>| {
        setting
            .machine
            .ask(&Request::SignStatement(ByteBuf::from(bytes)))
            .unwrap()
    };
    let Answer::Statement(signed) = asked(encode_deterministic(&good)) else {
        panic!("not signed");
    };
    let signed: Signed<EnrolmentStatement> =
        patchward_common::codec::decode(&signed, 32 * 1024).unwrap();
    assert_eq!(
        signed.verify([&identity.key]).unwrap().into_document(),
        good
    );
    let other_key = PublicKey::of(&setting.hospital.alice);
    let stop = Stop {
        scope: Scope::All,
        reason: label("not a statement"),
        issued: now(),
    };
    for (what, bytes) in [
        (
            "another key",
            encode_deterministic(&EnrolmentStatement {
                key: other_key,
                ..good.clone()
            }),
        ),
        (
            "another boot",
            encode_deterministic(&EnrolmentStatement {
                boot: BootId([2; 16]),
                ..good.clone()
            }),
        ),
        (
            "another hour",
            encode_deterministic(&EnrolmentStatement {
                at: now().plus_ms(-HOUR_MS),
                ..good.clone()
            }),
        ),
        ("another document", encode_deterministic(&stop)),
        ("another encoding", encode(&good)),
        ("nothing", Vec::new()),
    ] {
        assert!(is_error(&asked(bytes), "not signed"), "{what}");
    }
}

#[test]
fn artifacts_that_are_links_longer_or_other_bytes_stay_outside() {
    let setting = Setting::new();
    let (job, _, archive) = setting.work();
    let file = setting
        .folder
        .path()
        .join(format!("agent/artifacts/{}", Digest::of(&archive)));
    assert_eq!(
        step(&setting.prepare(job)),
        Some(Step::Artifacts),
        "missing"
    );
    let mut flipped = archive.clone();
    flipped[600] ^= 1;
    let longer = [&archive[..], b"more"].concat();
    for bytes in [&flipped, &longer] {
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(step(&setting.prepare(job)), Some(Step::Artifacts));
    }
    std::fs::remove_file(&file).unwrap();
    let elsewhere = setting.folder.path().join("elsewhere");
    std::fs::write(&elsewhere, &archive).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    assert!(is_error(&setting.prepare(job), "open"), "a link");
    // Swapped after the check: the installer's own copy counts.
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, &archive).unwrap();
    assert!(matches!(setting.prepare(job), Answer::Prepared));
    std::fs::write(&file, &flipped).unwrap();
    assert!(matches!(setting.start(job), Answer::Started));
    let state = setting.machine.wait_for(job, State::is_final).unwrap();
    assert_eq!(state, State::Verified);
    let installed = setting.machine.path("trees/viewer/current/viewer");
    assert_eq!(std::fs::read_to_string(installed).unwrap(), "1.0");
}

#[test]
fn stops_hold_until_they_are_lifted_and_survive_a_restart() {
    let mut setting = Setting::new();
    let (job, mut documents, archive) = setting.work();
    setting.machine.put_artifact(&archive).unwrap();
    let stop = Stop {
        scope: Scope::Unit(name("icu-3")),
        reason: label("ask me first"),
        issued: now(),
    };
    let signed = sign(&stop, &[&setting.hospital.alice]);
    documents.stops = vec![signed.clone()];
    setting.machine.give(&documents).unwrap();
    setting.machine.start(None).unwrap();
    let refused = setting.prepare(job);
    assert!(matches!(&refused, Answer::Refused(why) if why.text.contains("ask me first")));
    documents.stops.clear();
    setting.machine.give(&documents).unwrap();
    assert_eq!(
        step(&setting.prepare(job)),
        Some(Step::Approval),
        "withheld, not forgotten"
    );
    let lift = Lift {
        stop: signed.digest(),
        reason: label("asked"),
        issued: now(),
    };
    documents.lifts = vec![sign(&lift, &[&setting.hospital.go_key])];
    setting.machine.give(&documents).unwrap();
    assert_eq!(
        step(&setting.prepare(job)),
        Some(Step::Approval),
        "a go-key lifts no approver"
    );
    documents.lifts = vec![sign(&lift, &[&setting.hospital.bob])];
    setting.machine.give(&documents).unwrap();
    assert!(matches!(setting.prepare(job), Answer::Prepared));
}

#[test]
fn older_documents_are_refused_also_after_a_restart() {
    let mut setting = Setting::new();
    let (_, documents, _) = setting.work();
    let mut roster = setting.hospital.roster();
    roster.number = 5;
    let newer = Documents {
        roster: Some(sign(&roster, &[&setting.hospital.registrar])),
        ..documents.clone()
    };
    assert_eq!(setting.machine.give(&newer).unwrap(), [""; 0]);
    assert_eq!(setting.machine.status().unwrap().numbers, (1, 5, 1));
    setting.machine.start(None).unwrap();
    let refused = setting.machine.give(&documents).unwrap();
    assert!(refused[0].contains("number 5 was seen"), "{refused:?}");
    assert_eq!(setting.machine.status().unwrap().numbers, (1, 5, 1));
}

#[test]
fn a_second_installer_leaves_the_first_its_socket() {
    let setting = Setting::new();
    let error = setting.machine.command(&["run"]).unwrap_err().to_string();
    assert!(
        error.contains("another patchward-installer works on"),
        "{error}"
    );
    assert!(setting.machine.status().is_ok());
}

#[test]
fn a_go_raises_the_time_and_an_earlier_clock_starts_nothing() {
    let mut setting = Setting::new();
    let (job, _, archive) = setting.work();
    setting.machine.put_artifact(&archive).unwrap();
    setting
        .machine
        .says("interlock", "interlock", "echo in_use")
        .unwrap();
    let before = setting.machine.status().unwrap().watermark;
    assert_eq!(step(&setting.start(job)), Some(Step::Interlock));
    assert_ne!(
        setting.machine.status().unwrap().watermark,
        before,
        "the time rose"
    );
    let ask = setting.machine.draw(job).unwrap();
    let far = setting.hospital.go(&ask, now().plus_ms(10 * MINUTE_MS));
    let seen = setting.machine.status().unwrap().watermark;
    let answer = setting.machine.ask(&Request::Start(job, far)).unwrap();
    assert_eq!(step(&answer), Some(Step::Time));
    assert_eq!(
        setting.machine.status().unwrap().watermark,
        seen,
        "clocks that differ prove nothing"
    );
    setting.machine.start(None).unwrap();
    assert_eq!(
        setting.machine.status().unwrap().watermark,
        seen,
        "it is durable"
    );
}

#[test]
fn a_log_in_a_file_has_no_escape_codes() {
    let mut setting = Setting::new();
    setting.machine.kill().unwrap();
    std::fs::remove_dir_all(setting.machine.path("state")).unwrap();
    let path = setting.folder.path().join("log");
    let mut child = std::process::Command::new(PROGRAM)
        .args(["run", "--config"])
        .arg(setting.machine.path("installer.toml"))
        .env("RUST_LOG", "error")
        .env_remove("NO_COLOR")
        .stderr(std::fs::File::create(&path).unwrap())
        .spawn()
        .unwrap();
    let log = until("it logs", || {
        let text = std::fs::read_to_string(&path).ok()?;
        text.contains("everything is refused").then_some(text)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let log = log.unwrap();
    assert!(!log.contains('\u{1b}'), "{log:?}");
}
