//! What people at a machine are told, on its desktops and consoles, and their "not now".
//!
//! It reads what the installer shows everybody, and decides nothing: what is due when, and in
//! which words, is in [`patchward_common::notice`]. It needs no right but, for "not now", to
//! belong to the ward's group; what it runs as can neither start nor hide anything.

pub mod cli;
mod clock;
pub mod config;
pub mod consoles;
mod installer;
mod session;
mod shown;
