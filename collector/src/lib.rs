//! The collector: knows the fleet, the vendors' updates, the windows and the plans. It
//! carries documents; it authors none that start work.

pub mod advisory;
pub mod agenda;
pub mod allowed;
pub mod app;
pub mod authority;
pub mod calendar;
pub mod calls;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod control;
pub mod evidence;
pub mod fleet;
pub mod folder;
pub mod forecast;
pub mod halted;
pub mod init;
pub mod item;
pub mod matching;
pub mod nudging;
pub mod planning;
pub mod prospect;
pub mod quarantine;
pub mod reconcile;
pub mod replan;
pub mod rollout;
pub mod schedule;
pub mod serve;
pub mod stopped;
pub mod store;
pub mod vendor;
pub mod waves;
