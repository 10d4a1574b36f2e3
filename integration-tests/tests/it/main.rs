//! The one integration test binary.

mod installer;
mod tuf;
