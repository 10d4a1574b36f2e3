//! Seeds of CI: a smaller hospital, every invariant, every fault, every mutant, and the
//! stories that people read.

use patchward_integration_tests::simulate::{
    Counts, Mutant, Outcome, STORIES, Settings, hunt, run,
};
use std::collections::BTreeMap;

/// What CI plays: fewer machines than the month of the figures, as long a month.
const SETTINGS: Settings = Settings {
    machines: 12,
    days: 31,
    mutant: None,
    trace: false,
};
const SEEDS: u64 = 200;

/// Plays the seeds on every core.
fn outcomes() -> Vec<Outcome> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let mut all = std::thread::scope(|scope| {
        let play = |first| {
            move || {
                (first..SEEDS)
                    .step_by(cores as usize)
                    .map(|seed| run(seed, &SETTINGS))
                    .collect::<Vec<_>>()
            }
        };
        let threads: Vec<_> = (0..cores).map(|first| scope.spawn(play(first))).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no seed panics"))
            .collect::<Vec<_>>()
    });
    all.sort_by_key(|outcome| outcome.seed);
    all
}

#[test]
fn no_seed_breaks_an_invariant_and_no_fault_is_missing() {
    let mut faults = Counts::default();
    let mut broken = Vec::new();
    for outcome in outcomes() {
        faults.add(&outcome.faults);
        broken.extend(outcome.violations.first().map(|violation| {
            let (word, at) = (violation.invariant.word(), violation.at);
            format!("seed {}: {word} at {at}: {}", outcome.seed, violation.text)
        }));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let never = faults.never();
    assert!(never.is_empty(), "never: {never:?}");
}

/// The seed and the invariant of each mutant, as the documentation has them.
fn documented() -> BTreeMap<String, (String, u64)> {
    let text = include_str!("../../../docs/simulation.md");
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [word, _, invariant, seed] = cells[..] else {
            return None;
        };
        let word = word.strip_prefix('`')?.strip_suffix('`')?;
        Some((word.to_owned(), (invariant.to_owned(), seed.parse().ok()?)))
    });
    rows.collect()
}

#[test]
fn every_mutant_is_caught_by_the_seed_that_the_documentation_names() {
    let documented = documented();
    let mut wrong = Vec::new();
    for mutant in Mutant::ALL {
        let Some((invariant, seed)) = documented.get(mutant.word()) else {
            wrong.push(format!("{} is not in the table", mutant.word()));
            continue;
        };
        let caught = hunt(*mutant, &SETTINGS, [*seed]);
        if caught.is_none_or(|caught| caught.invariant.word() != invariant) {
            wrong.push(format!("{}: seed {seed} gives {caught:?}", mutant.word()));
        }
    }
    assert!(documented.len() >= 25);
    let all = wrong.join("\n");
    assert!(
        wrong.is_empty(),
        "run `cargo simulate --machines 12 mutants`:\n{all}"
    );
}

#[test]
fn a_seed_replays_the_same_month() {
    let settings = Settings {
        trace: true,
        ..SETTINGS
    };
    let [first, second] = [7, 7].map(|seed| run(seed, &settings));
    assert_eq!(first.trace, second.trace);
    assert!(first.trace.len() > 100);
}

#[test]
fn stories_are_told_as_they_were() {
    for (name, tell) in STORIES {
        insta::assert_snapshot!(*name, tell());
    }
}
