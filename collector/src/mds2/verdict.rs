//! Whether a model can be kept patched here at all, before it is bought.

use super::contradiction::find;
use super::{Answers, Policy, question};
use patchward_common::plan::VendorAllows;

/// The verdict on a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// In a sentence.
    pub text: &'static str,
    /// Its word: `yes`, `on_site`, `vendor`, `no`, or `cannot_tell`.
    pub word: &'static str,
    /// What to ask the vendor: the questions, and why.
    pub ask: Vec<(String, String)>,
}

/// Answers that a buyer wants to be yes, and what is missing without.
const WANTED: [(&str, &str); 9] = [
    ("CSUP-7", "how do we learn that an update is approved?"),
    ("CSUP-11", "who assesses vulnerabilities of the device?"),
    ("CSUP-11.2", "how often are updates reviewed?"),
    ("RDMP-3", "until when is which version supported?"),
    (
        "RDMP-4",
        "what happens when support of a third party's component ends?",
    ),
    ("SBOM-1", "may we have its list of software components?"),
    ("SAHD-1", "by which standard is it hardened?"),
    (
        "SAHD-3.2",
        "how does it check that an update is the vendor's?",
    ),
    ("SAHD-11", "can it be kept from booting from other media?"),
];

/// Judges a model by its answers.
pub fn judge(answers: &Answers) -> Verdict {
    let policy = Policy::of(answers);
    let there = || {
        policy
            .classes
            .iter()
            .filter(|one| one.is_there != Some(false))
    };
    let mut ask = Vec::new();
    let mut is_unknown = false;
    for one in there() {
        if one.is_there.is_none() {
            let id = one.class.is_there().to_owned();
            let asks = question::asks(&id).unwrap_or_default();
            ask.push((id, format!("{asks}?")));
            is_unknown = true;
        }
        let parts = [1, 2, 3].map(|number| one.class.part(number));
        for id in parts.iter().filter(|_| one.is_there == Some(true)) {
            if !answers.is_yes(id) && !answers.is_no(id) {
                let asks = question::asks(id).unwrap_or_default();
                ask.push((id.clone(), format!("{asks}? It is {}", answers.words(id))));
                is_unknown |= one.allows == VendorAllows::ReportOnly;
            }
        }
    }
    for contradiction in find(answers) {
        ask.push((contradiction.questions.join(", "), contradiction.text));
    }
    for (id, asks) in WANTED {
        if !answers.is_yes(id) {
            let said = answers.words(id);
            ask.push((id.to_owned(), format!("{asks} It is {said}")));
        }
    }
    let strictest = there().map(|one| one.allows).max();
    let (word, text) = match strictest {
        Some(VendorAllows::ReportOnly) if is_unknown => (
            "cannot_tell",
            "Whether it can be kept patched cannot be told: ask before it is bought.",
        ),
        None | Some(VendorAllows::ReportOnly) => (
            "no",
            "Nobody may install updates on all of it: it stays as it is delivered, or is replaced.",
        ),
        Some(VendorAllows::VendorService) => (
            "vendor",
            "Only the vendor patches all of it: buy it with a service contract that says how soon.",
        ),
        Some(VendorAllows::StageOnly) => (
            "on_site",
            "We may patch it, with a person at the device each time.",
        ),
        Some(VendorAllows::Install) => ("yes", "We may patch all of it, also remotely."),
    };
    Verdict { text, word, ask }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mds2::{Answer, Given};

    fn judged(text: &str) -> Verdict {
        let mut answers = Answers::default();
        for pair in text.split_whitespace() {
            let (id, word) = pair.split_once('=').unwrap();
            let answer = Answer::read(word).unwrap();
            let note = String::new();
            answers.given.insert(id.to_owned(), Given { answer, note });
        }
        judge(&answers)
    }

    #[test]
    fn a_model_is_judged_by_its_strictest_part() {
        let none = "CSUP-1=yes CSUP-3=no CSUP-4=no CSUP-5=no CSUP-6=no";
        for (os, word) in [
            ("CSUP-2=yes CSUP-2.1=yes CSUP-2.2=no CSUP-2.3=yes", "yes"),
            ("CSUP-2=yes CSUP-2.1=yes CSUP-2.2=no CSUP-2.3=no", "on_site"),
            ("CSUP-2=yes CSUP-2.2=yes", "vendor"),
            ("CSUP-2=yes CSUP-2.1=no CSUP-2.2=no CSUP-2.3=no", "no"),
            ("CSUP-2=yes CSUP-2.1=yes CSUP-2.2=no", "cannot_tell"),
            ("", "cannot_tell"),
            ("CSUP-2=no", "no"),
        ] {
            assert_eq!(judged(&format!("{none} {os}")).word, word, "{os}");
        }
        let asked = judged(&format!(
            "{none} CSUP-2=yes CSUP-2.1=yes CSUP-2.2=no RDMP-3=yes"
        ));
        let ids: Vec<&str> = asked.ask.iter().map(|(id, _)| id.as_str()).collect();
        assert!(
            ids.contains(&"CSUP-2.3") && ids.contains(&"SBOM-1"),
            "{ids:?}"
        );
        assert!(!ids.contains(&"RDMP-3"), "{ids:?}");
    }
}
