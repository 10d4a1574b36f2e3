//! Components as people ask for them: which versions are meant, what two sets differ in,
//! bills of materials out and in, until when something is supported, and who needs a release.
//! All of it is pure.

pub mod bom;
pub mod cyclonedx;
pub mod diff;
pub mod need;
pub mod query;
pub mod support;
pub mod wanted;
