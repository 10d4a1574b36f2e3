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
/// How exactly it is noted when a session was last used.
pub const SEEN_MS: i64 = MINUTE_MS;

/// How long after proving who they are a person may change with what they prove it, without
/// proving it again: long enough to find the key ring.
pub const FRESH_MS: i64 = 10 * MINUTE_MS;
/// Most passkeys of an account: a telephone, a few computers and security keys. More would be
/// passkeys that nobody remembers.
pub const MAX_PASSKEYS: usize = 10;

/// Whether who proved at `proved` who they are need not do so again before they change with
/// what they prove it.
pub fn is_fresh(proved: UtcMs, now: UtcMs) -> bool {
    now < proved.plus_ms(FRESH_MS)
}

/// What is done about a session that somebody uses now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    /// Nothing: that it is used was noted a moment ago.
    None,
    /// It is noted that it is used.
    Note,
    /// Its secret is exchanged.
    Exchange,
}

/// What is due for a session whose secret was made at `made`, and whose use was last noted at
/// `seen`.
pub fn upkeep(made: UtcMs, seen: UtcMs, now: UtcMs) -> Upkeep {
    match () {
        () if now >= made.plus_ms(ROTATE_MS) => Upkeep::Exchange,
        () if now >= seen.plus_ms(SEEN_MS) => Upkeep::Note,
        () => Upkeep::None,
    }
}

/// Whether a session that was last used at `seen` and ends at `ends` still counts.
pub fn is_alive(seen: UtcMs, ends: UtcMs, now: UtcMs) -> bool {
    now < ends && now < seen.plus_ms(IDLE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_fresh_for_a_while() {
        let proved = UtcMs(1_000);
        assert!(is_fresh(proved, proved));
        assert!(is_fresh(proved, proved.plus_ms(FRESH_MS - 1)));
        assert!(!is_fresh(proved, proved.plus_ms(FRESH_MS)));
    }

    #[test]
    fn a_session_ends_after_a_shift_and_where_nobody_uses_it() {
        let seen = UtcMs(1_000);
        let shift = seen.plus_ms(SESSION_MS);
        assert!(is_alive(seen, shift, seen.plus_ms(IDLE_MS - 1)));
        assert!(!is_alive(seen, shift, seen.plus_ms(IDLE_MS)));
        // However busy it was.
        let busy = shift.plus_ms(-1);
        assert!(is_alive(busy, shift, busy));
        assert!(!is_alive(busy, shift, shift));
    }

    #[test]
    fn a_secret_is_exchanged_every_hour_and_its_use_noted_every_minute() {
        let made = UtcMs(1_000);
        let at = |ms: i64| made.plus_ms(ms);
        for (seen_ms, now_ms, due) in [
            (0, SEEN_MS - 1, Upkeep::None),
            (0, SEEN_MS, Upkeep::Note),
            (SEEN_MS, 2 * SEEN_MS - 1, Upkeep::None),
            (SEEN_MS, ROTATE_MS - 1, Upkeep::Note),
            (ROTATE_MS - 1, ROTATE_MS, Upkeep::Exchange),
            (ROTATE_MS, 3 * ROTATE_MS, Upkeep::Exchange),
        ] {
            assert_eq!(upkeep(made, at(seen_ms), at(now_ms)), due, "{now_ms}");
        }
        // A clock that was set back exchanges nothing.
        assert_eq!(upkeep(made, made, UtcMs(0)), Upkeep::None);
    }
}
