//! Vendors: their repositories, mirrored and verified.

pub mod artifact;
pub mod mirror;
