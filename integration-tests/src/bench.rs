//! The benchmarks: one module per row of `docs/benchmarks.md`. Each does the work on
//! real processes of the release build, some times over, and says what it found.

pub mod artifacts;
pub mod backup;
pub mod checks;
pub mod crowd;
pub mod download;
pub mod evidence;
pub mod failover;
mod full;
pub mod held;
pub mod idle;
pub mod inventory;
pub mod load;
pub mod matching;
pub mod openings;
pub mod pages;
pub mod peers;
pub mod plan;
pub mod process_costs;
pub mod relay;
pub mod report;
pub mod restart;
pub mod search;
pub mod setting;
pub mod site_relay;
pub mod sizes;
pub mod stops;
pub mod vendors;
pub mod wire;
