//! The one integration test binary.

mod tuf;
