//! The word that somebody probably meant: for unknown keys and names.

/// The one of `known` that is nearest to `word`, if it is near enough to be meant:
/// at most half of its letters differ.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|k| (distance(word, k), *k));
    let (distance, found) = near.min()?;
    (distance * 2 <= found.chars().count()).then_some(found)
}

/// Edits (insert, delete, replace one character) from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_find_their_word() {
        let known = ["kind", "argv", "path", "version", "component", "needs_app"];
        for (word, found) in [
            ("verison", Some("version")),
            ("need_app", Some("needs_app")),
            ("arg", Some("argv")),
            ("Path", Some("path")),
            ("knid", Some("kind")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known), found, "{word}");
        }
        assert_eq!(nearest("a", &[]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
