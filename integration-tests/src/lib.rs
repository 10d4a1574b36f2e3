//! Patchward.

pub mod fixture;
pub mod machine;
