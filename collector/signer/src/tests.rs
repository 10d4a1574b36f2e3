//! Every command against a hospital in a folder.

mod approve;
mod documents;
mod evidence;
mod hospital;
