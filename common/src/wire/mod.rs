//! What is said between machine and collector, and between agent and installer.

pub mod local;
