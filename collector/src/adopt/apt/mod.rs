//! A distribution's archive: its signed release file (`release_file`), its lists of packages
//! (`package`), their relations (`relation`), and the closed set of updates for one machine
//! (`resolve`).

pub mod package;
pub mod relation;
pub mod release_file;
pub mod resolve;
mod stanza;

pub use package::gunzip;
