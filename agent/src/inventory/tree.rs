//! Trees: what the installer put into its folder of trees, by each tree's `current`.

use patchward_common::component::{Component, Source};
use patchward_common::id::Name;
use std::path::Path;

/// Most trees that are looked at; a machine has a handful of products.
const MAX_TREES: usize = 256;

/// The trees below `folder`, each with the version that `current` points to. What has no
/// name of ours, or no `current`, is not a tree.
pub fn read_trees(folder: &Path) -> Vec<Component> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let trees = entries.flatten().take(MAX_TREES).filter_map(|entry| {
        let name = Name::new(entry.file_name().into_string().ok()?).ok()?;
        let target = std::fs::read_link(entry.path().join("current")).ok()?;
        Some(Component {
            source: Source::Tree,
            name: name.to_string(),
            version: target.file_name()?.to_str()?.to_owned(),
            arch: String::new(),
        })
    });
    trees.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_tree_is_named_by_its_folder_and_current_version() {
        let folder = tempfile::tempdir().unwrap();
        for tree in ["viewer", "half", "Bad Name"] {
            std::fs::create_dir(folder.path().join(tree)).unwrap();
        }
        symlink("4.2.1", folder.path().join("viewer/current")).unwrap();
        symlink("1", folder.path().join("Bad Name/current")).unwrap();
        let trees = read_trees(folder.path());
        assert_eq!(trees.len(), 1);
        assert_eq!(
            (trees[0].name.as_str(), trees[0].version.as_str()),
            ("viewer", "4.2.1")
        );
        assert!(read_trees(Path::new("/nowhere")).is_empty());
    }
}
