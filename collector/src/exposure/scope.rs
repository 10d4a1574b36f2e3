//! What a mitigation or an exception is about: some of the machines and assets of an advisory.

use patchward_common::id::Name;

/// One part of a scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Whatever is open of the advisory.
    All,
    /// One machine or asset, as marks name it: `machine NAME` or `asset TAG`.
    Holder(String),
    /// What is used in this unit.
    Unit(Name),
}

impl Scope {
    /// Its kind and what it names: how it is kept.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::All => ("all", ""),
            Self::Holder(name) => ("holder", name),
            Self::Unit(unit) => ("unit", unit.as_str()),
        }
    }

    /// The one with these parts.
    pub fn of_parts(kind: &str, what: &str) -> Option<Self> {
        match kind {
            "all" => Some(Self::All),
            "holder" => Some(Self::Holder(what.to_owned())),
            "unit" => Name::new(what).ok().map(Self::Unit),
            _ => None,
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::All => "all that is open".to_owned(),
            Self::Holder(name) => name.clone(),
            Self::Unit(unit) => format!("unit {unit}"),
        }
    }

    fn has(&self, holder: &str, unit: Option<&Name>) -> bool {
        match self {
            Self::All => true,
            Self::Holder(name) => name == holder,
            Self::Unit(name) => unit == Some(name),
        }
    }
}

/// Whether one of the parts is about a machine or asset.
pub fn covers(scope: &[Scope], holder: &str, unit: Option<&Name>) -> bool {
    scope.iter().any(|part| part.has(holder, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_as_it_was_kept_and_covers_what_it_names() {
        let icu = Name::new("icu-3").unwrap();
        for (part, covered) in [
            (Scope::All, true),
            (Scope::Holder("asset a-1".into()), true),
            (Scope::Holder("machine a-1".into()), false),
            (Scope::Unit(icu.clone()), true),
        ] {
            let (kind, what) = part.parts();
            assert_eq!(Scope::of_parts(kind, what), Some(part.clone()));
            assert_eq!(covers(&[part], "asset a-1", Some(&icu)), covered);
        }
        assert!(!covers(&[Scope::Unit(icu)], "asset a-1", None));
        assert!(!covers(&[], "asset a-1", None));
        assert_eq!(Scope::of_parts("site", "x"), None);
    }
}
