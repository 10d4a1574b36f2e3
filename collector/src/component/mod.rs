//! Components as people ask for them: which versions are meant, what two sets differ in,
//! bills of materials out and in, and until when something is supported. All of it is pure.

pub mod bom;
pub mod cyclonedx;
pub mod diff;
pub mod query;
pub mod support;
pub mod wanted;
