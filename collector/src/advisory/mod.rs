//! Advisories: what is vulnerable, and what of it the hospital has. Values in, values out.
//!
//! A CSAF document ([`csaf`]), an entry of the KEV catalogue ([`kev`]) or a safety notice
//! ([`notice`]) becomes an [`Advisory`]. Each of its products with one statement about it is
//! an [`entry::Entry`]; [`judge`] holds one against one thing of the hospital and answers in
//! three values, each with its reason. [`matcher`] does that for all of them by an index of
//! names. `docs/matching.md` tells it in words.

pub mod check;
pub mod csaf;
mod document;
pub mod entry;
pub mod identity;
pub mod judge;
pub mod kev;
pub mod list;
pub mod matcher;
pub mod name;
pub mod notice;
pub mod reason;
pub mod revision;
pub mod version;

pub use document::{
    Advisory, Form, Helpers, Note, Product, Reference, Relation, Remediation, Remedy, Score,
    Status, VersionText, Vulnerability, severity_rank,
};
pub use reason::{Finding, Reason, Verdict};
