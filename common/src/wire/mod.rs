//! What is said between machine and collector, and between agent and installer.
//! `protocol.cddl` beside this file is the schema; a test holds every example to it.

pub mod collector;
pub mod local;
pub mod machine;
pub mod token;
