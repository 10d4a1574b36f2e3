//! Signs of life to systemd. Only the loop gives them, where it gets on, and each says how
//! long the next may take: no timer goes on ticking while the loop hangs.

use sd_notify::NotifyState;
use std::time::Duration;

/// The longest stretch of a turn between two signs: a look with 64 probes of three seconds,
/// or a few requests that are answered at the last moment.
pub(super) const STRETCH: Duration = Duration::from_secs(10 * 60);
/// The longest work: the installer prepares 20 GB from a slow disk, does not believe them, and
/// the agent looks at them again.
pub(super) const WORK: Duration = Duration::from_secs(60 * 60);
/// How much later than it wanted a machine under load wakes up.
const SLACK: Duration = Duration::from_secs(60);

/// The loop is here, and comes to its next sign within so long.
pub(super) fn alive(within: Duration) {
    // Who turned the watchdog off in the unit wants none.
    if sd_notify::watchdog_enabled().is_some() {
        say(&sign(within));
    }
}

/// The same before a wait.
pub(super) fn waits(ms: u64) {
    alive(Duration::from_millis(ms).saturating_add(SLACK));
}

/// Tells systemd. Without it nobody listens.
pub(super) fn say(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}

fn sign(within: Duration) -> [NotifyState<'static>; 2] {
    let micros = u32::try_from(within.as_micros()).unwrap_or(u32::MAX);
    [NotifyState::Watchdog, NotifyState::WatchdogUsec(micros)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_says_when_the_next_comes() {
        let words = |within| sign(within).map(|state| state.to_string()).join(" ");
        let minute = Duration::from_secs(60);
        assert_eq!(words(minute), "WATCHDOG=1 WATCHDOG_USEC=60000000");
        // The longest that systemd can be told: 71 minutes.
        assert!(WORK.as_micros() < u128::from(u32::MAX));
        assert_eq!(words(Duration::MAX), "WATCHDOG=1 WATCHDOG_USEC=4294967295");
    }
}
