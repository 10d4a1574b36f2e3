//! Things with long ids, by the first digits of them.

use crate::control::Failure;

/// Fewest digits that a person may type.
pub(super) const MIN_DIGITS: usize = 6;
/// Most candidates that a refusal lists.
const MAX_LISTED: usize = 10;

/// Refuses what is too short to mean one thing, or no digits at all.
pub(super) fn digits(text: &str, of: &str) -> Result<String, Failure> {
    if text.len() < MIN_DIGITS || !text.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(Failure::input(format!(
            "type at least {MIN_DIGITS} digits of {of}"
        )));
    }
    Ok(text.to_ascii_lowercase())
}

/// The only one of those that begin with what was typed.
///
/// # Errors
/// Not found where there is none; a conflict that lists them where there are several.
/// `described` says what each of them is.
pub(super) fn only<T>(
    mut found: Vec<T>,
    missing: impl FnOnce() -> String,
    described: impl Fn(&T) -> String,
) -> Result<T, Failure> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::not_found(missing())),
        count => {
            let mut lines: Vec<String> = found.iter().take(MAX_LISTED).map(described).collect();
            if count > MAX_LISTED {
                lines.push(format!("and {} more", count - MAX_LISTED));
            }
            Err(Failure::conflict(format!(
                "{count} begin like this; type more digits:\n  {}",
                lines.join("\n  ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::FailureKind;

    #[test]
    fn several_are_listed_and_none_says_where_to_look() {
        let found = |all: &[&'static str]| {
            let missing = || "There is none. `plan list` shows all.".to_owned();
            only(all.to_vec(), missing, |one| (*one).to_owned())
        };
        assert_eq!(found(&["abcdef01"]).unwrap(), "abcdef01");
        assert_eq!(found(&[]).unwrap_err().kind, FailureKind::NotFound);
        let several = found(&["abcdef01", "abcdef02"]).unwrap_err();
        assert_eq!(several.kind, FailureKind::Conflict);
        assert!(
            several.text.contains("\n  abcdef01\n  abcdef02"),
            "{}",
            several.text
        );
        assert!(found(&["a"; 11]).unwrap_err().text.ends_with("and 1 more"));
    }

    #[test]
    fn too_few_digits_and_words_are_refused() {
        for text in ["abcde", "", "the-last-one"] {
            assert_eq!(
                digits(text, "the job's id").unwrap_err().kind,
                FailureKind::Input
            );
        }
        assert_eq!(digits("ABCDEF", "the job's id").unwrap(), "abcdef");
    }
}
