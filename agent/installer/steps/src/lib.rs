//! Carrying out what was decided: durable files, programs under limits, steps that
//! outlive a crash, and the three kinds.
//!
//! Nothing here decides whether something may be done. No signature, key or approver is
//! known here, and no socket: what arrives are plain values that the installer checked.
//! It runs as root all the same.

pub mod clock;
pub mod command;
pub mod disk;
pub mod kind;
pub mod own;
pub mod plan;
pub mod runner;
pub mod shown;
pub mod trusted;
