//! Every command against a hospital in a folder.

mod approve;
mod documents;
mod evidence;
mod files;
mod hospital;
mod memory;
mod refused;
