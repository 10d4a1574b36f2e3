//! The real installer, which kills itself at the n-th durable change of this process:
//! `PATCHWARD_KILL_AT=n`. The supervisor of a step does so where the file `kill-step-at`
//! in the installer's folder says n, once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

static CHANGES: AtomicUsize = AtomicUsize::new(0);

fn main() -> anyhow::Result<()> {
    patchward_installer::cli::run(observe)
}

fn observe(_point: &'static str) {
    let change = CHANGES.fetch_add(1, Ordering::SeqCst) + 1;
    let mut arguments = std::env::args_os().skip(1);
    let is_step = arguments.next().is_some_and(|command| command == "step");
    let at = match arguments.next().filter(|_| is_step) {
        Some(state) => {
            let order = PathBuf::from(state).join("kill-step-at");
            let at = std::fs::read_to_string(&order)
                .ok()
                .and_then(|at| at.parse().ok());
            // Once: the supervisor that comes after this one lives.
            at.filter(|at| *at == change && std::fs::remove_file(&order).is_ok())
        }
        None => {
            let at = std::env::var("PATCHWARD_KILL_AT").ok();
            at.and_then(|at| at.parse().ok()).filter(|_| !is_step)
        }
    };
    if at == Some(change) {
        // Nothing after this line runs.
        let own = rustix::process::getpid();
        let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    }
}
