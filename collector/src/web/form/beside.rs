//! Beside which field a refusal of the store belongs: where its words name what stands in one
//! field and in no other, that one is meant.

use super::call::{Answer, Answers};

/// What is shorter stands in sentences by chance.
const LEAST_CHARS: usize = 2;

/// The field that `text` is about; `None` where it is about all of them, or none.
pub fn beside(answers: &Answers, text: &str) -> Option<String> {
    let is_named = |answer: &Answer| match answer {
        Answer::Text(value) => has_word(text, value.trim()),
        Answer::File { .. } => false,
    };
    let mut named = answers
        .iter()
        .filter(|(_, answers)| answers.iter().any(is_named))
        .map(|(name, _)| name);
    match (named.next(), named.next()) {
        (Some(name), None) => Some(name.clone()),
        _ => None,
    }
}

/// Whether `word` stands in `text` with nothing of a name around it.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    word.chars().count() >= LEAST_CHARS
        && text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            ![before, after].into_iter().flatten().any(is_part)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_stands_beside_the_field_that_it_names() {
        let text = |text: &str| vec![Answer::Text(text.to_owned())];
        let answers = Answers::from([
            ("name".to_owned(), text("or-1")),
            ("site".to_owned(), text("moon")),
            ("level".to_owned(), text("1")),
        ]);
        for (said, field) in [
            (
                "There is no site moon. `site list` shows all.",
                Some("site"),
            ),
            ("there is a unit or-1 already", Some("name")),
            ("unit or-1 is of site moon", None),
            ("unit or-12 is there, and level 1", None),
            ("the database is busy", None),
        ] {
            assert_eq!(beside(&answers, said).as_deref(), field, "{said}");
        }
    }
}
