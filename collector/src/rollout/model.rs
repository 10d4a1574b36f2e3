//! When a release is halted on a model: two machines of it went wrong. Pure.
//!
//! Each machine quarantines by itself what it rolled back. Two of one model are no
//! accident: the others of that model do not try until HTM has judged.

/// So many machines of one model, and no more of them start.
pub const MOST_OF_A_MODEL: u32 = 2;

/// Whether so many machines of a model, on which a release failed or was rolled back
/// since HTM last judged it, halt the release there.
pub fn is_halted(machines: u32) -> bool {
    machines >= MOST_OF_A_MODEL
}

/// How a release on a model is named where it is halted: `DIGEST/MODEL`.
pub fn subject(sha256: &patchward_common::digest::Digest, model: &str) -> String {
    format!("{sha256}/{model}")
}
