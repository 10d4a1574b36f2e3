//! Who asks for a command over the network: a person who is signed in, or a program.

use crate::account::role::Reach;
use crate::account::{Grant, Rule};
use crate::command::Caller;
use crate::snapshot::Look;

/// Who asks.
pub trait Asks: Sync {
    /// As the collector's functions know them.
    fn caller(&self) -> Caller;

    /// What they may.
    fn grants(&self) -> &[Grant];

    /// Why they may not do what a rule speaks of, wherever it is.
    fn hindrance(&self, _: &Rule) -> Option<String> {
        None
    }

    /// What they must see, where that was found out for a whole page.
    fn looks(&self) -> Option<Look> {
        None
    }

    /// Where they may do what a rule speaks of.
    fn reach(&self, rule: &Rule) -> Reach {
        Reach::of(self.grants(), rule.roles)
    }
}
