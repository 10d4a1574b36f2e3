//! What two sets of components differ in.

use patchward_common::component::{Component, Source};
use patchward_common::version::compare;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A component that both sets have, in other versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Where it was found.
    pub source: Source,
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub arch: String,
    /// The versions in the first set; package managers keep several kernels.
    pub from: Vec<String>,
    /// The versions in the second.
    pub to: Vec<String>,
    /// Whether the second is newer (`Less`: the first comes before it) or older; `None`
    /// where nobody can say.
    pub order: Option<Ordering>,
}

/// The differences, by source, name and architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// In the second set only.
    pub added: Vec<Component>,
    /// In the first set only.
    pub removed: Vec<Component>,
    /// In both, in other versions.
    pub changed: Vec<Changed>,
}

impl Changed {
    /// Which way it went, in a word.
    pub fn way(&self) -> &'static str {
        match self.order {
            Some(Ordering::Less) => "newer",
            Some(Ordering::Greater) => "older",
            Some(Ordering::Equal) => "the same, written otherwise",
            None => "cannot be compared",
        }
    }
}

/// What turns the first set into the second.
pub fn diff(first: &[Component], second: &[Component]) -> Difference {
    type Versions<'c> = (Vec<&'c Component>, Vec<&'c Component>);
    let mut by_name: BTreeMap<(Source, &str, &str), Versions<'_>> = BTreeMap::new();
    for one in first {
        let place = by_name.entry((one.source, &one.name, &one.arch));
        place.or_default().0.push(one);
    }
    for one in second {
        let place = by_name.entry((one.source, &one.name, &one.arch));
        place.or_default().1.push(one);
    }
    let mut found = Difference::default();
    for ((source, name, arch), (from, to)) in by_name {
        match (from.is_empty(), to.is_empty()) {
            (true, _) => found.added.extend(to.into_iter().cloned()),
            (_, true) => found.removed.extend(from.into_iter().cloned()),
            _ if from == to => {}
            _ => {
                let versions = |these: &[&Component]| -> Vec<String> {
                    these.iter().map(|one| one.version.clone()).collect()
                };
                let order = match (&from[..], &to[..]) {
                    ([from], [to]) => compare(source, &from.version, &to.version),
                    _ => None,
                };
                found.changed.push(Changed {
                    source,
                    name: name.to_owned(),
                    arch: arch.to_owned(),
                    from: versions(&from),
                    to: versions(&to),
                    order,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, version: &str) -> Component {
        Component {
            source: Source::Deb,
            name: name.into(),
            version: version.into(),
            arch: "amd64".into(),
        }
    }

    #[test]
    fn a_version_that_changed_is_neither_added_nor_removed() {
        let first = [
            component("bash", "5.2-1"),
            component("kernel", "6.1-1"),
            component("kernel", "6.1-2"),
            component("old", "1"),
            component("ssl", "3.0.14-1"),
        ];
        let second = [
            component("bash", "5.2-1"),
            component("kernel", "6.1-2"),
            component("new", "1"),
            component("ssl", "3.0.9-1"),
        ];
        let found = diff(&first, &second);
        assert_eq!(found.added, [component("new", "1")]);
        assert_eq!(found.removed, [component("old", "1")]);
        let changed: Vec<_> = found
            .changed
            .iter()
            .map(|one| (one.name.as_str(), one.way()))
            .collect();
        assert_eq!(
            changed,
            [("kernel", "cannot be compared"), ("ssl", "older")]
        );
        assert_eq!(diff(&second, &second), Difference::default());
    }
}
