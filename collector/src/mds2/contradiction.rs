//! Answers that cannot both be meant. The strictest counts until the vendor says which.

use super::question::CLASSES;
use super::{Answer, Answers};

/// Answers that exclude one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The questions.
    pub questions: Vec<String>,
    /// What is wrong, and what to ask.
    pub text: String,
}

/// Every contradiction.
pub fn find(answers: &Answers) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let mut add = |questions: &[&str], text: &str| {
        found.push(Contradiction {
            questions: questions.iter().map(|&id| id.to_owned()).collect(),
            text: text.to_owned(),
        });
    };
    for id in &answers.twice {
        add(
            &[id],
            "it is answered twice, with different words; which counts?",
        );
    }
    for class in CLASSES {
        let id = class.is_there();
        let parts = [1, 2, 3, 4].map(|number| class.part(number));
        let [owner, vendor, _, third] = &parts;
        if answers.is_yes(owner) && answers.is_yes(vendor) {
            let text = "the owner has instructions to install updates, and service by the \
                        vendor is required; may we install them ourselves?";
            add(&[owner, vendor], text);
        }
        if answers.is_yes(vendor) && answers.is_yes(third) {
            let text = "updates of third parties need no approval, and service by the vendor \
                        is required; who installs them?";
            add(&[vendor, third], text);
        }
        let answered = parts
            .iter()
            .find(|part| matches!(answers.of(part), Some(Answer::Yes | Answer::No)));
        if let (true, Some(part)) = (answers.is_no(id), answered) {
            let text = "the device has none of it, and how it is updated is answered; is it there?";
            add(&[id, part], text);
        }
        if answers.is_no("CSUP-1") && answers.is_yes(id) {
            let text = "nothing on it may need updates, and it has such software; which is right?";
            add(&["CSUP-1", id], text);
        }
    }
    for (no, yes, text) in OTHERS {
        if answers.is_no(no) && answers.is_yes(yes) {
            add(&[no, yes], text);
        }
    }
    found
}

/// A no that a yes excludes.
const OTHERS: [(&str, &str, &str); 8] = [
    (
        "CSUP-9",
        "CSUP-10",
        "there is no list of approved software, and we may install what is on it; where is the list?",
    ),
    (
        "CSUP-11",
        "CSUP-11.1",
        "updates are not assessed, and we are told how far that is; which is right?",
    ),
    (
        "CSUP-11",
        "CSUP-11.2",
        "updates are not assessed, and it is done on a schedule; which is right?",
    ),
    (
        "SBOM-1",
        "SBOM-2.1",
        "there is no list of components, and it names them; may we have it?",
    ),
    (
        "SBOM-1",
        "SBOM-4",
        "there is no list of components, and it is kept up to date; may we have it?",
    ),
    (
        "SAHD-3",
        "SAHD-3.1",
        "its integrity is not checked, and installed software is; which is right?",
    ),
    (
        "SAHD-3",
        "SAHD-3.2",
        "its integrity is not checked, and updates are; which is right?",
    ),
    (
        "SAHD-14",
        "SAHD-14.1",
        "it cannot be hardened further, and there are instructions for it; which is right?",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mds2::Given;

    fn pairs(text: &str) -> Vec<String> {
        let mut answers = Answers::default();
        for pair in text.split_whitespace() {
            let (id, word) = pair.split_once('=').unwrap();
            let answer = Answer::read(word).unwrap();
            let note = String::new();
            answers.given.insert(id.to_owned(), Given { answer, note });
        }
        let found = find(&answers).into_iter();
        found.map(|one| one.questions.join(" ")).collect()
    }

    #[test]
    fn what_cannot_both_be_meant_is_found() {
        for (text, expected) in [
            ("CSUP-2=yes CSUP-2.1=yes CSUP-2.2=yes", "CSUP-2.1 CSUP-2.2"),
            ("CSUP-3.2=yes CSUP-3.4=yes", "CSUP-3.2 CSUP-3.4"),
            ("CSUP-4=no CSUP-4.1=no", "CSUP-4 CSUP-4.1"),
            ("CSUP-1=no CSUP-6=yes", "CSUP-1 CSUP-6"),
            ("SBOM-1=no SBOM-2.1=yes", "SBOM-1 SBOM-2.1"),
            ("CSUP-9=no CSUP-10=yes", "CSUP-9 CSUP-10"),
        ] {
            assert_eq!(pairs(text), [expected], "{text}");
        }
        let sound = "CSUP-1=yes CSUP-2=yes CSUP-2.1=yes CSUP-2.2=no CSUP-4=no CSUP-4.1=n/a";
        assert_eq!(pairs(sound), [""; 0]);
    }
}
