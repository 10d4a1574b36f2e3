//! The three values, and why.

use super::version::Unclear;

/// Whether something of the hospital meets what an advisory says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It does not, and that is known.
    NotAffected,
    /// Nobody knows until a person has looked.
    NeedsPerson,
    /// It does.
    Affected,
}

impl Verdict {
    /// Its word in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::NotAffected => "not_affected",
            Self::NeedsPerson => "needs_person",
        }
    }

    /// The verdict with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        let all = [Self::Affected, Self::NotAffected, Self::NeedsPerson];
        all.into_iter().find(|verdict| verdict.word() == word)
    }
}

/// Why a verdict is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The version is among the affected ones.
    InRange(String),
    /// The version is outside of the affected ones.
    OutOfRange(String),
    /// The version has the fix.
    Fixed,
    /// The publisher says that it is not affected.
    SaidNotAffected(String),
    /// A person said so.
    Decided(String),
    /// The versions of the advisory are not clear.
    Versions(Unclear),
    /// The hospital's list says no version.
    NoVersion,
    /// The version in the hospital cannot be compared with those of the advisory.
    NotComparable(String),
    /// Single versions are named, and this is none of them.
    NotNamed(String),
    /// Only the first or last affected version is named, and this is another one.
    OneEnd(String),
    /// A distribution's package, which may hold the fix under an older number.
    Backport,
    /// It may be the product, or another one.
    Identity(Doubt),
    /// The publisher is still looking, or does not look.
    NotKnownYet,
    /// The advisory says two things about one product.
    TwoStatements,
    /// The product is named, and nothing is said of it.
    NothingSaid,
    /// Nothing in the list is it.
    NoneOfOurs,
    /// The product counts only on, in or with another.
    Together(String),
}

/// Why it is not certain that a thing is the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The maker's name is spelled almost like the vendor's.
    MakerSpelled(String),
    /// The maker may be a division, a former or a later name of the vendor.
    MakerPerhaps(String),
    /// Nobody recorded who made it.
    NoMaker,
    /// The maker is another, and the product's name is the same.
    OtherMaker(String),
    /// The product's name is spelled almost like it.
    Spelled(String),
    /// One name is a part of the other.
    PartOfName(String),
    /// The advisory names a series or a range of models.
    Series(String),
    /// The advisory names several products in one.
    Several(String),
    /// The advisory sets a condition within the name.
    Condition(String),
    /// The advisory names no product, or one that could be any.
    NoName,
    /// The advisory names no vendor.
    NoVendor,
    /// A package of another or an unknown distribution.
    Distribution(String),
    /// Only a number for ordering, whole or in part, is the same.
    Number(String),
}

impl Doubt {
    /// Its word, by which reasons are counted.
    pub fn word(&self) -> &'static str {
        match self {
            Self::MakerSpelled(_) => "maker_spelled_differently",
            Self::MakerPerhaps(_) => "maker_perhaps_the_same",
            Self::NoMaker => "maker_not_recorded",
            Self::OtherMaker(_) => "same_name_other_maker",
            Self::Spelled(_) => "product_spelled_differently",
            Self::PartOfName(_) => "part_of_the_name",
            Self::Series(_) => "series_of_models",
            Self::Several(_) => "several_products_in_one_name",
            Self::Condition(_) => "condition_in_the_name",
            Self::NoName => "no_product_named",
            Self::NoVendor => "no_vendor_named",
            Self::Distribution(_) => "other_distribution",
            Self::Number(_) => "same_number_only",
        }
    }
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MakerSpelled(vendor) => {
                write!(f, "its maker is spelled almost like the vendor {vendor:?}")
            }
            Self::MakerPerhaps(vendor) => {
                write!(
                    f,
                    "its maker may be a part or another name of the vendor {vendor:?}"
                )
            }
            Self::NoMaker => {
                f.write_str("its name is the product's, and who made it is not recorded")
            }
            Self::OtherMaker(vendor) => {
                write!(
                    f,
                    "its name is the product's, and its maker is not {vendor:?}: was it taken over?"
                )
            }
            Self::Spelled(name) => write!(f, "its name is spelled almost like {name:?}"),
            Self::PartOfName(name) => write!(f, "its name has only a part in common with {name:?}"),
            Self::Series(name) => {
                write!(
                    f,
                    "{name:?} is a series or a range of models: is it one of them?"
                )
            }
            Self::Several(name) => write!(f, "{name:?} names several products in one"),
            Self::Condition(name) => {
                write!(f, "{name:?} holds a condition that a person must look at")
            }
            Self::NoName => {
                f.write_str("the advisory names no product that can be told from others")
            }
            Self::NoVendor => f.write_str("the advisory names no vendor"),
            Self::Distribution(name) => {
                write!(
                    f,
                    "the package is of {name}, and which distribution this machine has is not known to be that"
                )
            }
            Self::Number(number) => write!(f, "only the number {number:?} is the same"),
        }
    }
}

impl Reason {
    /// Its word, by which reasons are counted.
    pub fn word(&self) -> &'static str {
        match self {
            Self::InRange(_) => "version_is_affected",
            Self::OutOfRange(_) => "version_is_outside",
            Self::Fixed => "version_is_fixed",
            Self::SaidNotAffected(_) => "publisher_says_not_affected",
            Self::Decided(_) => "person_decided",
            Self::Versions(unclear) => unclear.word(),
            Self::NoVersion => "version_not_recorded",
            Self::NotComparable(_) => "versions_not_comparable",
            Self::NotNamed(_) => "version_not_named",
            Self::OneEnd(_) => "only_one_end_named",
            Self::Backport => "package_may_hold_the_fix",
            Self::Identity(doubt) => doubt.word(),
            Self::NotKnownYet => "under_investigation",
            Self::TwoStatements => "contradicting_statements",
            Self::NothingSaid => "nothing_said",
            Self::NoneOfOurs => "none_of_ours",
            Self::Together(_) => "only_together_with_another",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InRange(range) => write!(f, "affected are {range}"),
            Self::OutOfRange(range) => write!(f, "affected are only {range}"),
            Self::Fixed => f.write_str("this version has the fix"),
            Self::SaidNotAffected(why) if why.is_empty() => {
                f.write_str("the publisher says that it is not affected")
            }
            Self::SaidNotAffected(why) => {
                write!(f, "the publisher says that it is not affected: {why}")
            }
            Self::Decided(why) => write!(f, "decided by a person: {why}"),
            Self::Versions(unclear) => unclear.fmt(f),
            Self::NoVersion => f.write_str("its version is not recorded: read it from the device"),
            Self::NotComparable(range) => {
                write!(f, "its version cannot be compared with {range}")
            }
            Self::NotNamed(versions) => {
                write!(f, "the advisory names only {versions} and says nothing of others: ask the vendor")
            }
            Self::OneEnd(version) => {
                write!(f, "the advisory names only one end, {version}: ask the vendor")
            }
            Self::Backport => f.write_str(
                "its number is affected, and it is a distribution's package that may hold the fix: look at the distribution's own advisory",
            ),
            Self::Identity(doubt) => doubt.fmt(f),
            Self::NotKnownYet => f.write_str("the publisher does not know yet"),
            Self::TwoStatements => {
                f.write_str("the advisory says that it is affected and that it is not: ask its publisher")
            }
            Self::NothingSaid => f.write_str("the advisory names the product and says nothing of it"),
            Self::NoneOfOurs => f.write_str("nothing in the list is this product"),
            Self::Together(with) => write!(f, "it counts only together with {with}"),
        }
    }
}

/// A verdict with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The value.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
}

impl Finding {
    /// Affected, because.
    pub fn affected(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Affected,
            reason,
        }
    }

    /// Not affected, because.
    pub fn not_affected(reason: Reason) -> Self {
        Self {
            verdict: Verdict::NotAffected,
            reason,
        }
    }

    /// A person must look, because.
    pub fn needs_person(reason: Reason) -> Self {
        Self {
            verdict: Verdict::NeedsPerson,
            reason,
        }
    }
}
