//! What the answers let us do, for each class of components.

use super::question::CLASSES;
use super::{Answer, Answers, Class};
use patchward_common::plan::VendorAllows;

/// What is allowed on one class of components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassPolicy {
    /// The class.
    pub class: Class,
    /// Whether the device has such components; `None` where that is not answered.
    pub is_there: Option<bool>,
    /// What is allowed.
    pub allows: VendorAllows,
    /// The answer that says so.
    pub because: String,
    /// What holds beside that; empty where nothing does.
    pub beside: String,
}

/// What is allowed on a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// By class, in the order of the questions.
    pub classes: Vec<ClassPolicy>,
}

impl Policy {
    /// What follows from answers.
    pub fn of(answers: &Answers) -> Self {
        Self {
            classes: CLASSES.map(|class| of_class(answers, class)).into(),
        }
    }

    /// What counts for a product of this class.
    pub fn for_class(&self, class: Class) -> &ClassPolicy {
        let found = self.classes.iter().find(|one| one.class == class);
        found.unwrap_or_else(|| self.strictest())
    }

    /// What counts for a product of which nobody said the class: the strictest of those
    /// that the device has, or may have.
    pub fn strictest(&self) -> &ClassPolicy {
        let there = self
            .classes
            .iter()
            .filter(|one| one.is_there != Some(false));
        let strictest = there.max_by_key(|one| one.allows);
        strictest.unwrap_or(&self.classes[0])
    }
}

/// Whether work may be planned: what people do by hand they may also do where only staging,
/// or service by the vendor, is left, because a person is there.
pub fn lets(allows: VendorAllows, is_by_hand: bool) -> bool {
    match allows {
        VendorAllows::Install => true,
        VendorAllows::StageOnly | VendorAllows::VendorService => is_by_hand,
        VendorAllows::ReportOnly => false,
    }
}

/// Steps from what is certain: vendor service that is required counts whatever else is
/// answered; then nothing may be unknown; then what the owner has.
fn of_class(answers: &Answers, class: Class) -> ClassPolicy {
    let id = class.is_there();
    let [owner, vendor, remote, third] = [1, 2, 3, 4].map(|number| class.part(number));
    let is_there = match answers.of(id) {
        Some(Answer::Yes) => Some(true),
        Some(Answer::No | Answer::NotApplicable) => Some(false),
        Some(Answer::SeeNote) | None => None,
    };
    let unknown = [&owner, &vendor, &remote]
        .into_iter()
        .find(|id| !answers.is_yes(id) && !answers.is_no(id));
    let nothing_to_do = answers.is_no("CSUP-1") || is_there == Some(false);
    let (allows, because) = if nothing_to_do {
        let said = if is_there == Some(false) {
            id
        } else {
            "CSUP-1"
        };
        let because = format!("{said} says that the device has nothing of it to update");
        (VendorAllows::ReportOnly, because)
    } else if answers.is_yes(&vendor) {
        let because = format!("{vendor} requires service by the vendor");
        (VendorAllows::VendorService, because)
    } else if let Some(unknown) = unknown {
        let because = format!(
            "{unknown} is {}, which counts as the strictest",
            answers.words(unknown)
        );
        (VendorAllows::ReportOnly, because)
    } else if answers.is_no(&owner) {
        let because =
            format!("{owner} gives the owner no instructions, and {vendor} asks for no service");
        (VendorAllows::ReportOnly, because)
    } else if answers.is_no(&remote) {
        let because = format!("{owner} lets the owner install, and {remote} not remotely");
        (VendorAllows::StageOnly, because)
    } else {
        let because = format!("{owner} and {remote} let the owner install, also remotely");
        (VendorAllows::Install, because)
    };
    let beside = match answers.is_yes(&third) || nothing_to_do {
        true => String::new(),
        false => format!("updates of third parties need the vendor's approval ({third})"),
    };
    ClassPolicy {
        class,
        is_there,
        allows,
        because,
        beside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mds2::Given;

    fn answers(text: &str) -> Answers {
        let mut answers = Answers::default();
        for pair in text.split_whitespace() {
            let (id, word) = pair.split_once('=').unwrap();
            let answer = Answer::read(word).unwrap();
            let note = String::new();
            answers.given.insert(id.to_owned(), Given { answer, note });
        }
        answers
    }

    fn os(text: &str) -> VendorAllows {
        let policy = Policy::of(&answers(text));
        policy.for_class(Class::OperatingSystem).allows
    }

    #[test]
    fn every_combination_has_its_policy() {
        use VendorAllows::{Install, ReportOnly, StageOnly, VendorService};
        let base = "CSUP-1=yes CSUP-2=yes";
        for (rest, allows) in [
            ("CSUP-2.1=yes CSUP-2.2=no CSUP-2.3=yes", Install),
            ("CSUP-2.1=yes CSUP-2.2=no CSUP-2.3=no", StageOnly),
            ("CSUP-2.1=no CSUP-2.2=yes CSUP-2.3=yes", VendorService),
            ("CSUP-2.1=yes CSUP-2.2=yes CSUP-2.3=yes", VendorService),
            ("CSUP-2.2=yes", VendorService),
            ("CSUP-2.1=no CSUP-2.2=no CSUP-2.3=no", ReportOnly),
            // What is missing, a note or "n/a" is unknown.
            ("CSUP-2.1=yes CSUP-2.2=no", ReportOnly),
            ("CSUP-2.1=see CSUP-2.2=no CSUP-2.3=yes", ReportOnly),
            ("CSUP-2.1=yes CSUP-2.2=n/a CSUP-2.3=yes", ReportOnly),
            ("", ReportOnly),
        ] {
            assert_eq!(os(&format!("{base} {rest}")), allows, "{rest}");
        }
        let install = "CSUP-2.1=yes CSUP-2.2=no CSUP-2.3=yes";
        assert_eq!(os(&format!("CSUP-1=no CSUP-2=yes {install}")), ReportOnly);
        assert_eq!(os(&format!("CSUP-1=yes CSUP-2=no {install}")), ReportOnly);
    }

    #[test]
    fn without_a_class_the_strictest_that_is_there_counts() {
        let text = "CSUP-1=yes CSUP-2=yes CSUP-2.1=yes CSUP-2.2=no CSUP-2.3=yes \
                    CSUP-3=yes CSUP-3.2=yes CSUP-4=no CSUP-5=no CSUP-6=no";
        let policy = Policy::of(&answers(text));
        assert_eq!(policy.strictest().class, Class::Drivers);
        assert_eq!(policy.strictest().allows, VendorAllows::VendorService);
        // What is not answered may be there.
        let unknown = Policy::of(&answers(&text.replace("CSUP-4=no ", "")));
        assert_eq!(unknown.strictest().class, Class::AntiMalware);
        let beside = &policy.for_class(Class::OperatingSystem).beside;
        assert!(beside.contains("CSUP-2.4"), "{beside}");
    }
}
