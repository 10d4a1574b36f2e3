//! Patchward.
