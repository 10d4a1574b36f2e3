//! What this thread found out about keys, signatures and encodings. A signature by a key is
//! valid over these bytes or it is not, a key is usable or it is not, and bytes are the one
//! encoding of a document or they are not, whenever it is asked; the simulator asks a
//! million times. Nothing is remembered unless the thread says so.

use crate::digest::Digest;
use crate::trust::sign::{KeyId, PublicKey};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// What was found out.
#[derive(Default)]
struct Memory {
    /// Valid signatures, with all that they are verified by.
    valid: HashSet<Digest>,
    usable: HashSet<PublicKey>,
    /// Bytes that are the one encoding of a type of document.
    encodings: HashSet<Digest>,
    /// The header of a signature by a key, for each type of document.
    headers: HashMap<(&'static str, PublicKey), Header>,
}

/// The bytes before a signature, and the name of the key that makes it.
type Header = (Vec<u8>, KeyId);

thread_local! {
    static MEMORY: RefCell<Option<Memory>> = const { RefCell::new(None) };
}

/// Begins anew to remember, on this thread.
pub fn begin() {
    MEMORY.with_borrow_mut(|memory| *memory = Some(Memory::default()));
}

/// Remembers nothing any more, on this thread.
pub fn end() {
    MEMORY.with_borrow_mut(|memory| *memory = None);
}

fn known<R>(ask: impl FnOnce(&Memory) -> Option<R>) -> Option<R> {
    MEMORY.with_borrow(|memory| memory.as_ref().and_then(ask))
}

fn note(write: impl FnOnce(&mut Memory)) {
    MEMORY.with_borrow_mut(|memory| {
        memory.as_mut().map(write);
    });
}

fn is_on() -> bool {
    MEMORY.with_borrow(Option::is_some)
}

/// Whether the signature among `parts`, with all that it is verified by, is valid. One that
/// was not is verified each time.
pub(crate) fn is_valid(parts: &[&[u8]], verify: impl FnOnce() -> bool) -> bool {
    if !is_on() {
        return verify();
    }
    let digest = Digest::of_parts(parts);
    let found = known(|memory| memory.valid.get(&digest).copied());
    let is_valid = found.is_some() || verify();
    if found.is_none() && is_valid {
        note(|memory| {
            memory.valid.insert(digest);
        });
    }
    is_valid
}

/// A signature that this thread made is valid.
pub(crate) fn made(parts: &[&[u8]]) {
    if is_on() {
        let digest = Digest::of_parts(parts);
        note(|memory| {
            memory.valid.insert(digest);
        });
    }
}

/// Whether a key is usable. One that was not is looked at each time.
pub(crate) fn is_usable(key: &PublicKey, look: impl FnOnce() -> bool) -> bool {
    if known(|memory| memory.usable.get(key).copied()).is_some() {
        return true;
    }
    let is_usable = look();
    if is_usable {
        note(|memory| {
            memory.usable.insert(*key);
        });
    }
    is_usable
}

/// The header of a signature over a document of this type by this key, and the key's name.
pub(crate) fn header(
    document: &'static str,
    key: &PublicKey,
    make: impl FnOnce() -> Header,
) -> Header {
    let of = (document, *key);
    if let Some(header) = known(|memory| memory.headers.get(&of).cloned()) {
        return header;
    }
    let header = make();
    note(|memory| {
        memory.headers.insert(of, header.clone());
    });
    header
}

/// Whether these bytes were found to be the one encoding of a `T`.
pub(crate) fn is_encoding<T>(bytes: &[u8]) -> bool {
    is_on() && {
        let digest = encoding::<T>(bytes);
        known(|memory| memory.encodings.get(&digest).copied()).is_some()
    }
}

/// These bytes are the one encoding of a `T`.
pub(crate) fn encodes<T>(bytes: &[u8]) {
    note(|memory| {
        memory.encodings.insert(encoding::<T>(bytes));
    });
}

fn encoding<T>(bytes: &[u8]) -> Digest {
    Digest::of_parts(&[std::any::type_name::<T>().as_bytes(), bytes])
}
