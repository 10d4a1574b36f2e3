//! Hunting mutants: seed after seed until an invariant catches the broken rule.

use super::{Invariant, Mutant, Settings, run};

/// How a mutant was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caught {
    /// The broken rule.
    pub mutant: Mutant,
    /// The seed.
    pub seed: u64,
    /// The invariant that did not hold.
    pub invariant: Invariant,
}

/// Plays `seeds` with a broken rule until an invariant does not hold.
pub fn hunt(
    mutant: Mutant,
    settings: &Settings,
    seeds: impl IntoIterator<Item = u64>,
) -> Option<Caught> {
    let settings = Settings {
        mutant: Some(mutant),
        ..*settings
    };
    seeds.into_iter().find_map(|seed| {
        let outcome = run(seed, &settings);
        let first = outcome.violations.first()?;
        Some(Caught {
            mutant,
            seed,
            invariant: first.invariant,
        })
    })
}

impl Caught {
    /// Its row in `docs/simulation.md`.
    pub fn row(&self) -> String {
        let (mutant, invariant) = (self.mutant, self.invariant.word());
        let (word, what) = (mutant.word(), mutant.what());
        format!("| `{word}` | {what} | {invariant} | {} |", self.seed)
    }
}
