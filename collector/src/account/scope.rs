//! How grave what a program asks for may be.

use super::Weight;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The gravest that a program may ask for, whatever its roles.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// It only asks.
    Ask,
    /// It also changes what can be changed back.
    Change,
    /// It also decides on machines beside patients.
    Decide,
}

/// A word that is no scope.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no scope; the scopes are ask, change and decide")]
pub struct BadScope(String);

impl Scope {
    /// Every scope, from the narrowest on.
    pub const ALL: [Self; 3] = [Self::Ask, Self::Change, Self::Decide];

    /// Whether a command of this weight is within it. What names files of the collector's own
    /// computer is for nobody who is not at it.
    pub fn covers(self, weight: Weight) -> bool {
        match weight {
            Weight::Ask => true,
            Weight::Change => self >= Self::Change,
            Weight::Grave => self >= Self::Decide,
            Weight::Terminal => false,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Change => "change",
            Self::Decide => "decide",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Scope {
    type Err = BadScope;

    fn from_str(text: &str) -> Result<Self, BadScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.word() == text);
        found.ok_or_else(|| BadScope(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_what_is_no_graver() {
        for (scope, most) in Scope::ALL.into_iter().zip(1..) {
            let weights = [Weight::Ask, Weight::Change, Weight::Grave, Weight::Terminal];
            let covered = weights.map(|weight| scope.covers(weight));
            let expected = [0, 1, 2, 3].map(|at| at < most && at < 3);
            assert_eq!(covered, expected, "{scope}");
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert!("all".parse::<Scope>().is_err());
    }
}
