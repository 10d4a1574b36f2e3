//! The simulator: a month of a hospital's life from a seed, with everything that goes wrong,
//! and the invariants of the design judged after every step.
//!
//! It drives the product's own decisions: the planner and the plan check, windows and
//! freezes, the go decision, the ends of jobs and plans, the eleven checks, what a machine
//! keeps of its documents, the agent's next step, and the installer's job machine. What
//! surrounds them in the product (files, sockets, SQL, processes) is a model here, with a
//! seeded network, disks and clocks. One thread, virtual time, no other chance than the
//! seed's: a seed replays the same month.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "values of the simulator's own making"
)]

mod agent;
mod authorise;
mod calm;
mod chance;
mod collector;
mod db;
mod drive;
mod fault;
mod fleet;
mod go;
mod hospital;
mod hostile;
mod installer;
mod machine;
mod mutant;
mod mutants;
mod network;
mod people;
mod planning;
mod rollout;
mod story;
mod strike;
mod trace;
mod truth;
mod vendor;
mod world;

pub use fault::{Counts, Fault};
pub use mutant::Mutant;
pub use mutants::{Caught, hunt};
pub use story::{STORIES, Story};
pub use truth::{Invariant, Violation};

use patchward_common::remembered;
use patchward_common::time::DAY_MS;
use world::{Event, World};

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many machines the hospital has.
    pub machines: usize,
    /// How long it is watched, in days; the last 12 are calm.
    pub days: i64,
    /// A rule that is broken on purpose.
    pub mutant: Option<Mutant>,
    /// Whether to keep what happened in words.
    pub trace: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            machines: 50,
            days: 31,
            mutant: None,
            trace: false,
        }
    }
}

/// Days at the end in which nothing goes wrong.
pub(crate) const CALM_DAYS: i64 = 12;

/// What became of a seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Events that were played.
    pub events: u64,
    /// Jobs that started.
    pub starts: u64,
    /// Jobs that were verified.
    pub verified: u64,
    /// How often each fault really happened.
    pub faults: Counts,
    /// What did not hold; the run ends with the first.
    pub violations: Vec<Violation>,
    /// What happened, where it was asked for.
    pub trace: Vec<String>,
}

/// Plays a seed.
pub fn run(seed: u64, settings: &Settings) -> Outcome {
    remembered::begin();
    let mut world = World::new(seed, settings);
    let end = world.began.plus_ms(settings.days * DAY_MS);
    world.after(0, Event::Reconcile);
    world.after(0, Event::Judge);
    for m in 0..settings.machines {
        world.soon(m);
    }
    for day in 0..settings.days {
        world.after(day * DAY_MS, Event::Day(day));
    }
    world.after((settings.days - CALM_DAYS) * DAY_MS, Event::Calm);
    world.run(end);
    if world.truth.violations.is_empty() {
        world.now = end;
        world.everything_is_done();
    }
    remembered::end();
    Outcome {
        seed,
        events: world.events,
        starts: world.truth.starts,
        verified: world.truth.verified,
        faults: world.faults,
        violations: world.truth.violations,
        trace: world.lines,
    }
}
