//! Exceptions: an advisory is not acted on here, for a time, with what protects meanwhile.

use super::scope::{Scope, covers};
use crate::item::Owner;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;

/// One exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Its number.
    pub number: u32,
    /// The advisory.
    pub advisory: String,
    /// What it is about.
    pub scope: Vec<Scope>,
    /// Until when.
    pub until: UtcMs,
    /// What protects meanwhile.
    pub control: String,
    /// The mitigation that does, where it is one.
    pub mitigation: Option<u32>,
    /// Who answers for it.
    pub owner: String,
    /// Who granted it.
    pub set_by: String,
    /// When.
    pub set_at: UtcMs,
    /// When a person ended it.
    pub ended_at: Option<UtcMs>,
}

impl Granted {
    /// Whether it is about this match, ended or not. What the advisory has said since, of a
    /// fix for example, nobody has made an exception of.
    pub fn is_about(&self, holder: &str, unit: Option<&Name>, since: UtcMs) -> bool {
        since <= self.set_at && covers(&self.scope, holder, unit)
    }

    /// Whether it runs.
    pub fn runs(&self, now: UtcMs) -> bool {
        self.ended_at.is_none() && now < self.until
    }

    /// Whether its end has come, and no person ended it.
    pub fn is_over(&self, now: UtcMs) -> bool {
        self.ended_at.is_none() && self.until <= now
    }

    /// As a state of what it is about.
    pub fn words(&self) -> String {
        format!("exception(until {}, {})", self.until, self.control)
    }

    /// Who is asked when it ends.
    pub fn asked(&self) -> Owner {
        Owner::Security
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_about_what_was_known_when_it_was_granted() {
        let granted = Granted {
            number: 1,
            advisory: "A".into(),
            scope: vec![Scope::Holder("asset a-1".into())],
            until: UtcMs(100),
            control: "its network is closed".into(),
            mitigation: None,
            owner: "security".into(),
            set_by: "person:iris".into(),
            set_at: UtcMs(10),
            ended_at: None,
        };
        assert!(granted.is_about("asset a-1", None, UtcMs(10)));
        assert!(!granted.is_about("asset a-1", None, UtcMs(11)));
        assert!(!granted.is_about("asset a-2", None, UtcMs(10)));
        assert!(granted.runs(UtcMs(99)) && !granted.is_over(UtcMs(99)));
        assert!(!granted.runs(UtcMs(100)) && granted.is_over(UtcMs(100)));
        let ended = Granted {
            ended_at: Some(UtcMs(50)),
            ..granted
        };
        assert!(!ended.runs(UtcMs(60)) && !ended.is_over(UtcMs(200)));
    }
}
