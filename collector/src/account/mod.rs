//! People who use the page: their roles, and who may ask the collector for what.
//!
//! An account is not a signature. What starts work is signed by keys of the roster, which no
//! account of this collector can change; an account decides who may look, ask and stop.

pub mod access;
pub mod lockout;
pub mod role;
pub mod scope;
pub mod subject;
pub mod vouched;

pub use access::{Rule, Weight, rule};
pub use role::{Grant, Role};
pub use scope::Scope;
pub use subject::{Subject, subject};
pub use vouched::SubjectId;

use patchward_common::time::{HOUR_MS, MINUTE_MS, UtcMs};

/// How long a one-time link is good: until the next shift.
pub const LINK_MS: i64 = 24 * HOUR_MS;
/// How long a person stays signed in after proving who they are: a long shift.
pub const SESSION_MS: i64 = 13 * HOUR_MS;
/// How long a browser may be left alone before it is asked again.
pub const IDLE_MS: i64 = 45 * MINUTE_MS;
/// How old a session's secret gets before it is exchanged.
pub const ROTATE_MS: i64 = HOUR_MS;

/// Whether a session that was last used at `seen` and ends at `ends` still counts.
pub fn is_alive(seen: UtcMs, ends: UtcMs, now: UtcMs) -> bool {
    now < ends && now < seen.plus_ms(IDLE_MS)
}
