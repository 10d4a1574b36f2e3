//! Every command against a hospital in a folder.

mod approve;
mod bad_input;
mod documents;
mod evidence;
mod files;
mod hospital;
mod memory;
mod refused;
