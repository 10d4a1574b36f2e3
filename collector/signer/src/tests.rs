//! Every command against a hospital in a folder.

mod approve;
mod documents;
mod hospital;
