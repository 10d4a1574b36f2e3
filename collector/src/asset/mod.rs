//! The hospital's own list of equipment, decided as values: how a file of it is read, what
//! taking it in would change, which machine an asset may be, what a new one must show and
//! what has to be done before one leaves. Commands gather and store.

pub mod baseline;
pub mod drift;
pub mod field;
pub mod import;
pub mod leaving;
pub mod life;
pub mod mapping;
pub mod row;
pub mod subnet;
pub mod suggest;

pub use field::{FIELDS, Field};
