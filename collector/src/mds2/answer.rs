//! Answers.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// It does not apply.
    NotApplicable,
    /// Only a note says it: a person has to read that.
    SeeNote,
}

impl Answer {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::NotApplicable => "n/a",
            Self::SeeNote => "see note",
        }
    }

    /// Reads a cell, in English or German, with what may follow (`Yes, optional`); `None`
    /// where nothing is answered.
    pub fn read(cell: &str) -> Option<Self> {
        let text = cell.trim().to_lowercase();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '/');
        match &text[..end.unwrap_or(text.len())] {
            "yes" | "y" | "ja" => Some(Self::Yes),
            "no" | "n" | "nein" => Some(Self::No),
            "n/a" | "na" | "entf\u{e4}llt" => Some(Self::NotApplicable),
            "see" | "siehe" => Some(Self::SeeNote),
            "not" if text.starts_with("not applicable") => Some(Self::NotApplicable),
            "nicht" if text.starts_with("nicht zutreffend") => Some(Self::NotApplicable),
            _ => None,
        }
    }
}

/// One answer with its note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// What it says.
    pub answer: Answer,
    /// The vendor's note, or the person's reason.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The answers of a document, by the questions' numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// What is answered.
    pub given: BTreeMap<String, Given>,
    /// Questions that are answered twice, differently: neither counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub twice: Vec<String>,
}

impl Answers {
    /// The answer to a question, where there is one.
    pub fn of(&self, question: &str) -> Option<Answer> {
        self.given.get(question).map(|given| given.answer)
    }

    /// Whether it is answered with yes.
    pub fn is_yes(&self, question: &str) -> bool {
        self.of(question) == Some(Answer::Yes)
    }

    /// Whether it is answered with no.
    pub fn is_no(&self, question: &str) -> bool {
        self.of(question) == Some(Answer::No)
    }

    /// What a person read in a note, over what stands there.
    pub fn read_by_person(&mut self, question: String, answer: Answer, reason: String) {
        self.twice.retain(|one| *one != question);
        self.given.insert(
            question,
            Given {
                answer,
                note: reason,
            },
        );
    }

    /// What an answer says, for people.
    pub fn words(&self, question: &str) -> String {
        match self.given.get(question) {
            _ if self.twice.iter().any(|one| one == question) => {
                "answered twice, differently".to_owned()
            }
            None => "not answered".to_owned(),
            Some(given) if given.note.is_empty() => given.answer.word().to_owned(),
            Some(given) => format!("{} ({})", given.answer.word(), given.note),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_vendors_fill_them() {
        for (cell, answer) in [
            ("Yes", Some(Answer::Yes)),
            ("yes, optional", Some(Answer::Yes)),
            ("JA", Some(Answer::Yes)),
            ("No.", Some(Answer::No)),
            ("N/A: no default accounts", Some(Answer::NotApplicable)),
            ("Not applicable", Some(Answer::NotApplicable)),
            ("See Note 3", Some(Answer::SeeNote)),
            ("Notes", None),
            ("none", None),
            ("not yet", None),
            ("____", None),
            ("", None),
        ] {
            assert_eq!(Answer::read(cell), answer, "{cell}");
        }
    }
}
