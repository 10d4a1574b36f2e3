//! The wire: a real collector endpoint and real agents over QUIC on loopback.

mod agent;
mod artifacts;
mod busy;
mod carry;
mod clocks;
mod consume;
mod devices;
mod driver;
mod enrol;
mod played;
mod refused;
mod relay;
mod requests;
mod scene;
mod session;
mod several;
mod stops;
mod tcp;
mod unused;
mod witness;
mod world;
mod years;
