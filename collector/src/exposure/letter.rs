//! A letter to a vendor, drafted from the facts. What goes out names the vendor's products and
//! how many of them there are; it names no machine, no place and nobody of the hospital.

use super::case::{Step, StepKind};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use patchward_common::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

/// What stands in a text in the place of a name of ours.
const OURS: &str = "(one of ours)";

/// A vulnerability, as the letter tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// What is known of it: exploitation and severity in words.
    pub words: String,
}

/// An advisory, as the letter tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// Its vulnerabilities that are open here.
    pub vulnerabilities: BTreeSet<Named>,
    /// Whether a fix is named for all of what we have.
    pub has_fix: bool,
}

/// What a letter is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The case.
    pub number: u32,
    /// The vendor.
    pub vendor: String,
    /// The contact there.
    pub contact: Option<String>,
    /// Today.
    pub now: UtcMs,
    /// What it is about: an advisory's id, or a model.
    pub about: String,
    /// How many we have of which product and version.
    pub products: BTreeMap<String, usize>,
    /// How many of them a person has still to judge.
    pub unjudged: usize,
    /// The advisories.
    pub advisories: Vec<Told>,
    /// The case's steps, in their order.
    pub steps: Vec<Step>,
    /// Names of ours that must not go out: machines, assets, units, people.
    pub ours: BTreeSet<String>,
}

/// The day of an instant, as `2026-02-01`.
pub fn day(at: UtcMs) -> String {
    match Timestamp::from_millisecond(at.0) {
        Ok(at) => at.to_zoned(TimeZone::UTC).date().to_string(),
        Err(_) => at.to_string(),
    }
}

/// The text without names of ours, whatever their case; only whole words count.
pub fn without(text: &str, ours: &BTreeSet<String>) -> String {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if !is_part(first) {
            found.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // The full stop of a sentence is no part of a name.
        let bare = word.trim_end_matches('.');
        match ours.contains(&bare.to_lowercase()) || is_private(bare) {
            true => {
                found.push_str(OURS);
                found.push_str(&word[bare.len()..]);
            }
            false => found.push_str(word),
        }
        rest = after;
    }
    found
}

/// Whether it is an address within a hospital: of a private network (RFC 1918), of one link, or
/// of the machine itself. A version of four numbers is none but by chance.
fn is_private(word: &str) -> bool {
    let parts: Vec<Option<u8>> = word.split('.').map(|part| part.parse().ok()).collect();
    matches!(
        parts[..],
        [Some(10 | 127), Some(_), Some(_), Some(_)]
            | [Some(172), Some(16..=31), Some(_), Some(_)]
            | [Some(192), Some(168), Some(_), Some(_)]
            | [Some(169), Some(254), Some(_), Some(_)]
    )
}

/// The letter.
pub fn letter(facts: &Facts) -> String {
    let mut text = format!("{}\n\nTo {}\n", day(facts.now), facts.vendor);
    if let Some(contact) = &facts.contact {
        text.push_str(&format!("For the attention of {contact}\n"));
    }
    let (number, about) = (facts.number, &facts.about);
    text.push_str(&format!("\nOur case {number}: {about}\n\n"));
    text.push_str("Dear Sir or Madam,\n\nwe use these products of yours:\n");
    for (product, count) in &facts.products {
        text.push_str(&format!("  {count} x {product}\n"));
    }
    let total: usize = facts.products.values().sum();
    text.push_str(&format!("  {total} in all\n"));
    if facts.unjudged > 0 {
        text.push_str(&format!(
            "Of {} of them your words do not tell us whether they are affected.\n",
            facts.unjudged
        ));
    }
    for one in &facts.advisories {
        text.push_str(&advisory(one));
    }
    text.push_str(&history(facts));
    text.push_str(&questions(facts));
    text
}

fn advisory(one: &Told) -> String {
    let mut text = format!(
        "\nAdvisory {}, version {}: {}\n",
        one.id, one.version, one.title
    );
    for vulnerability in &one.vulnerabilities {
        text.push_str(&format!(
            "  {}: {}\n",
            vulnerability.name, vulnerability.words
        ));
    }
    text.push_str(match one.has_fix {
        true => "  It names a fix.\n",
        false => "  It names no fix for what we have.\n",
    });
    text
}

fn history(facts: &Facts) -> String {
    let mut text = String::new();
    for step in &facts.steps {
        let said = match step.kind {
            StepKind::Asked => "we asked",
            StepKind::Promised => "you promised",
            StepKind::Answered => "you answered",
            StepKind::Document => "you sent",
            // What we remind ourselves of is nobody else's.
            StepKind::Reminder => continue,
        };
        let due = step
            .due
            .map_or_else(String::new, |due| format!(" (until {})", day(due)));
        let words = without(&step.words, &facts.ours);
        text.push_str(&format!("  {}: {said}{due}: {words}\n", day(step.at)));
    }
    match text.is_empty() {
        true => text,
        false => format!("\nSo far:\n{text}"),
    }
}

fn questions(facts: &Facts) -> String {
    let has_fix = !facts.advisories.is_empty() && facts.advisories.iter().all(|one| one.has_fix);
    let first = match has_fix {
        true => {
            "1. Is the fix validated for each of the products and versions above, and how is it \
             installed?\n"
        }
        false => "1. When will there be a fix for each of the products and versions above?\n",
    };
    format!(
        "\nPlease tell us in writing:\n{first}2. Which measures lower the risk until then, and \
         which of them may we take ourselves?\n3. Does any of them change how a device may be \
         used?\n\nPlease name our case {} in your answer.\n\nYours faithfully\n",
        facts.number
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_of_ours_are_left_out() {
        let ours = ["icu-3", "icu-3-mon-7", "ada"].map(str::to_owned).into();
        for (text, left) in [
            ("ICU-3-mon-7 in icu-3.", "(one of ours) in (one of ours)."),
            ("icu-35 is none, (Ada)", "icu-35 is none, ((one of ours))"),
            ("Adagio 2.5", "Adagio 2.5"),
            ("at 10.1.2.3/24, 4.2.1.0", "at (one of ours)/24, 4.2.1.0"),
            ("", ""),
        ] {
            assert_eq!(without(text, &ours), left);
        }
    }

    #[test]
    fn a_letter_has_the_facts_and_nothing_of_ours() {
        let step = |kind, words: &str, day: i64, due: Option<i64>| Step {
            kind,
            words: words.into(),
            at: UtcMs(1_767_225_600_000 + day * 86_400_000),
            due: due.map(|day| UtcMs(1_767_225_600_000 + day * 86_400_000)),
        };
        let facts = Facts {
            number: 4,
            vendor: "Acme Medical".into(),
            contact: Some("Kim, product security".into()),
            now: UtcMs(1_767_225_600_000 + 45 * 86_400_000),
            about: "ACME-1".into(),
            products: BTreeMap::from([("Acme Monitor M7 2.5".into(), 60)]),
            unjudged: 2,
            advisories: vec![Told {
                id: "ACME-1".into(),
                version: "1".into(),
                title: "Monitor M7".into(),
                vulnerabilities: BTreeSet::from([Named {
                    name: "CVE-2026-0001".into(),
                    words: "exploited (KEV, due 2026-02-01)".into(),
                }]),
                has_fix: false,
            }],
            steps: vec![
                step(StepKind::Asked, "is icu-3-mon-7 affected?", 1, None),
                step(StepKind::Promised, "a fix", 9, Some(30)),
                step(StepKind::Reminder, "call Ada", 9, Some(40)),
            ],
            ours: BTreeSet::from(["icu-3-mon-7".to_owned()]),
        };
        let text = letter(&facts);
        for part in [
            "2026-02-15\n",
            "Kim, product security",
            "60 x Acme Monitor M7 2.5",
            "CVE-2026-0001: exploited (KEV, due 2026-02-01)",
            "2026-01-02: we asked: is (one of ours) affected?",
            "2026-01-10: you promised (until 2026-01-31): a fix",
            "When will there be a fix",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("icu-3") && !text.contains("Ada"), "{text}");
    }
}
