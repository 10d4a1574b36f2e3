//! Components between two looks, as rows of text: a thousand packages take 35 KB so, and
//! 210 KB with each text in memory of its own. An idle agent needs none of them.

use patchward_common::component::{Component, ComponentSet, Pack as _, Source};
use std::collections::BTreeMap;

/// The components of every source.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<Source, Rows>);

struct Rows {
    text: Box<[u8]>,
    count: usize,
}

impl Kept {
    /// Replaces the components of one source, and says whether they were others.
    pub(super) fn replace(&mut self, source: Source, fresh: &ComponentSet) -> bool {
        let text = fresh.to_plain().into_boxed_slice();
        let count = fresh.len();
        let old = self.0.insert(source, Rows { text, count });
        let old = old.map(|rows| rows.text).unwrap_or_default();
        self.0.get(&source).is_some_and(|rows| rows.text != old)
    }

    /// How many components the other sources have.
    pub(super) fn count_beside(&self, source: Source) -> usize {
        let others = self.0.iter().filter(|(other, _)| **other != source);
        others.map(|(_, rows)| rows.count).sum()
    }

    /// All of them.
    pub(super) fn to_set(&self) -> ComponentSet {
        let read = |rows: &Rows| ComponentSet::from_plain(&rows.text).unwrap_or_default();
        let all = self.0.values().flat_map(|rows| Vec::from(read(rows)));
        ComponentSet::new(all.collect::<Vec<Component>>()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(source: Source, names: &[&str]) -> ComponentSet {
        let component = |name: &&str| Component {
            source,
            name: (*name).to_owned(),
            version: "1".into(),
            arch: String::new(),
        };
        ComponentSet::new(names.iter().map(component).collect()).unwrap()
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut kept = Kept::default();
        assert_eq!(kept.to_set(), ComponentSet::default());
        assert!(!kept.replace(Source::Tree, &ComponentSet::default()));
        assert!(kept.replace(Source::Tree, &set(Source::Tree, &["viewer", "archive"])));
        assert!(!kept.replace(Source::Tree, &set(Source::Tree, &["archive", "viewer"])));
        assert!(kept.replace(Source::Deb, &set(Source::Deb, &["bash"])));
        let names = |kept: &Kept| -> Vec<String> {
            let all = kept.to_set();
            all.iter().map(|component| component.name.clone()).collect()
        };
        assert_eq!(names(&kept), ["bash", "archive", "viewer"]);
        assert_eq!(kept.count_beside(Source::Deb), 2);
        assert_eq!(kept.count_beside(Source::Tree), 1);
        assert!(kept.replace(Source::Tree, &ComponentSet::default()));
        assert_eq!(names(&kept), ["bash"]);
    }
}
