//! Series and ranges of models: "MX400-550", "MP2-MP90", "MP Series".

use super::{Identity, Thing};

/// Whether a name in small letters is that of several models.
pub(super) fn is_series(lower: &str) -> bool {
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    let says = words.any(|word| matches!(word, "series" | "family" | "families" | "products"));
    says || ranges(lower).next().is_some()
}

/// Whether a model of a thing is in a range of the name, or of its series.
pub(super) fn in_series(identity: &Identity, thing: &Thing) -> bool {
    let lower = identity.shown.to_lowercase();
    let codes: Vec<_> = thing
        .words()
        .iter()
        .filter_map(|code| split(code))
        .collect();
    if codes.is_empty() {
        return false;
    }
    let ranged = ranges(&lower).any(|(letters, from, to)| {
        let in_it =
            |(ours, number): &(String, u64)| *ours == letters && (from..=to).contains(number);
        codes.iter().any(in_it)
    });
    let says_series = lower.contains("series") || lower.contains("famil");
    let words = identity.words.iter();
    let mut short = words.filter(|word| word.len() >= 2 && word.chars().all(char::is_alphabetic));
    ranged || (says_series && short.any(|word| codes.iter().any(|(ours, _)| ours == word)))
}

/// Letters and the number after them.
fn split(code: &str) -> Option<(String, u64)> {
    let digits = code.find(|c: char| c.is_ascii_digit())?;
    let (letters, number) = code.split_at(digits);
    Some((letters.to_owned(), number.parse().ok()?))
}

/// The ranges of models in a text in small letters: letters, from, to.
fn ranges(lower: &str) -> impl Iterator<Item = (String, u64, u64)> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '-';
    lower.split(move |c| !belongs(c)).filter_map(|word| {
        let (from, to) = word.split_once('-')?;
        let (letters, low) = split(from)?;
        let high = to.strip_prefix(letters.as_str()).unwrap_or(to);
        let high = high.parse().ok()?;
        (low < high && letters.chars().all(|c| c.is_ascii_alphabetic()))
            .then_some((letters, low, high))
    })
}
