//! The rules of ARCHITECTURE.md that no compiler holds: who may name whom, what pure
//! code may not name, how long files and functions are, what manifests say, which
//! licences are allowed, which fuzz targets there are, that nothing that proves a job is removed.
//!
//! Sources are read as text without comments, strings and `#[cfg(test)]` items. Every
//! rule has a test of its own that shows it failing on a small wrong text.

mod fuzzing;
mod imports;
mod kept;
mod licences;
mod manifests;
mod sizes;
mod source;
mod windows;
mod words;
