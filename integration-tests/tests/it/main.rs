//! The one integration test binary.
// clippy.toml allows them in test functions; what these call is test code too.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod active_plan;
mod api;
mod attacks;
mod bad_input;
mod browser;
mod commands;
mod demo;
mod doctor;
mod evidence;
mod filled;
mod installer;
mod installer_attacks;
mod installer_demand;
mod installer_kill;
mod installer_packages;
mod installer_papers;
mod installer_socket;
mod inventory_rpm;
mod notice;
mod observed;
mod oidc;
mod packages;
mod peers;
mod released;
mod simulate;
mod store;
mod tidy;
mod tuf;
mod units;
mod wire;
