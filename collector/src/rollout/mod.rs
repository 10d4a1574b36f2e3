//! Decisions about work that is under way. Pure: values in, values out.

pub mod go;
