//! Whose move it is when the collector gave no go.

use super::Owner;
use crate::rollout::go::Not;
use patchward_common::id::JobId;
use patchward_common::time::{MINUTE_MS, UtcMs};

/// After so long without another ask a refusal says nothing of now: a machine asks again
/// every ten minutes.
const COUNTS_MS: i64 = 15 * MINUTE_MS;

/// The last "not now" that a job's machine got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The job.
    pub job: JobId,
    /// When.
    pub at: UtcMs,
    /// Why.
    pub not: Not,
}

impl Refusal {
    /// Whether it still says why a job waits that is in its state since `since`.
    pub fn counts(&self, since: UtcMs, now: UtcMs) -> bool {
        since <= self.at && now.since_ms(self.at) <= COUNTS_MS
    }

    /// In words.
    pub fn text(&self) -> String {
        format!("no go at {}: {}", self.at, self.not)
    }
}

/// Who can end what keeps a job from its go.
pub fn owner(not: &Not) -> Owner {
    match not {
        // Over by itself, at a known time or in a moment.
        Not::Job(_) | Not::Unread | Not::Slot(_) | Not::Frozen { .. } => Owner::Time,
        Not::Held(_) => Owner::Ward,
        // A copy, a feed, a restored database, clocks of collectors; of a group others are not up; another job of the
        // machine takes longer than an install does.
        Not::Restored
        | Not::Clocks(_)
        | Not::Machine(_)
        | Not::Clone
        | Not::Watermark
        | Not::Feed(_)
        | Not::AtWork(_)
        | Not::Group { .. } => Owner::It,
        // What HTM decided or has to decide: mode, plan, stop, halt, wave, window.
        _ => Owner::Htm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::clocks::Wrong;
    use crate::store::plans::PlanState;
    use patchward_common::id::Name;

    #[test]
    fn each_reason_has_the_owner_who_can_end_it() {
        let name = |text| Name::new(text).unwrap();
        let frozen = Not::Frozen {
            until: UtcMs(9),
            reason: "go-live".into(),
        };
        let group = Not::Group {
            group: name("monitors"),
            ready: 1,
            minimum: 2,
        };
        for (not, expected) in [
            (frozen, Owner::Time),
            (Not::Held(UtcMs(9)), Owner::Ward),
            (group, Owner::It),
            (Not::Feed(name("theatre")), Owner::It),
            (Not::Clone, Owner::It),
            (Not::Clocks(Wrong::Apart { seconds: 60 }), Owner::It),
            (Not::Stopped, Owner::Htm),
            (Not::Halted("two failed".into()), Owner::Htm),
            (Not::Plan(PlanState::Stopped), Owner::Htm),
            (Not::Window, Owner::Htm),
            (Not::Mode, Owner::Htm),
        ] {
            assert_eq!(owner(&not), expected, "{not}");
        }
    }

    #[test]
    fn a_refusal_counts_for_the_state_that_it_was_given_in_and_not_for_ever() {
        let refusal = Refusal {
            job: JobId([1; 16]),
            at: UtcMs(100),
            not: Not::Stopped,
        };
        assert!(refusal.counts(UtcMs(100), UtcMs(100 + COUNTS_MS)));
        assert!(!refusal.counts(UtcMs(100), UtcMs(101 + COUNTS_MS)));
        assert!(!refusal.counts(UtcMs(101), UtcMs(102)));
    }
}
