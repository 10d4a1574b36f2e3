//! What every part of Patchward shares: names, times, digests, the signed
//! documents, the wire and the pure decisions about them.
//!
//! This crate performs no input or output, reads no clock and draws no random
//! numbers. Everything that it decides, it decides from its arguments; `now` is
//! always one of them.

pub mod audit;
pub mod bytes;
pub mod codec;
pub mod component;
pub mod device;
pub mod digest;
pub mod doctor;
pub mod evidence;
pub mod facts;
pub mod id;
pub mod job;
pub mod nearest;
pub mod percent;
pub mod plan;
pub mod probe;
#[cfg(feature = "remember-signatures")]
pub mod remembered;
pub mod settings;
pub mod time;
pub mod trust;
pub mod version;
pub mod wire;
pub mod words;
