//! Threads that read what nobody waits for. On a file they have connections of their own: a thread of
//! SQLite's that goes through the whole hospital for a second would else be the one that somebody's
//! page waits for.

use std::cell::Cell;

thread_local! {
    static IS_BEHIND: Cell<bool> = const { Cell::new(false) };
}

/// From now on nobody waits for what this thread reads.
pub fn reads_behind() {
    IS_BEHIND.set(true);
}

/// Whether nobody waits for what this thread reads.
pub(super) fn is_behind() -> bool {
    IS_BEHIND.get()
}
