//! What the demo says, step by step, with how long it took.

use std::time::Instant;

/// Says what is done.
pub(super) struct Script {
    step: u32,
    begun: Instant,
}

impl Script {
    pub(super) fn new() -> Self {
        Self {
            step: 0,
            begun: clock(),
        }
    }

    pub(super) fn says(&mut self, text: &str) {
        self.step += 1;
        let seconds = self.begun.elapsed().as_secs_f32();
        println!("\n[{:>2}] {text}  ({seconds:.1} s)", self.step);
    }

    pub(super) fn shows(&self, text: &str) {
        for line in text.lines() {
            println!("     {line}");
        }
    }

    /// Counts from now on: what the compiler took is not what the demo takes.
    pub(super) fn begins_again(&mut self) {
        self.begun = clock();
    }
}

#[expect(clippy::disallowed_methods, reason = "the demo is a driver")]
fn clock() -> Instant {
    Instant::now()
}
