//! Who needs a release: what a machine has of its product, held against it as a plan does.

use super::wanted::silent_epoch;
use patchward_common::component::{Component, Source};
use patchward_common::plan::is_release;
use patchward_common::trust::release::{Kind, PackageManager, ReleaseDescription};
use patchward_common::trust::stones::{self, Stone};
use patchward_common::version::compare;
use std::cmp::Ordering;

/// How what a machine has stands to a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is this release, or a later one.
    Not,
    /// It is an earlier one, and can go to this release.
    Needs,
    /// It is an earlier one, and has to go to another before.
    Before(String),
    /// It is an earlier one, and its vendor does not say how it gets here.
    NoWay,
    /// Nobody can say which of the two is earlier.
    Unclear,
    /// It is an earlier one, on a model for which its vendor has not validated the release.
    NotValidated,
}

impl Need {
    /// In words, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Not => "it has it".to_owned(),
            Self::Needs => "can be planned".to_owned(),
            Self::Before(stone) => format!("needs {stone} first"),
            Self::NoWay => "not from the version that it has".to_owned(),
            Self::Unclear => "its version cannot be compared".to_owned(),
            Self::NotValidated => "its vendor has to validate it for this model".to_owned(),
        }
    }

    /// Whether the machine needs the release for certain.
    pub fn is_certain(&self) -> bool {
        matches!(self, Self::Needs | Self::Before(_) | Self::NoWay)
    }

    /// Whether a machine needs it, in a word that lists are filtered by.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Needs | Self::Before(_) | Self::NoWay => "yes",
            Self::Unclear => "unclear",
            Self::NotValidated => "not validated",
            Self::Not => "no",
        }
    }
}

/// How `found` stands to a release of its product.
pub fn need(release: &ReleaseDescription, found: &Component) -> Need {
    let has = &found.version;
    if !is_its_source(release, found.source) {
        return Need::Unclear;
    }
    if is_release(release, has) {
        return Need::Not;
    }
    let from = &release.applies_to.from;
    // Its vendor knows better than any order.
    if from.contains(has) {
        return past_stones(release, has);
    }
    let goal = goal(release);
    if silent_epoch(found.source, has, goal).is_some() {
        return Need::Unclear;
    }
    match compare(found.source, has, goal) {
        Some(Ordering::Equal | Ordering::Greater) => Need::Not,
        None => Need::Unclear,
        Some(Ordering::Less) => match past_stones(release, has) {
            Need::Needs if !from.is_empty() => Need::NoWay,
            need => need,
        },
    }
}

/// Whether a release is what this source finds: versions of one package manager say nothing of
/// another's.
pub fn is_its_source(release: &ReleaseDescription, source: Source) -> bool {
    match &release.kind {
        Kind::Packages(set) => match set.manager {
            PackageManager::Deb => source == Source::Deb,
            PackageManager::Rpm => source == Source::Rpm,
        },
        Kind::Tree(_) => source == Source::Tree,
        Kind::Recipe(_) => source == Source::Probe,
    }
}

/// What lies on the way from an earlier version.
fn past_stones(release: &ReleaseDescription, has: &str) -> Need {
    match stones::missing(release, has) {
        Some(Stone::First(stone)) => Need::Before(stone),
        Some(Stone::Unclear(_)) => Need::Unclear,
        None => Need::Needs,
    }
}

/// The version that an inventory shows afterwards: a set of packages is known by its first.
fn goal(release: &ReleaseDescription) -> &str {
    let first = match &release.kind {
        Kind::Packages(set) => set.packages.first().map(|first| first.version.as_str()),
        Kind::Tree(_) | Kind::Recipe(_) => None,
    };
    first.unwrap_or(&release.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str, from: &[&str], stones: &[&str]) -> ReleaseDescription {
        serde_json::from_value(serde_json::json!({
            "product": "viewer", "version": version, "counter": 42,
            "kind": { "tree": { "name": "viewer" } },
            "artifacts": [],
            "applies_to": { "architectures": ["all"], "from": from },
            "stepping_stones": stones, "reboot": "none",
            "install_minutes": 5, "recovery_minutes": 5,
        }))
        .unwrap()
    }

    fn of(release: &ReleaseDescription, version: &str) -> Need {
        let found = Component {
            source: Source::Tree,
            name: "viewer".to_owned(),
            version: version.to_owned(),
            arch: String::new(),
        };
        need(release, &found)
    }

    #[test]
    fn an_earlier_version_needs_it_and_a_later_one_does_not() {
        let any = release("4.2.1", &[], &[]);
        assert_eq!(of(&any, "4.2.0"), Need::Needs);
        assert_eq!(of(&any, "4.2.1"), Need::Not);
        assert_eq!(of(&any, "4.10.0"), Need::Not, "not by letters");
        assert_eq!(of(&any, "build \u{e9}"), Need::Unclear);
        assert!(!Need::Unclear.is_certain() && !Need::Not.is_certain());
    }

    #[test]
    fn what_lies_on_the_way_is_said() {
        let stones = release("4.2.1", &[], &["4.0.0"]);
        assert_eq!(of(&stones, "3.0.0"), Need::Before("4.0.0".to_owned()));
        assert_eq!(of(&stones, "4.1.0"), Need::Needs);
        let from = release("4.2.1", &["4.2.0", "build \u{e9}"], &[]);
        assert_eq!(of(&from, "4.2.0"), Need::Needs);
        assert_eq!(of(&from, "4.1.0"), Need::NoWay);
        assert_eq!(of(&from, "build \u{e9}"), Need::Needs);
        assert!(of(&from, "4.1.0").is_certain());
    }

    #[test]
    fn what_a_vendor_names_goes_before_any_order() {
        let renumbered = release("5.0", &["2019.3"], &[]);
        assert_eq!(of(&renumbered, "2019.3"), Need::Needs, "as a plan has it");
        assert_eq!(of(&renumbered, "2019.4"), Need::Unclear, "no order says so");
        assert_eq!(of(&renumbered, "5.0"), Need::Not);
        let stones = release("5.0", &["3.0"], &["4.0"]);
        assert_eq!(of(&stones, "3.0"), Need::Before("4.0".to_owned()));
    }

    fn set(manager: &str, version: &str) -> ReleaseDescription {
        let mut set = release("2026-11", &[], &[]);
        set.kind = serde_json::from_value(serde_json::json!({ "packages": {
            "manager": manager,
            "packages": [{ "name": "viewer", "version": version, "artifact": "ab".repeat(32) }],
        } }))
        .unwrap();
        set
    }

    fn found(source: Source, version: &str) -> Component {
        Component {
            source,
            name: "viewer".to_owned(),
            version: version.to_owned(),
            arch: "amd64".to_owned(),
        }
    }

    #[test]
    fn packages_are_compared_by_the_first_of_the_set() {
        let set = set("deb", "1:2.0-1");
        let need = |version: &str| need(&set, &found(Source::Deb, version));
        assert_eq!(need("1:1.9-1"), Need::Needs);
        assert_eq!(need("1:2.0-1"), Need::Not);
        assert_eq!(need("9.0-1"), Need::Needs, "an epoch counts");
    }

    #[test]
    fn an_epoch_that_the_set_does_not_say_makes_it_unclear() {
        let mut set = set("rpm", "2.0-3");
        let unclear = found(Source::Rpm, "1:2.0-1");
        assert_eq!(need(&set, &unclear), Need::Unclear);
        assert_eq!(need(&set, &found(Source::Rpm, "2.0-1")), Need::Needs);
        set.applies_to.from = vec!["1:2.0-1".to_owned()];
        assert_eq!(need(&set, &unclear), Need::Needs, "its vendor says it");
    }

    #[test]
    fn what_another_source_finds_is_no_version_of_a_package() {
        let set = set("deb", "2.0-1");
        for source in [Source::Rpm, Source::Probe, Source::Tree] {
            for version in ["1.0", "2.0-1", "9.0"] {
                assert_eq!(need(&set, &found(source, version)), Need::Unclear);
            }
        }
    }
}
