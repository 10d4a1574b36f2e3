//! How long installs really took here.

use patchward_common::time::MINUTE_MS;

/// Fewer runs say nothing about the longest.
pub const MIN_RUNS: usize = 5;
/// A percentile of few runs is exceeded now and then: a quarter more, and two minutes.
const MARGIN_PART: i64 = 4;
const MARGIN_MINUTES: i64 = 2;

/// The 95th percentile of `runs_ms` with its margin, in whole minutes above; `None` for
/// fewer than [`MIN_RUNS`].
pub fn longest_minutes(mut runs_ms: Vec<i64>) -> Option<u32> {
    if runs_ms.len() < MIN_RUNS {
        return None;
    }
    runs_ms.sort_unstable();
    // Nearest rank: the least run that 95 of 100 do not exceed.
    let rank = (runs_ms.len() * 95).div_ceil(100);
    let run = (*runs_ms.get(rank.checked_sub(1)?)?).max(0);
    let longest = run.saturating_add(run / MARGIN_PART);
    let minutes = longest.saturating_add(MINUTE_MS - 1) / MINUTE_MS;
    u32::try_from(minutes.saturating_add(MARGIN_MINUTES)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_95th_percentile_has_a_margin() {
        let minutes = |runs: &[i64]| longest_minutes(runs.iter().map(|m| m * MINUTE_MS).collect());
        assert_eq!(minutes(&[10; 4]), None);
        assert_eq!(minutes(&[10; 5]), Some(15), "12.5 minutes and two");
        // Of a hundred runs five may be longer.
        let mut runs = vec![8; 95];
        runs.extend([600; 5]);
        assert_eq!(minutes(&runs), Some(12));
        runs.push(600);
        assert_eq!(minutes(&runs), Some(752));
        assert_eq!(minutes(&[-3; 9]), Some(2), "a clock that was set back");
    }
}
