//! The real installer, which kills itself at the n-th durable change of this process:
//! `PATCHWARD_KILL_AT=n`. The supervisors of a job's steps count theirs together, down from
//! the number in the file `kill-step-at` in the installer's folder; the one that comes to 0
//! is killed, and the file is gone.
//!
//! And its disk becomes full: from the n-th write of this process on (`PATCHWARD_FULL_FROM=n`)
//! every one of them fails, for as long as the file `PATCHWARD_FULL_WHILE` is there.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

static CHANGES: AtomicUsize = AtomicUsize::new(0);
static WRITES: AtomicUsize = AtomicUsize::new(0);

fn main() -> anyhow::Result<()> {
    patchward_installer::cli::run(observe)
}

fn observe(point: &'static str) {
    if point == "before write" {
        fill_or_free();
    }
    let mut arguments = std::env::args_os().skip(1);
    let is_step = arguments.next().is_some_and(|command| command == "step");
    let is_due = match arguments.next().filter(|_| is_step) {
        Some(state) => is_due(&Path::new(&state).join("kill-step-at")),
        None => {
            let change = CHANGES.fetch_add(1, Ordering::SeqCst) + 1;
            let at = std::env::var("PATCHWARD_KILL_AT").ok();
            at.and_then(|at| at.parse().ok()) == Some(change)
        }
    };
    if is_due {
        // Nothing after this line runs.
        let own = rustix::process::getpid();
        let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    }
}

/// Counts one change of a supervisor; they run one after another.
fn is_due(order: &Path) -> bool {
    let left = std::fs::read_to_string(order).ok();
    match left.and_then(|left| left.parse::<usize>().ok()) {
        None => false,
        Some(0 | 1) => std::fs::remove_file(order).is_ok(),
        Some(left) => {
            // Where it cannot be written the test sees that nobody was killed.
            let _ = std::fs::write(order, (left - 1).to_string());
            false
        }
    }
}

/// Lets no file grow while the disk is to be full. Whoever starts this program ignores the
/// signal that would end it (XFSZ), so that its writes fail as on a full disk.
fn fill_or_free() {
    let write = WRITES.fetch_add(1, Ordering::SeqCst) + 1;
    let number = |key| std::env::var(key).ok()?.parse::<usize>().ok();
    let Some(from) = number("PATCHWARD_FULL_FROM") else {
        return;
    };
    let full = std::env::var_os("PATCHWARD_FULL_WHILE");
    let is_full = write >= from && full.is_some_and(|file| Path::new(&file).exists());
    let limits = getrlimit(Resource::Fsize);
    let current = if is_full { Some(0) } else { limits.maximum };
    // Where it cannot be set the test sees that nothing waits.
    let _ = setrlimit(Resource::Fsize, Rlimit { current, ..limits });
}
