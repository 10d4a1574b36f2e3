//! `plan sign`: files that are no plan, plans that were changed, and who signed them.

use crate::commands::desk::Desk;
use ed25519_dalek::SigningKey;
use patchward_collector::control::FailureKind::{self, Conflict, Input, NotFound};
use patchward_common::plan::file::to_bytes;
use patchward_common::plan::{PLAN_FORMAT, PlanFile};
use patchward_common::trust::sign::Document as _;
use patchward_common::trust::stop::Stop;

/// One byte more than the largest file of a command.
const TOO_LARGE: u64 = 64 * 1024 * 1024 + 1;

/// A desk with a draft, and the draft's file as it was exported.
async fn with_plan() -> (Desk, PlanFile) {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    for (name, seconds) in [("tonight", 0), ("tomorrow", 24 * 3_600)] {
        let once = format!("window once {name} --unit icu-3 --in-seconds {seconds} --minutes 600");
        desk.ask(&once).await;
    }
    let plan = desk
        .plan("Viewer", "--release viewer=2 --machine pc-1")
        .await;
    let file = desk.exported(&plan).await;
    (desk, file)
}

async fn refuses(desk: &Desk, bytes: &[u8], kind: FailureKind, words: &str) {
    let line = format!("plan sign {}", desk.write(bytes));
    desk.refuses(&line, kind, words).await;
}

fn replaced(file: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = file.windows(old.len()).position(|part| part == old);
    let at = at.expect("it is in the file");
    [&file[..at], new, &file[at + old.len()..]].concat()
}

#[tokio::test]
async fn files_that_are_no_plan() {
    let (desk, mut plan) = with_plan().await;
    plan.plan.signed.cosign(&desk.papers.alice);
    let good = plan.to_bytes();
    for end in (0..good.len()).step_by(good.len() / 40) {
        refuses(&desk, &good[..end], Input, "it is no patchward/plan-file.1").await;
    }
    // The content stands behind the format's name: a map of two.
    let map = 2 + PLAN_FORMAT.len();
    assert_eq!(good[map], 0xa2);
    let with = |more: &[u8]| [&good[..map], &[0xa3], &good[map + 1..], more].concat();
    for (bytes, words) in [
        (b"PNG".to_vec(), "it is no patchward/plan-file.1"),
        ([&good[..], &[0]].concat(), "more bytes after the end"),
        ([&[0x81; 4_096][..], &[0]].concat(), "nested too deeply"),
        (vec![0x82, 0x61, 0xff, 0x00], "not UTF-8"),
        (
            to_bytes("patchward/plan-file.2", &7),
            "a newer file needs a newer program",
        ),
        (to_bytes(Stop::TYPE, &7), "patchward/stop.1"),
        (to_bytes(PLAN_FORMAT, &7), "not the expected content"),
        (with(b"\x67unknown\x00"), "unknown field `unknown`"),
        (with(b"\x64plan\x00"), "duplicate field `plan`"),
    ] {
        refuses(&desk, &bytes, Input, words).await;
    }
    let large = desk.path("large");
    let file = std::fs::File::create(&large).unwrap();
    file.set_len(TOO_LARGE).unwrap();
    let sign = |path: &std::path::Path| format!("plan sign {}", path.display());
    desk.refuses(&sign(&large), Input, "larger than 67108864")
        .await;
    let nowhere = desk.path("no/where");
    desk.refuses(&sign(&nowhere), Input, "name a file that you can read")
        .await;
    desk.refuses(&sign(&desk.path("")), Input, "Is a directory")
        .await;
    let link = desk.path("link");
    for (target, words) in [("link", "symbolic links"), ("no/where", "No such file")] {
        std::os::unix::fs::symlink(target, &link).unwrap();
        desk.refuses(&sign(&link), Input, words).await;
        std::fs::remove_file(&link).unwrap();
    }
    // Nothing of all this is in the way of the right file.
    let right = desk.write(&good);
    let said = desk.ask(&format!("plan sign {right}")).await.text();
    assert!(said.contains("signed by enough"), "{said}");
}

/// Right files over something else than was made here, or by nobody who may.
#[tokio::test]
async fn plans_that_were_changed_or_signed_by_nobody() {
    let (desk, plan) = with_plan().await;
    let good = plan.to_bytes();
    let not_made = "was not made here";
    for changed in [b"viewer".map(|byte| byte ^ 0x20), *b"vie\0er"] {
        let bytes = replaced(&good, b"viewer", &changed);
        refuses(&desk, &bytes, NotFound, not_made).await;
    }
    let by_nobody = "carries no signature of anybody in the roster";
    refuses(&desk, &good, Conflict, by_nobody).await;
    let mut by_a_stranger = plan;
    let stranger = SigningKey::from_bytes(&[66; 32]);
    by_a_stranger.plan.signed.cosign(&stranger);
    refuses(&desk, &by_a_stranger.to_bytes(), Conflict, by_nobody).await;
}
