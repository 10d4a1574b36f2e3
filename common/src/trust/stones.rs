//! Stepping stones: versions that must be installed on the way to a later one.

use super::release::{ABSENT, Kind, PackageManager, ReleaseDescription};
use crate::component::Source;
use crate::version::compare;
use std::cmp::Ordering;

/// What stands in the way of a release because of its stepping stones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stone {
    /// This one has to be installed first.
    First(String),
    /// Whether this one was passed cannot be told from the version that is there.
    Unclear(String),
}

/// The first stepping stone of `release` that `installed` has not reached. Where nothing is
/// installed none is needed: its from-versions say whether it may be installed then.
pub fn missing(release: &ReleaseDescription, installed: &str) -> Option<Stone> {
    if installed == ABSENT {
        return None;
    }
    let source = match &release.kind {
        Kind::Packages(set) => match set.manager {
            PackageManager::Deb => Source::Deb,
            PackageManager::Rpm => Source::Rpm,
        },
        Kind::Tree(_) | Kind::Recipe(_) => Source::Tree,
    };
    release.stepping_stones.iter().find_map(|stone| {
        if stone == installed {
            return None;
        }
        match compare(source, installed, stone) {
            Some(Ordering::Less) => Some(Stone::First(stone.clone())),
            Some(Ordering::Equal | Ordering::Greater) => None,
            None => Some(Stone::Unclear(stone.clone())),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(stones: &[&str]) -> ReleaseDescription {
        serde_json::from_value(serde_json::json!({
            "product": "viewer", "version": "4.2", "counter": 42,
            "kind": { "tree": { "name": "viewer" } },
            "artifacts": [], "applies_to": { "architectures": ["all"] },
            "stepping_stones": stones, "reboot": "none",
            "install_minutes": 5, "recovery_minutes": 5,
        }))
        .unwrap()
    }

    #[test]
    fn a_stone_is_passed_or_stands_in_the_way() {
        let release = release(&["3.0", "4.0"]);
        let first = |stone: &str| Some(Stone::First(stone.into()));
        assert_eq!(missing(&release, "2.9"), first("3.0"));
        assert_eq!(missing(&release, "3.0"), first("4.0"));
        assert_eq!(missing(&release, "4.0"), None);
        assert_eq!(missing(&release, "4.1"), None);
        assert_eq!(missing(&release, ABSENT), None);
        let unclear = Some(Stone::Unclear("3.0".into()));
        assert_eq!(missing(&release, "build \u{e9}"), unclear);
    }
}
