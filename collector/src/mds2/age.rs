//! Whether answers are older than what is installed: then they are asked for again.

use patchward_common::version::compare_vendor;
use std::cmp::Ordering;

/// What is known of a document and of the machines and devices of its model. Days are
/// `YYYY-MM-DD`, which sort as they follow one another.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The version that the answers are about; empty where nobody said.
    pub version: &'a str,
    /// The day of the document's release.
    pub released_on: Option<&'a str>,
    /// Versions that are installed.
    pub installed: &'a [String],
    /// The day on which an update was last verified on one.
    pub verified_on: Option<&'a str>,
}

/// Why the answers have to be asked for again; `None` where they hold.
pub fn stale(facts: &Facts<'_>) -> Option<String> {
    let installed = facts.installed.iter().filter(|one| !one.is_empty());
    let installed: Vec<&String> = installed.collect();
    if !facts.version.is_empty() && !installed.is_empty() {
        for one in &installed {
            match compare_vendor(one, facts.version) {
                Some(Ordering::Greater) => {
                    return Some(format!(
                        "the answers are about version {}, and {one} is installed; ask the vendor for newer ones",
                        facts.version
                    ));
                }
                Some(_) => {}
                None => {
                    return Some(format!(
                        "the answers are about version {}, and whether {one} is newer cannot be told; look, and take them in again with --software-version",
                        facts.version
                    ));
                }
            }
        }
        return None;
    }
    match (facts.released_on, facts.verified_on) {
        (Some(released), Some(verified)) if released < verified => Some(format!(
            "the answers are of {released}, and an update was verified on {verified}; ask the vendor for newer ones"
        )),
        (Some(_), _) => None,
        (None, _) => Some(
            "whether they are older than what is installed cannot be told; take them in again with --released, or say which version is installed with `asset put --software-version`"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_hold_until_something_newer_is_installed() {
        let told = |version, released_on, installed: &[&str], verified_on| {
            let installed: Vec<String> = installed.iter().map(|&one| one.to_owned()).collect();
            stale(&Facts {
                version,
                released_on,
                installed: &installed,
                verified_on,
            })
        };
        let (early, late) = (Some("2026-03-20"), Some("2026-04-01"));
        assert_eq!(told("4.1", None, &["4.0", "4.1", ""], late), None);
        let newer = told("4.1", early, &["4.0", "4.2"], None).unwrap();
        assert!(newer.contains("4.2 is installed"), "{newer}");
        assert!(told("4.1", early, &["R5"], None).is_some(), "no order");
        assert_eq!(told("", late, &["4.2"], early), None);
        assert_eq!(told("", early, &[], early), None, "on the same day");
        assert!(told("", early, &[], late).is_some());
        assert_eq!(told("4.1", early, &[], None), None);
        assert!(told("", None, &[], None).is_some());
    }
}
