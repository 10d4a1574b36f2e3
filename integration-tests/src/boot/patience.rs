//! Waiting: always for a condition, with a deadline, and never in silence.

use anyhow::bail;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Longest wait for what takes seconds on a machine with nothing else to do.
pub(super) const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks: each runs a program in the machine.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Since when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since(Instant);

impl Since {
    #[expect(clippy::disallowed_methods, reason = "the harness is a driver")]
    pub(super) fn now() -> Self {
        Self(Instant::now())
    }

    pub(super) fn seconds(self) -> f32 {
        self.0.elapsed().as_secs_f32()
    }
}

/// Looks until the condition holds, and says what it waits for and how long that took.
pub(super) fn until(what: &str, holds: impl FnMut() -> bool) -> anyhow::Result<()> {
    within(PATIENCE, what, holds)
}

/// The same with a deadline of one's own.
pub(super) fn within(
    limit: Duration,
    what: &str,
    mut holds: impl FnMut() -> bool,
) -> anyhow::Result<()> {
    print!("          until {what} … ");
    // What hangs is seen while it hangs; a terminal that is gone is no reason to fail.
    let _ = std::io::stdout().flush();
    let since = Since::now();
    while !holds() {
        if since.0.elapsed() > limit {
            println!("in vain");
            bail!("waited {} s in vain until {what}", limit.as_secs());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    println!("{:.1} s", since.seconds());
    Ok(())
}

/// Does something that ends by its own deadline, and says so and how long it took.
pub(super) fn doing<T>(what: &str, deed: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    print!("          {what} … ");
    let _ = std::io::stdout().flush();
    let since = Since::now();
    let done = deed();
    match &done {
        Ok(_) => println!("{:.1} s", since.seconds()),
        Err(_) => println!("failed after {:.1} s", since.seconds()),
    }
    done
}
