//! The harness behind tests, demo and benchmarks.

pub mod postgres;
