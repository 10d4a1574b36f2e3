//! Relations of packages: `a (>= 1) | b, c`.

use patchward_common::component::Source;
use patchward_common::version::compare;
use std::cmp::Ordering;

/// Alternatives, one of which has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group(pub Vec<Relation>);

/// A package by name, in a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The name, without an architecture.
    pub name: String,
    /// Which versions.
    pub version: Option<(Bound, String)>,
}

/// How a version is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `<<`
    Earlier,
    /// `<=`
    AtMost,
    /// `=`
    Exactly,
    /// `>=`
    AtLeast,
    /// `>>`
    Later,
}

/// A text that is no relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRelation;

/// Reads a field of relations.
pub fn groups(text: &str) -> Result<Vec<Group>, NoRelation> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let group = |part: &str| part.split('|').map(relation).collect::<Result<_, _>>();
    parts.map(|part| group(part).map(Group)).collect()
}

fn relation(text: &str) -> Result<Relation, NoRelation> {
    // Restrictions to architectures and build profiles do not stand in binary packages.
    let text = text.trim();
    let (name, rest) = match text.split_once('(') {
        Some((name, rest)) => (name, Some(rest)),
        None => (text, None),
    };
    // `name:any` is satisfied by every architecture that is installed here.
    let name = name.trim().split(':').next().unwrap_or_default();
    if name.is_empty() || name.contains(char::is_whitespace) || name.contains(['[', '<']) {
        return Err(NoRelation);
    }
    let version = match rest {
        None => None,
        Some(rest) => {
            let inside = rest.trim_end().strip_suffix(')').ok_or(NoRelation)?.trim();
            let split = inside.find(|c| !matches!(c, '<' | '>' | '='));
            let (bound, version) = inside.split_at(split.ok_or(NoRelation)?);
            let bound = match bound {
                "<<" => Bound::Earlier,
                "<=" | "<" => Bound::AtMost,
                "=" => Bound::Exactly,
                ">=" | ">" => Bound::AtLeast,
                ">>" => Bound::Later,
                _ => return Err(NoRelation),
            };
            let version = version.trim();
            if version.is_empty() || version.contains(char::is_whitespace) {
                return Err(NoRelation);
            }
            Some((bound, version.to_owned()))
        }
    };
    Ok(Relation {
        name: name.to_owned(),
        version,
    })
}

impl Relation {
    /// Whether a version is one that is meant. What cannot be compared is not.
    pub fn admits(&self, version: &str) -> bool {
        let Some((bound, wanted)) = &self.version else {
            return true;
        };
        let Some(order) = compare(Source::Deb, version, wanted) else {
            return false;
        };
        match bound {
            Bound::Earlier => order == Ordering::Less,
            Bound::AtMost => order != Ordering::Greater,
            Bound::Exactly => order == Ordering::Equal,
            Bound::AtLeast => order != Ordering::Less,
            Bound::Later => order == Ordering::Greater,
        }
    }

    /// Whether a name that a package stands for is meant: with a version only where the
    /// package gives one.
    pub fn admits_provided(&self, version: Option<&str>) -> bool {
        match (&self.version, version) {
            (None, _) => true,
            (Some(_), Some(version)) => self.admits(version),
            (Some(_), None) => false,
        }
    }

    /// As people read it.
    pub fn words(&self) -> String {
        let sign = |bound| match bound {
            Bound::Earlier => "<<",
            Bound::AtMost => "<=",
            Bound::Exactly => "=",
            Bound::AtLeast => ">=",
            Bound::Later => ">>",
        };
        match &self.version {
            None => self.name.clone(),
            Some((bound, version)) => format!("{} ({} {version})", self.name, sign(*bound)),
        }
    }
}

impl Group {
    /// As people read it.
    pub fn words(&self) -> String {
        let each: Vec<String> = self.0.iter().map(Relation::words).collect();
        each.join(" | ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_read_and_hold() {
        let found = groups("libc6:any (>= 2.34), a|b (<< 1:2~), c").unwrap();
        let words: Vec<String> = found.iter().map(Group::words).collect();
        assert_eq!(words, ["libc6 (>= 2.34)", "a | b (<< 1:2~)", "c"]);
        let libc = &found[0].0[0];
        assert!(libc.admits("2.36-9") && libc.admits("2.34") && !libc.admits("2.9"));
        assert!(!libc.admits_provided(None) && libc.admits_provided(Some("2.40")));
        let early = &found[1].0[1];
        assert!(early.admits("1:1") && !early.admits("1:2"));
        for bad in [
            "a (1)",
            "a (>= )",
            "a (>= 1",
            "a b",
            "| a",
            "a (=> 1)",
            "a [amd64]",
        ] {
            assert_eq!(groups(bad), Err(NoRelation), "{bad}");
        }
    }
}
