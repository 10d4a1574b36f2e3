//! Signatures that this thread has verified. A signature by a key is valid over these bytes
//! or it is not, whenever it is asked; the simulator asks a million times. Nothing is
//! remembered unless the thread says so.

use crate::digest::Digest;
use std::cell::RefCell;
use std::collections::HashSet;

thread_local! {
    static VALID: RefCell<Option<HashSet<Digest>>> = const { RefCell::new(None) };
}

/// Begins anew to remember, on this thread.
pub fn begin() {
    VALID.with_borrow_mut(|valid| *valid = Some(HashSet::new()));
}

/// Remembers nothing any more, on this thread.
pub fn end() {
    VALID.with_borrow_mut(|valid| *valid = None);
}

/// Whether the signature among `parts`, with all that it is verified by, is valid. One that
/// was not is verified each time.
pub(super) fn is_valid(parts: &[&[u8]], verify: impl FnOnce() -> bool) -> bool {
    if VALID.with_borrow(Option::is_none) {
        return verify();
    }
    let digest = Digest::of_parts(parts);
    if VALID.with_borrow(|valid| valid.as_ref().is_some_and(|known| known.contains(&digest))) {
        return true;
    }
    let is_valid = verify();
    if is_valid {
        VALID.with_borrow_mut(|valid| valid.as_mut().map(|known| known.insert(digest)));
    }
    is_valid
}
