//! Whether a long log is whole, for who looks at its page: it is read beside them.

use super::desk::Desk;
use clap::Parser as _;
use patchward_collector::cli::{Action, Cli};
use patchward_collector::command::{self, Caller};
use patchward_collector::store::Actor;
use std::time::Duration;

/// More rows than are read for each look.
const LONG: u64 = 10_001;
/// What is said while nobody knows.
const UNKNOWN: &str = "not known yet";

/// What the page is told of the log.
async fn told(desk: &Desk) -> String {
    let cli = Cli::try_parse_from(["patchward-collector", "audit", "verify"]).unwrap();
    let Action::Ask(command) = cli.action else {
        panic!("it asks a collector");
    };
    let caller = Caller {
        actor: Actor::Local(0),
    };
    let look = command::look_of(&desk.app, &caller).await.unwrap();
    let (progress, _steps) = tokio::sync::mpsc::channel(16);
    let told = command::look(&desk.app, &caller, look, command, progress).await;
    told.unwrap().text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_is_not_called_whole_before_it_was_read() {
    let desk = Desk::open().await;
    let short = told(&desk).await;
    assert!(!short.contains(UNKNOWN), "{short}");
    let mut change = desk.change().await;
    for number in 0..LONG {
        change.note("alarm.test", number, &serde_json::json!({}));
    }
    let head = change.commit().await.unwrap();
    let first = told(&desk).await;
    assert!(first.contains(UNKNOWN), "{first}");
    let known = async {
        loop {
            let said = told(&desk).await;
            if !said.contains(UNKNOWN) {
                return said;
            }
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(60), known).await;
    let read = read.unwrap();
    assert!(read.contains(&head.to_string()), "{read}");
    // What comes afterwards is followed from there.
    let mut change = desk.change().await;
    change.note("alarm.test", LONG, &serde_json::json!({}));
    let after = change.commit().await.unwrap();
    let said = told(&desk).await;
    assert!(said.contains(&after.to_string()), "{said}");
}
