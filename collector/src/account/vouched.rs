//! What an OpenID provider says of somebody: who they are there, and whether they proved it in
//! two ways. What they may do here it does not say.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Longest subject identifier (OpenID Connect Core 1.0 §2: 255 ASCII characters).
pub const MAX_SUBJECT_LEN: usize = 255;

/// What a provider calls somebody: unique there, never given to another, and the same for ever
/// (`sub`, OpenID Connect Core 1.0 §2). Capitals count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubjectId(String);

/// A text that is no subject identifier.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no subject of a provider: 1 to {MAX_SUBJECT_LEN} ASCII characters, without spaces")]
pub struct BadSubject;

impl SubjectId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SubjectId {
    type Error = BadSubject;

    fn try_from(text: String) -> Result<Self, BadSubject> {
        // Spaces are within the standard, but nobody could tell two of them apart on a page.
        let is_one = (1..=MAX_SUBJECT_LEN).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_one.then_some(Self(text)).ok_or(BadSubject)
    }
}

impl FromStr for SubjectId {
    type Err = BadSubject;

    fn from_str(text: &str) -> Result<Self, BadSubject> {
        text.to_owned().try_into()
    }
}

impl From<SubjectId> for String {
    fn from(subject: SubjectId) -> Self {
        subject.0
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Words of `amr` (RFC 8176 §2) for something that one has.
const HAS: [&str; 5] = ["hwk", "otp", "pop", "sc", "swk"];
/// For something that one knows, or is.
const KNOWS_OR_IS: [&str; 7] = ["face", "fpt", "iris", "pin", "pwd", "retina", "vbm"];
/// For more than one factor, whichever they were.
const SEVERAL: &str = "mfa";

/// Whether a provider says that somebody proved who they are in two ways: by `mfa`, by two
/// words of `amr` of different kinds, or by a class (`acr`) that the settings name. One word
/// alone is one factor, even that of a security key: a key that was found is used without
/// its owner.
pub fn is_second_factor(amr: &[&str], acr: Option<&str>, classes: &[String]) -> bool {
    let said = |words: &[&str]| amr.iter().any(|word| words.contains(word));
    let is_class = acr.is_some_and(|acr| classes.iter().any(|class| class == acr));
    is_class || said(&[SEVERAL]) || said(&HAS) && said(&KNOWS_OR_IS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_word_that_people_can_read() {
        for good in [
            "ada",
            "Ada@hospital.example",
            "248289761001",
            &"x".repeat(255),
        ] {
            assert_eq!(good.parse::<SubjectId>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "Ümit", "a\n", "a\0", &"x".repeat(256)] {
            assert_eq!(bad.parse::<SubjectId>(), Err(BadSubject), "{bad:?}");
        }
        let read = serde_json::from_str::<SubjectId>("\"a b\"");
        assert!(read.unwrap_err().to_string().contains("no subject"));
    }

    #[test]
    fn one_way_of_proving_is_one_factor() {
        let classes = ["urn:hospital:two".to_owned()];
        for (amr, acr, expected) in [
            (&["mfa"][..], None, true),
            (&["pwd", "mfa"], None, true),
            (&["pwd", "otp"], None, true),
            (&["hwk", "pin"], None, true),
            (&["sc", "fpt"], None, true),
            (&[], Some("urn:hospital:two"), true),
            (&["pwd"], Some("urn:hospital:two"), true),
            (&[], None, false),
            (&["pwd"], None, false),
            (&["otp"], None, false),
            (&["hwk"], None, false),
            (&["pwd", "pin"], None, false),
            (&["hwk", "otp"], None, false),
            (&["MFA"], None, false),
            (&["sms"], None, false),
            (&["pwd", "sms"], None, false),
            (&[], Some("urn:hospital:one"), false),
            (&[], Some(""), false),
        ] {
            assert_eq!(
                is_second_factor(amr, acr, &classes),
                expected,
                "{amr:?} {acr:?}"
            );
        }
        assert!(!is_second_factor(&[], Some("0"), &[]));
    }
}
