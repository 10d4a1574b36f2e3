//! What released versions wrote, today's code reads: messages, files, and databases.
//!
//! `fixtures/VERSION/` holds, for every released version and for the one in the making,
//! - `wire.txt`: each message and file as bytes and as what it says,
//! - `store.sql`: a SQLite database as text, and `store.txt`, what stands in it,
//! - `migrations.txt`: the digest of every migration of both engines,
//! - of 0.1.0, `rows.sql`: rows of every table that `store.sql` leaves empty.
//!
//! For a new version, and while one is in the making after a change of the schema:
//! `PATCHWARD_WRITE_FIXTURES=1 cargo test -p patchward-integration-tests --test it released`
//! writes the folder of the version in Cargo.toml, and of no other. Bytes of a released
//! version never change; where a new field makes `wire.txt` say more of them, its text is
//! changed by hand and reviewed. What it wrote and nobody kept is added as its code wrote it: to
//! 0.1.0 `rows.sql`, and the last two examples of `wire.txt`.

mod examples;
mod installer;
mod messages;
mod old_agent;
mod old_collector;
mod rows;
mod store;

use examples::{NOW, World};
use patchward_common::codec::{decode, decode_deterministic, encode, encode_deterministic};
use patchward_common::component::PackedComponents;
use patchward_common::digest::Digest;
use patchward_common::evidence::Pack;
use patchward_common::facts::PackedFacts;
use patchward_common::job::JobEvent;
use patchward_common::plan::{AssignmentFile, PlanFile};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf};
use patchward_common::trust::charter::{Charter, TimeReset};
use patchward_common::trust::go::Go;
use patchward_common::trust::release::ReleaseDescription;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::Signed;
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Stop};
use patchward_common::trust::watermark::{MAX_WATERMARK_BYTES, Watermark};
use patchward_common::wire::{collector, local, machine, token::EnrolmentToken};
use patchward_installer::drive::Record;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::{Debug, Write as _};
use std::path::{Path, PathBuf};

/// The version in the making.
const CURRENT: &str = env!("CARGO_PKG_VERSION");

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Whether the fixtures of [`CURRENT`] are to be written, not only read.
fn writes() -> bool {
    std::env::var_os("PATCHWARD_WRITE_FIXTURES").is_some()
}

/// The folder of every version. Where asked, that of [`CURRENT`] is there afterwards.
fn versions() -> Vec<PathBuf> {
    if writes() {
        std::fs::create_dir_all(fixtures().join(CURRENT)).unwrap();
    }
    let entries = std::fs::read_dir(fixtures()).unwrap();
    let folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(
        folders.contains(&fixtures().join(CURRENT)),
        "no fixtures of {CURRENT}"
    );
    folders
}

/// The text of a fixture; where asked, that of [`CURRENT`] is written first.
fn text(folder: &Path, file: &str, today: impl FnOnce() -> String) -> String {
    let path = folder.join(file);
    if writes() && folder.ends_with(CURRENT) {
        std::fs::write(&path, today()).unwrap();
    }
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Reads bytes as what `kind` names and writes them again; gives back what they say.
///
/// # Panics
/// Where they cannot be read, or are written otherwise.
fn said(kind: &str, bytes: &[u8]) -> String {
    fn message<T: Serialize + DeserializeOwned + Debug>(bytes: &[u8], limit: usize) -> String {
        let value: T = decode(bytes, limit).unwrap();
        assert_eq!(hex(&encode(&value)), hex(bytes), "{value:?}");
        format!("{value:?}")
    }
    fn document<T: Serialize + DeserializeOwned + Debug>(bytes: &[u8]) -> String {
        let value: T = decode_deterministic(bytes, MAX_WATERMARK_BYTES).unwrap();
        assert_eq!(hex(&encode_deterministic(&value)), hex(bytes), "{value:?}");
        format!("{value:?}")
    }
    let said = match kind {
        "request" => message::<machine::Request>(bytes, machine::MAX_REQUEST_BYTES),
        "answer" => message::<machine::Answer>(bytes, machine::MAX_ANSWER_BYTES),
        "nudge" => message::<collector::Nudge>(bytes, collector::MAX_NUDGE_BYTES),
        "held" => message::<collector::Held>(bytes, collector::MAX_HELD_BYTES),
        "local request" => message::<local::Request>(bytes, local::MAX_REQUEST_BYTES),
        "local answer" => message::<local::Answer>(bytes, local::MAX_ANSWER_BYTES),
        "charter" => document::<Charter>(bytes),
        "roster" => document::<Roster>(bytes),
        "approval" => document::<Approval>(bytes),
        "plan leaf" => document::<PlanLeaf>(bytes),
        "assignment" => document::<Assignment>(bytes),
        "assignment leaf" => document::<AssignmentLeaf>(bytes),
        "release" => document::<ReleaseDescription>(bytes),
        "go" => document::<Go>(bytes),
        "stop" => document::<Stop>(bytes),
        "lift" => document::<Lift>(bytes),
        "downgrade" => document::<Downgrade>(bytes),
        "handover" => document::<Handover>(bytes),
        "time reset" => document::<TimeReset>(bytes),
        "event" => document::<JobEvent>(bytes),
        "enrolment" => document::<machine::EnrolmentStatement>(bytes),
        "watermark" => document::<Watermark>(bytes),
        "start record" => message::<Record>(bytes, usize::MAX),
        "signed" => message::<Signed<Stop>>(bytes, usize::MAX),
        "set" => {
            let packed = PackedComponents::from_bytes(bytes.to_vec());
            format!("{:?}", packed.unpack().unwrap())
        }
        "facts" => {
            let packed = PackedFacts::from_bytes(bytes.to_vec());
            format!("{:?}", packed.unpack().unwrap())
        }
        "token" => {
            let text = std::str::from_utf8(bytes).unwrap();
            let token = EnrolmentToken::from_text(text).unwrap();
            assert_eq!(token.to_text(), text);
            format!("{token:?} {}", token.secret_digest())
        }
        "plan file" => {
            let file = PlanFile::from_bytes(bytes).unwrap();
            assert_eq!(file.to_bytes(), bytes);
            let approval = file.plan.read().unwrap();
            let findings = patchward_common::plan::check::check(&file, NOW);
            format!("{approval:?} {:?} {findings:?}", file.context)
        }
        "assignment file" => {
            let file = AssignmentFile::from_bytes(bytes).unwrap();
            assert_eq!(file.to_bytes(), bytes);
            format!("{:?}", file.read().unwrap())
        }
        "evidence" => {
            let pack = Pack::from_bytes(bytes).unwrap();
            assert_eq!(pack.to_bytes(), bytes);
            let root = pack.chain.root.fingerprint();
            let report = patchward_common::evidence::verify(&pack, root);
            // The report says it of every pack since 0.2.0; no pack holds it.
            let content = format!("content: {:?}, ", report.content);
            format!("{report:?}").replacen(&content, "", 1)
        }
        other => panic!("{other:?} is no kind of fixture"),
    };
    // Of these 0.2.0 says more than was said before; absent, they are no bytes.
    let said = LATER
        .iter()
        .fold(said, |said, later| said.replace(later, ""));
    without_numbers(&said)
}

/// What says that nothing is said of site relays.
const LATER: [&str; 2] = [", only_digest: false, sha256: None", ", relay: None"];

/// Lists of bytes, which nobody reads, by their length and digest.
fn without_numbers(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        short.push_str(before);
        let (list, left) = after.split_once(']').unwrap_or((after, ""));
        let bytes: Result<Vec<u8>, _> = list.split(", ").map(str::parse).collect();
        match bytes {
            Ok(bytes) => {
                let digest = Digest::of(&bytes).to_string();
                write!(short, "[{} bytes {}]", bytes.len(), &digest[..8]).unwrap();
                rest = left;
            }
            Err(_) => {
                short.push('[');
                rest = after;
            }
        }
    }
    short + rest
}

/// The fixture's text of today's examples.
fn written() -> String {
    let examples = World::new().examples().into_iter();
    let sections = examples.map(|(kind, what, bytes)| {
        format!(
            "== {kind}: {what}\n{}\n{}\n",
            hex(&bytes),
            said(kind, &bytes)
        )
    });
    sections.collect::<Vec<_>>().join("\n")
}

fn unhex(text: &str) -> Vec<u8> {
    let mut bytes = vec![0; text.len() / 2];
    patchward_common::bytes::decode_hex(text, &mut bytes).unwrap();
    bytes
}

/// The bytes of an example of a released version, by its title.
pub(crate) fn bytes_of(version: &str, title: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(fixtures().join(version).join("wire.txt")).unwrap();
    let mut sections = text.split("== ").skip(1).map(str::lines);
    let bytes = sections.find_map(|mut lines| (lines.next()? == title).then(|| lines.next())?);
    unhex(bytes.unwrap_or_else(|| panic!("{version} has no {title:?}")))
}

#[test]
fn messages_and_files_of_every_version_are_read() {
    for folder in versions() {
        let text = text(&folder, "wire.txt", written);
        let mut read = 0;
        for section in text.split("== ").skip(1) {
            let lines: Vec<&str> = section.lines().collect();
            let [title, bytes, says, ..] = lines[..] else {
                panic!("{folder:?}: {section}");
            };
            let (kind, _) = title.split_once(": ").unwrap();
            assert_eq!(said(kind, &unhex(bytes)), says, "{folder:?}: {title}");
            read += 1;
        }
        assert!(read >= 60, "only {read} examples in {folder:?}");
    }
}

/// A migration that was released is not edited: whoever has run it would be refused.
#[test]
fn migrations_of_every_version_are_unchanged() {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector/migrations");
    let digests = || {
        let mut lines = Vec::new();
        for engine in ["postgres", "sqlite"] {
            for entry in std::fs::read_dir(migrations.join(engine)).unwrap() {
                let path = entry.unwrap().path();
                let file = path.file_name().unwrap().to_str().unwrap();
                let digest = Digest::of(&std::fs::read(&path).unwrap());
                lines.push(format!("{digest}  {engine}/{file}\n"));
            }
        }
        lines.sort_by_key(|line| line.split("  ").last().map(str::to_owned));
        lines.concat()
    };
    let today = digests();
    for folder in versions() {
        for line in text(&folder, "migrations.txt", digests).lines() {
            let known = today.lines().any(|one| one == line);
            assert!(
                known,
                "{line} of {folder:?} was changed: add a migration instead; while {CURRENT} is \
                 not released, write its fixtures again as the head of this file says"
            );
        }
    }
}

#[test]
fn lists_of_bytes_are_told_by_their_digest() {
    assert_eq!(
        without_numbers("A([1, 2], [B([255])])"),
        "A([2 bytes a12871fe], [B([1 bytes a8100ae6])])"
    );
    assert_eq!(without_numbers("[] [300, 1] x"), "[] [300, 1] x");
}
