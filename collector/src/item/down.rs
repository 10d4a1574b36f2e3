//! Why a machine counts as down by a job, and since when.

use patchward_common::job::State;
use patchward_common::time::UtcMs;

/// A machine counts as down in its coverage groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// Since when.
    pub since: UtcMs,
    /// Why, in words.
    pub because: String,
}

/// Whether a job makes its machine count as down: by work that has begun, or by a go whose
/// end was not reported. `state_since` is when the job came into `state`, `go_since` when
/// that go was issued.
pub fn down(state: &State, state_since: UtcMs, go_since: Option<UtcMs>) -> Option<Down> {
    match (state.is_open(), go_since) {
        (true, go) => Some(Down {
            since: go.map_or(state_since, |go| go.min(state_since)),
            because: format!(
                "its job is {} since {state_since} and was not measured",
                state.word()
            ),
        }),
        (false, Some(since)) => Some(Down {
            since,
            because: "it was given a go whose end it has not reported".to_owned(),
        }),
        (false, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::job::Reason;

    #[test]
    fn a_machine_is_down_by_open_work_and_by_a_go_that_is_out() {
        let freed = State::Freed(Reason::new("seen"));
        let since = |state: &State, go| down(state, UtcMs(5), go).map(|down| down.since);
        assert_eq!(since(&State::Installing, None), Some(UtcMs(5)));
        assert_eq!(since(&State::Installing, Some(UtcMs(3))), Some(UtcMs(3)));
        assert_eq!(since(&State::Assigned, Some(UtcMs(7))), Some(UtcMs(7)));
        assert_eq!(since(&State::Assigned, None), None);
        assert_eq!(since(&freed, None), None);
        assert_eq!(since(&State::Verified, None), None);
        let open = down(&State::Measuring, UtcMs(5), None).map(|down| down.because);
        assert!(open.is_some_and(|why| why.contains("measuring")));
    }
}
