//! When work may be done, and a plan for doing it. Pure: values in, values out.
//!
//! [`window`] expands what a person wrote into UTC intervals, [`freeze`] takes time
//! away, [`opening`] says what remains, [`planner`] lays a rollout into it.

pub mod freeze;
pub mod opening;
pub mod planner;
pub mod window;
