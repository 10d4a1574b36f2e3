//! The small root installer: it verifies, asks the interlock, decides, records, measures
//! and signs. It opens no network socket and trusts no agent.
//!
//! Where to read on: [`authorise`] has the eleven checks in their order, [`drive`] what
//! carries out the transitions of [`patchward_common::job::phase`].

pub mod authorise;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod disk;
pub mod drive;
pub mod explain;
pub mod installer;
pub mod interlock;
pub mod journal;
pub mod kind;
pub mod measure;
pub mod pin;
pub mod runner;
pub mod socket;
pub mod stage;
pub mod trusted;
pub mod watermark;
