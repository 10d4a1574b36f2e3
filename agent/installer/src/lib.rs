//! The small root installer: it verifies, asks the interlock, decides, records, measures
//! and signs. It opens no network socket and trusts no agent.
//!
//! Where to read on: [`authorise`] has the eleven checks in their order, [`drive`] the
//! effects of [`patchward_common::job::phase`]. Kinds, processes and durable files are in
//! [`patchward_steps`], which decides nothing.

pub mod authorise;
pub mod cli;
pub mod clock;
pub mod config;
pub mod drive;
pub mod explain;
pub mod format;
pub mod installer;
pub mod interlock;
pub mod journal;
pub mod measure;
pub mod pin;
pub mod socket;
pub mod stage;
pub mod successor;
pub mod watermark;
