//! What columns, parts and lists are called for people.

/// Names that need more words for people than programs have for them.
const SAID: [(&str, &str); 2] = [
    ("share_percent", "verified before the next wave, in percent"),
    ("failure_limit", "failures that halt it"),
];

/// A column's, a part's or a list's name for people.
pub fn heading(name: &str) -> String {
    let said = SAID.iter().find(|(known, _)| *known == name);
    let mut heading = said.map_or_else(|| name.replace('_', " "), |(_, said)| (*said).to_owned());
    if let Some(first) = heading.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    heading
}
