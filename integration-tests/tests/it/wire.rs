//! The wire: a real collector endpoint and real agents over QUIC on loopback.

mod agent;
mod carry;
mod enrol;
mod session;
mod world;
