//! `document add`: files that are no document, whose content is wrong, or that have ended.

use crate::commands::desk::{Desk, machine};
use ed25519_dalek::SigningKey;
use patchward_collector::control::FailureKind::{self, Conflict, Input};
use patchward_common::codec::encode_deterministic;
use patchward_common::id::JobId;
use patchward_common::plan::file::to_bytes;
use patchward_common::time::{DAY_MS, HOUR_MS};
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, Signed};
use patchward_common::trust::stop::{Downgrade, Handover, Scope, Stop};
use patchward_integration_tests::fixture::{interval, label, name, sign};

/// One byte more than the largest file of a command.
const TOO_LARGE: u64 = 64 * 1024 * 1024 + 1;

fn stop(desk: &Desk) -> Stop {
    Stop {
        scope: Scope::All,
        reason: label("ask me first"),
        issued: desk.papers.now,
    }
}

/// A stop's file over these bytes.
fn stop_file(payload: Vec<u8>, key: &SigningKey) -> Vec<u8> {
    let mut signed = Signed::<Stop>::unsigned(payload);
    signed.cosign(key);
    to_bytes(Stop::TYPE, &signed)
}

async fn refuses(desk: &Desk, bytes: &[u8], kind: FailureKind, words: &str) {
    let line = format!("document add {}", desk.write(bytes));
    desk.refuses(&line, kind, words).await;
}

#[tokio::test]
async fn files_that_are_no_document() {
    let desk = Desk::with_papers().await;
    let payload = encode_deterministic(&stop(&desk));
    let good = stop_file(payload.clone(), &desk.papers.alice);
    let signed = Signed::<Stop>::unsigned(payload);
    for end in (0..good.len()).step_by(7) {
        refuses(&desk, &good[..end], Input, "is no file of patchward-sign").await;
    }
    for (bytes, words) in [
        (b"PNG".to_vec(), "is no file of patchward-sign"),
        ([&good[..], &[0]].concat(), "more bytes after the end"),
        ([&[0x81; 4_096][..], &[0]].concat(), "nested too deeply"),
        (vec![0x82, 0x61, 0xff, 0x00], "not UTF-8"),
        (
            to_bytes("patchward/stop.2", &signed),
            "a newer file needs a newer collector",
        ),
        (to_bytes("patchward/plan.1", &signed), "is no document"),
        (to_bytes(Roster::TYPE, &7), "is no patchward/roster.1 file"),
        (
            to_bytes(Stop::TYPE, &vec![0; 5_000]),
            "where at most 4096 are allowed",
        ),
    ] {
        refuses(&desk, &bytes, Input, words).await;
    }
    let large = desk.path("large");
    let file = std::fs::File::create(&large).unwrap();
    file.set_len(TOO_LARGE).unwrap();
    let add = |path: &std::path::Path| format!("document add {}", path.display());
    desk.refuses(&add(&large), Input, "larger than 67108864")
        .await;
    let nowhere = desk.path("no/where");
    desk.refuses(&add(&nowhere), Input, "name a file that you can read")
        .await;
    desk.refuses(&add(&desk.path("")), Input, "Is a directory")
        .await;
    let link = desk.path("link");
    for (target, words) in [
        ("link", "symbolic links"),
        ("no/where", "No such file"),
        ("/dev/zero", "larger than 67108864"),
    ] {
        std::os::unix::fs::symlink(target, &link).unwrap();
        desk.refuses(&add(&link), Input, words).await;
        std::fs::remove_file(&link).unwrap();
    }
}

#[tokio::test]
async fn documents_whose_content_is_wrong() {
    let desk = Desk::with_papers().await;
    let alice = &desk.papers.alice;
    let good = encode_deterministic(&stop(&desk));
    let with = |more: &[u8]| [&[good[0] + 1], &good[1..], more].concat();
    let at = good.windows(3).position(|part| part == b"ask").unwrap();
    let mut with_nul = good.clone();
    with_nul[at] = 0;
    for (payload, words) in [
        (with(b"\x67unknown\x00"), "unknown field `unknown`"),
        (with(b"\x66reason\x61x"), "a map key that stands twice"),
        (with(b"\x61a\x00"), "map keys that are not sorted"),
        (good[..good.len() - 1].to_vec(), "the data ends too early"),
        ([&[0x81; 40][..], &[0]].concat(), "nested too deeply"),
        (b"\xa1\x65scope\x61\xff".to_vec(), "not UTF-8"),
        (b"\xa0".to_vec(), "missing field"),
        (with_nul, "control character"),
        (vec![0; 2_100], "where at most 2048 are allowed"),
    ] {
        refuses(&desk, &stop_file(payload, alice), Input, words).await;
    }
    // Right, and signed by nobody who may, or changed afterwards.
    let stranger = SigningKey::from_bytes(&[66; 32]);
    let by_nobody = "None of those who may sign it";
    refuses(
        &desk,
        &stop_file(good.clone(), &stranger),
        Conflict,
        by_nobody,
    )
    .await;
    let mut changed = stop_file(good, alice);
    let at = changed.windows(3).position(|part| part == b"ask").unwrap();
    changed[at] = b'A';
    refuses(&desk, &changed, Conflict, by_nobody).await;
}

/// What allows nothing any more is not shown as if it did.
#[tokio::test]
async fn documents_that_have_ended() {
    let desk = Desk::with_papers().await;
    let (papers, now) = (&desk.papers, desk.papers.now);
    let mut roster = papers.roster();
    roster.number = 2;
    roster.issued = now.plus_ms(-2 * DAY_MS);
    roster.expires = now.plus_ms(-HOUR_MS);
    let roster = to_bytes(Roster::TYPE, &sign(&roster, &[&papers.registrar]));
    let machine = machine(1);
    let downgrade = Downgrade {
        machines: vec![machine],
        product: name("viewer"),
        from: "2".into(),
        to: "1".into(),
        reason: label("r"),
        issued: now.plus_ms(-DAY_MS),
        expires: now.plus_ms(-HOUR_MS),
    };
    let both = [&papers.alice, &papers.bob];
    let downgrade = to_bytes(Downgrade::TYPE, &sign(&downgrade, &both));
    let handover = Handover {
        machine,
        job: JobId([1; 16]),
        slot: interval(now.plus_ms(-DAY_MS), now.plus_ms(-HOUR_MS)),
        stand_in: label("pc-2"),
        issued: now.plus_ms(-DAY_MS),
    };
    let handover = to_bytes(Handover::TYPE, &sign(&handover, &[&papers.alice]));
    for (bytes, what) in [
        (roster, "This roster has ended"),
        (downgrade, "This downgrade has ended"),
        (handover, "This handover has ended"),
    ] {
        refuses(&desk, &bytes, Conflict, what).await;
    }
}
