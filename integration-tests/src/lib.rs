//! A hospital in a folder, with real processes: the harness behind tests, demo and
//! benchmarks.

pub mod bad_network;
pub mod bench;
pub mod boot;
pub mod demo;
pub mod filled;
pub mod firewall;
pub mod fixture;
pub mod hospital;
pub mod hostile;
pub mod identity;
pub mod impostor;
pub mod machine;
pub mod moved_clock;
pub mod node;
pub mod package;
pub mod packages;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod promtool;
pub mod proven;
pub mod python;
pub mod receiver;
pub mod simulate;
pub mod vendor;
pub mod visitor;
