//! When work may be done, and a plan for doing it. Pure: values in, values out.
//!
//! [`window`] expands what a person wrote into UTC intervals, [`freeze`] takes time away,
//! [`ical`] reads such times from calendars, [`opening`] says what remains, [`outlook`]
//! shows it, [`planner`] lays a rollout into it.

pub mod freeze;
pub mod ical;
pub mod opening;
pub mod outlook;
pub mod planner;
pub mod spoken;
pub mod window;
