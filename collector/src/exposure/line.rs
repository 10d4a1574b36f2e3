//! One open match: an advisory, a thing of ours that it is about, and who has it.

use super::priority::Priority;
use crate::item::Owner;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;

/// A vulnerability that is open on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its name.
    pub name: String,
    /// How urgent it is here.
    pub priority: Priority,
}

/// How an open match stands. None of these is "done": what is done is open no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is left as it is for a time: in words, with its end and what protects meanwhile.
    Excepted(String),
    /// Something lowers the risk: the number of the mitigation that is in place.
    Mitigated(u32),
    /// Somebody has to do something.
    Waiting(Owner),
}

impl Standing {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Excepted(words) => words.clone(),
            Self::Mitigated(number) => format!("mitigated(by {number})"),
            Self::Waiting(owner) => format!("waiting({})", owner.word()),
        }
    }
}

/// One open match on one machine or asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The advisory.
    pub advisory: String,
    /// `machine NAME` or `asset TAG`.
    pub holder: String,
    /// The machine that it is, where it is one.
    pub machine: Option<String>,
    /// The asset that it is, where it is one.
    pub asset: Option<String>,
    /// Where it is used.
    pub unit: Option<Name>,
    /// Its model.
    pub model: String,
    /// Who makes the product, in the words of the advisory: whom a fix is expected from.
    pub vendor: String,
    /// What of it is meant: the device, or a piece of software with its version.
    pub thing: String,
    /// Whether a person must say first whether it is affected.
    pub needs_person: bool,
    /// Whether the vendor has a fix.
    pub has_fix: bool,
    /// Since when it is so.
    pub since: UtcMs,
    /// What is open on it, the most urgent first; never empty.
    pub open: Vec<Open>,
    /// The most urgent of them.
    pub priority: Priority,
    /// How it stands.
    pub standing: Standing,
    /// Where its machine as a whole is left as it is for a time (`item except`): until when, and
    /// what protects it. The match stands as it does all the same.
    pub machine_left: Option<String>,
}

impl Line {
    /// Whose move it is, apart from what stands in: who judges, who plans, who makes a fix.
    pub fn owner(needs_person: bool, has_fix: bool) -> Owner {
        match (needs_person, has_fix) {
            (true, _) | (false, true) => Owner::Htm,
            (false, false) => Owner::Vendor,
        }
    }

    /// The value's word.
    pub fn value(&self) -> &'static str {
        match self.needs_person {
            true => "needs_person",
            false => "affected",
        }
    }
}
