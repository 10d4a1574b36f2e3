//! The wire: a real collector endpoint and real agents over QUIC on loopback.

mod agent;
mod artifacts;
mod busy;
mod carry;
mod clocks;
mod consume;
mod devices;
pub(crate) mod driver;
mod enrol;
pub(crate) mod played;
mod refused;
mod relay;
mod requests;
pub(crate) mod scene;
mod session;
mod several;
mod stops;
mod tcp;
mod unused;
mod witness;
pub(crate) mod world;
mod years;
