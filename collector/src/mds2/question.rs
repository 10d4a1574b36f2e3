//! The questions of HN 1-2019 that we read: sections CSUP, RDMP, SBOM and SAHD.

/// A class of components, as the questions CSUP-2 to CSUP-6 part them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The operating system: CSUP-2.
    OperatingSystem,
    /// Drivers and firmware: CSUP-3.
    Drivers,
    /// Anti-malware software: CSUP-4.
    AntiMalware,
    /// Commercial software that is not the operating system: CSUP-5.
    Commercial,
    /// Everything else, such as licence management: CSUP-6.
    Other,
}

/// Every class.
pub const CLASSES: [Class; 5] = [
    Class::OperatingSystem,
    Class::Drivers,
    Class::AntiMalware,
    Class::Commercial,
    Class::Other,
];

impl Class {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::OperatingSystem => "operating_system",
            Self::Drivers => "drivers",
            Self::AntiMalware => "anti_malware",
            Self::Commercial => "non_os_commercial",
            Self::Other => "other",
        }
    }

    /// The class with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        CLASSES.into_iter().find(|class| class.word() == word)
    }

    /// The question whether the device has any.
    pub fn is_there(self) -> &'static str {
        match self {
            Self::OperatingSystem => "CSUP-2",
            Self::Drivers => "CSUP-3",
            Self::AntiMalware => "CSUP-4",
            Self::Commercial => "CSUP-5",
            Self::Other => "CSUP-6",
        }
    }

    /// One of the four questions below it: 1 the owner has instructions, 2 vendor service
    /// is required, 3 it can be done remotely, 4 third parties' updates need no approval.
    pub fn part(self, number: u8) -> String {
        format!("{}.{number}", self.is_there())
    }
}

/// Questions but for the four below each class, with what they ask in our words.
const ASKED: [(&str, &str); 51] = [
    ("CSUP-1", "may any software on it need security updates"),
    ("CSUP-2", "has it an operating system"),
    ("CSUP-3", "has it drivers or firmware"),
    ("CSUP-4", "has it anti-malware software"),
    (
        "CSUP-5",
        "has it commercial software beside the operating system",
    ),
    ("CSUP-6", "has it other software"),
    ("CSUP-7", "are we told when updates are approved"),
    ("CSUP-8", "does it update itself"),
    ("CSUP-9", "is there a list of approved third-party software"),
    ("CSUP-10", "may we install approved third-party software"),
    ("CSUP-10.1", "does it keep out what is not approved"),
    (
        "CSUP-11",
        "does the vendor assess vulnerabilities and updates",
    ),
    ("CSUP-11.1", "are we told how far the review of updates is"),
    ("CSUP-11.2", "are updates reviewed on a schedule"),
    ("RDMP-1", "was it developed by a secure process"),
    (
        "RDMP-2",
        "are third parties' components judged for how they are developed",
    ),
    ("RDMP-3", "are support dates and updates published"),
    (
        "RDMP-4",
        "is there a plan for components whose support ends",
    ),
    ("SBOM-1", "is there a list of its software components"),
    ("SBOM-2", "does that list follow a standard"),
    ("SBOM-2.1", "does it name the components"),
    ("SBOM-2.2", "does it name who makes them"),
    ("SBOM-2.3", "does it have their major versions"),
    ("SBOM-2.4", "does it say more of them"),
    ("SBOM-3", "can the device list what is installed"),
    ("SBOM-4", "is that list kept up to date"),
    ("SAHD-1", "is it hardened by a standard"),
    ("SAHD-2", "has it a certificate of cybersecurity"),
    ("SAHD-3", "does it check the integrity of its software"),
    (
        "SAHD-3.1",
        "does it check that installed software is the vendor's",
    ),
    ("SAHD-3.2", "does it check that updates are the vendor's"),
    ("SAHD-4", "can we check its integrity"),
    ("SAHD-5", "can access be controlled on files or patients"),
    ("SAHD-5.1", "is access controlled by role"),
    ("SAHD-6", "are accounts restricted when it is delivered"),
    ("SAHD-6.1", "can we configure accounts afterwards"),
    (
        "SAHD-6.2",
        "are service accounts held to the least they need",
    ),
    ("SAHD-7", "are shares off that are not needed"),
    ("SAHD-8", "are ports and protocols off that are not needed"),
    ("SAHD-9", "are services off that are not needed"),
    ("SAHD-10", "are applications off that are not needed"),
    ("SAHD-11", "can it refuse to boot from other media"),
    (
        "SAHD-12",
        "can foreign software or hardware be added without tools",
    ),
    ("SAHD-13", "is scanning by us described"),
    ("SAHD-14", "can it be hardened further"),
    ("SAHD-14.1", "are there instructions for that"),
    ("SAHD-15", "can access to its boot loader be prevented"),
    ("SAHD-16", "is it hardened in further ways"),
    ("DOC-3", "the device's model"),
    ("DOC-4", "the document's number"),
    ("DOC-7", "the day of its release"),
];

/// What the four questions below a class ask.
const PARTS: [&str; 4] = [
    "have we instructions to install updates",
    "is service by the vendor required for updates",
    "can updates be installed remotely",
    "may third parties' updates be installed without the vendor's approval",
];

/// Every question of the four sections, in their order.
pub fn questions() -> Vec<(String, &'static str)> {
    let mut all = Vec::new();
    for (id, asks) in ASKED.iter().filter(|(id, _)| !id.starts_with("DOC")) {
        all.push(((*id).to_owned(), *asks));
        if let Some(class) = CLASSES.into_iter().find(|class| class.is_there() == *id) {
            let parts = (1..).zip(PARTS);
            all.extend(parts.map(|(number, asks)| (class.part(number), asks)));
        }
    }
    all
}

/// What a question asks, in our words; `None` where HN 1-2019 has no such question among
/// those that we read.
pub fn asks(id: &str) -> Option<&'static str> {
    let all = questions().into_iter();
    all.filter(|(known, _)| known == id)
        .map(|(_, asks)| asks)
        .next()
}

/// The number of a question as we write it; `None` where the text is none. Vendors write
/// `SBoM-1`, `CSUP 2.1`, and `SHAD-15` for SAHD-15.
pub fn id(text: &str) -> Option<String> {
    /// Longest number: four letters and three parts.
    const MAX_ID_BYTES: usize = 16;
    let text = text.trim().trim_end_matches(['.', ':']);
    if text.len() > MAX_ID_BYTES {
        return None;
    }
    let at = text.find(|c: char| !c.is_ascii_alphabetic())?;
    let (section, rest) = text.split_at(at);
    let number = rest.trim_start_matches([' ', '-', '\u{2010}', '\u{2011}', '\u{2013}']);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_section = matches!(section.len(), 3 | 4);
    if !is_section || number.len() == rest.len() || !number.split('.').all(is_number) {
        return None;
    }
    let section = section.to_ascii_uppercase();
    let section = if section == "SHAD" { "SAHD" } else { &section };
    Some(format!("{section}-{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_sections_are_whole() {
        let all: Vec<String> = questions().into_iter().map(|(id, _)| id).collect();
        let of = |section: &str| all.iter().filter(|id| id.starts_with(section)).count();
        let counts = ["CSUP-", "RDMP-", "SBOM-", "SAHD-"].map(of);
        assert_eq!(counts, [34, 4, 8, 22]);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(asks("CSUP-6.4"), Some(PARTS[3]));
        assert!(asks("CSUP-12").is_none() && asks("CSUP-2.5").is_none());
    }

    #[test]
    fn numbers_are_read_as_vendors_write_them() {
        for (text, read) in [
            (" csup-2.1 ", Some("CSUP-2.1")),
            ("CSUP \u{2013} 11", Some("CSUP-11")),
            ("SBoM-1:", Some("SBOM-1")),
            ("SHAD-15", Some("SAHD-15")),
            ("DOC-11.1", Some("DOC-11.1")),
            ("CSUP", None),
            ("Yes", None),
            ("3.1", None),
            ("HN1-2019", None),
            ("CSUP-2.", Some("CSUP-2")),
            ("CSUP-2..1", None),
        ] {
            assert_eq!(id(text).as_deref(), read, "{text}");
        }
    }
}
