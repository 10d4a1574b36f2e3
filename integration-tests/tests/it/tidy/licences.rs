//! `deny.toml` allows the licence of every crate that is built here. cargo-deny says the
//! same and more, where it is installed; this runs with the tests.

use super::manifests::cargo;
use super::source::root;
use patchward_common::settings;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What of `deny.toml` is read here.
#[derive(Deserialize)]
struct Deny {
    licenses: Licences,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Licences of one crate alone.
#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

impl Licences {
    fn read(text: &str) -> Self {
        let deny: Deny = settings::parse(text).expect("deny.toml can be read");
        deny.licenses
    }

    /// Whether this expression of SPDX can be satisfied by what is allowed for the crate.
    fn allow(&self, name: &str, expression: &str) -> bool {
        let exceptions = self.exceptions.iter().filter(|one| one.name == name);
        let more = exceptions.flat_map(|one| &one.allow);
        let allowed: Vec<&str> = self.allow.iter().chain(more).map(String::as_str).collect();
        let spaced = ["(", ")", "/"]
            .iter()
            .fold(expression.to_owned(), |text, mark| {
                text.replace(mark, &format!(" {mark} "))
            });
        let mut words = spaced.split_whitespace().peekable();
        let satisfied = either(&mut words, &allowed);
        satisfied && words.next().is_none()
    }
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// `A OR B`, or `A/B` as it was once written.
fn either(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut satisfied = both(words, allowed);
    while words.next_if(|word| matches!(*word, "OR" | "/")).is_some() {
        satisfied |= both(words, allowed);
    }
    satisfied
}

/// `A AND B`, which binds stronger.
fn both(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut satisfied = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        satisfied &= one(words, allowed);
    }
    satisfied
}

/// A licence, perhaps `WITH` an exception, or an expression in brackets.
fn one(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let Some(word) = words.next() else {
        return false;
    };
    if word == "(" {
        let satisfied = either(words, allowed);
        return words.next_if_eq(&")").is_some() && satisfied;
    }
    let mut licence = word.to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        licence = format!("{licence} WITH {}", words.next().unwrap_or_default());
    }
    allowed.contains(&licence.as_str())
}

/// Of every crate of the graph for this computer: name, version, licence. Crates of other
/// platforms need not be on this computer at all.
fn licences() -> Vec<(String, String, String)> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let arguments = ["metadata", "--format-version", "1", "--filter-platform"];
    let text = cargo(&[&arguments[..], &[&platform]].concat());
    let metadata: Value = serde_json::from_str(&text).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    packages
        .iter()
        // Our own are not asked for: `private` in deny.toml.
        .filter(|package| !package["source"].is_null())
        .map(|package| {
            (
                text(&package["name"]),
                text(&package["version"]),
                text(&package["license"]),
            )
        })
        .collect()
}

#[test]
fn every_licence_is_allowed() {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there");
    let allowed = Licences::read(&text);
    let all = licences();
    assert!(all.len() > 100, "only {} crates were found", all.len());
    let refused: Vec<String> = all
        .iter()
        .filter(|(name, _, licence)| !allowed.allow(name, licence))
        .map(|(name, version, licence)| format!("{name} {version}: {licence:?}"))
        .collect();
    assert!(
        refused.is_empty(),
        "not allowed by deny.toml:\n{}",
        refused.join("\n")
    );
    // An exception that nobody needs is taken off.
    let by_name: BTreeMap<&str, &str> = all.iter().map(|(n, _, l)| (&**n, &**l)).collect();
    let general = Licences {
        allow: allowed.allow.clone(),
        exceptions: Vec::new(),
    };
    for exception in &allowed.exceptions {
        let name = exception.name.as_str();
        let licence = by_name.get(name);
        let is_needed = licence.is_some_and(|licence| !general.allow(name, licence));
        assert!(is_needed, "{name} needs no exception in deny.toml any more");
    }
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let allowed = Licences::read(
        "[licenses]\nallow = [\"MIT\", \"ISC\", \"Apache-2.0 WITH LLVM-exception\"]\n\
         exceptions = [{ crate = \"gift\", allow = [\"CC0-1.0\"] }]\n",
    );
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 / MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("MIT AND ISC", true),
        ("MIT OR ISC AND GPL-3.0", true),
        ("(MIT OR ISC) AND GPL-3.0", false),
        ("ISC AND (GPL-3.0 OR MIT)", true),
        ("Apache-2.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("MIT WITH LLVM-exception", false),
        ("CC0-1.0", false),
        ("(MIT", false),
        ("MIT ISC", false),
    ] {
        assert_eq!(allowed.allow("other", expression), expected, "{expression}");
    }
    assert!(allowed.allow("gift", "CC0-1.0"));
}
