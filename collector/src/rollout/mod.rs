//! Decisions about work that is under way. Pure: values in, values out.

pub mod again;
pub mod ahead;
pub mod clocks;
pub mod forbid;
pub mod go;
pub mod model;
pub mod replan;
pub mod usable;
pub mod wave;
