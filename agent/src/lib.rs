//! Patchward.

pub mod inventory;
pub mod probe;
