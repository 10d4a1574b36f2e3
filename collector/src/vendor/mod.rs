//! Vendors: their repositories, mirrored and verified.

pub mod artifact;
pub mod custodian;
pub mod mirror;
pub mod place;
pub mod standing;
pub mod unchanged;
pub mod web;
