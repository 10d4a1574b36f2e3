//! An advisory as we hold it, whatever it was written in.

use patchward_common::time::UtcMs;

/// What it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// CSAF 2.0.
    Csaf20,
    /// CSAF 2.1.
    Csaf21,
    /// A manufacturer's recall, entered by a person.
    Recall,
    /// A manufacturer's safety notice, entered by a person.
    Notice,
}

impl Form {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Csaf20 => "csaf-2.0",
            Self::Csaf21 => "csaf-2.1",
            Self::Recall => "recall",
            Self::Notice => "notice",
        }
    }
}

/// One advisory.
#[derive(Clone, Debug, PartialEq)]
pub struct Advisory {
    /// What it was written in.
    pub form: Form,
    /// Its tracking id, as its publisher writes it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Who published it.
    pub publisher: String,
    /// Under which address its publisher gives names.
    pub namespace: String,
    /// What its publisher is: `vendor`, `coordinator` …
    pub publisher_kind: String,
    /// Its category: `csaf_security_advisory`, `csaf_vex`, `csaf_withdrawn` …
    pub category: String,
    /// Its version, as its publisher counts.
    pub version: String,
    /// `draft`, `interim` or `final`.
    pub status: String,
    /// When it was first published.
    pub published: Option<UtcMs>,
    /// When this version was.
    pub current: Option<UtcMs>,
    /// Until when something is to be done, where it says so.
    pub due: Option<UtcMs>,
    /// Where it can be read.
    pub link: Option<String>,
    /// How severe its publisher calls all of it together; empty where it does not.
    pub severity: String,
    /// What else it says, of all of it or of one vulnerability.
    pub notes: Vec<Note>,
    /// Where there is more.
    pub references: Vec<Reference>,
    /// How it came to be what it is, as its publisher writes it.
    pub history: Vec<Revision>,
    /// Its products.
    pub products: Vec<Product>,
    /// Its vulnerabilities; a notice has one, without a CVE.
    pub vulnerabilities: Vec<Vulnerability>,
    /// What in the file is against its own rules, and how it was read all the same.
    pub remarks: Vec<String>,
}

impl Advisory {
    /// Whether its publisher took it back or replaced it.
    pub fn is_withdrawn(&self) -> bool {
        matches!(self.category.as_str(), "csaf_withdrawn" | "csaf_superseded")
    }

    /// What of it is marked as done: each vulnerability, or where it names none, itself.
    pub fn to_be_done(&self) -> Vec<String> {
        match self.vulnerabilities.is_empty() {
            true => vec![self.id.clone()],
            false => {
                let names = self.vulnerabilities.iter().map(|one| one.name.clone());
                names.collect()
            }
        }
    }
}

/// Something that an advisory says in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The vulnerability that it is about; empty where it is about all.
    pub about: String,
    /// Its category: `summary`, `description`, `legal_disclaimer` …
    pub category: String,
    /// Its title.
    pub title: String,
    /// The words.
    pub text: String,
}

/// A place where there is more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The vulnerability that it is about; empty where it is about all.
    pub about: String,
    /// Whether it is the advisory itself: `self` or `external`.
    pub category: String,
    /// What is there.
    pub summary: String,
    /// Where.
    pub url: String,
}

/// A step in the history of an advisory, in its publisher's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The version that it led to.
    pub number: String,
    /// When, as it is written.
    pub date: String,
    /// What changed.
    pub summary: String,
}

/// How severe a word calls something: the words of those who publish most. `None` for
/// others, which stand below all of these.
pub fn severity_rank(word: &str) -> Option<u8> {
    match word.trim().to_lowercase().as_str() {
        "critical" => Some(4),
        "important" | "high" => Some(3),
        "moderate" | "medium" => Some(2),
        "low" => Some(1),
        "none" | "informational" => Some(0),
        _ => None,
    }
}

/// A version of a product, in the words of the advisory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VersionText {
    /// None is said.
    #[default]
    None,
    /// Meant as one version.
    One(String),
    /// Meant as a range.
    Range(String),
}

impl VersionText {
    /// The words.
    pub fn text(&self) -> &str {
        match self {
            Self::None => "",
            Self::One(text) | Self::Range(text) => text,
        }
    }
}

/// One product of an advisory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Product {
    /// Its id within the document.
    pub id: String,
    /// Its full name.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// The family that it belongs to.
    pub family: String,
    /// What it is called.
    pub product: String,
    /// Which versions are meant.
    pub version: VersionText,
    /// What else narrows it down: architecture, language, platform, service pack …
    pub narrowed: Vec<String>,
    /// What helps to identify it.
    pub helpers: Helpers,
    /// Where it is one product on, in or with another.
    pub relation: Option<Relation>,
}

/// One product on, in or with another: both by their place in [`Advisory::products`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The part.
    pub part: usize,
    /// What it is a part of, or is installed on or with.
    pub whole: usize,
}

/// What helps to identify a product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Helpers {
    /// A CPE name.
    pub cpe: Option<String>,
    /// Package URLs.
    pub purls: Vec<String>,
    /// Model numbers, `*` and `?` stand for anything and one character.
    pub models: Vec<String>,
    /// Serial numbers, with the same signs.
    pub serials: Vec<String>,
    /// Stock-keeping units, whole or in part.
    pub skus: Vec<String>,
    /// Hashes of files.
    pub hashes: Vec<String>,
    /// Where its bill of materials is.
    pub sboms: Vec<String>,
    /// Any other identifier.
    pub uris: Vec<String>,
}

/// What an advisory says of a product and a vulnerability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It is affected.
    KnownAffected,
    /// It is the first version that is affected.
    FirstAffected,
    /// It is the last version that is affected.
    LastAffected,
    /// It has the fix.
    Fixed,
    /// It is the first version with the fix.
    FirstFixed,
    /// It is recommended; that says not whether it is affected.
    Recommended,
    /// It is not affected.
    KnownNotAffected,
    /// The publisher does not know yet.
    UnderInvestigation,
    /// The publisher does not know, and does not look (2.1).
    Unknown,
}

impl Status {
    /// Its word in CSAF.
    pub fn word(self) -> &'static str {
        match self {
            Self::KnownAffected => "known_affected",
            Self::FirstAffected => "first_affected",
            Self::LastAffected => "last_affected",
            Self::Fixed => "fixed",
            Self::FirstFixed => "first_fixed",
            Self::Recommended => "recommended",
            Self::KnownNotAffected => "known_not_affected",
            Self::UnderInvestigation => "under_investigation",
            Self::Unknown => "unknown",
        }
    }
}

/// One vulnerability.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vulnerability {
    /// Its name: the CVE, or the first other id, or its place.
    pub name: String,
    /// Whether that is a CVE.
    pub is_cve: bool,
    /// Its title.
    pub title: String,
    /// What is said of which product, by place in [`Advisory::products`].
    pub statuses: Vec<(Status, usize)>,
    /// What can be done.
    pub remediations: Vec<Remediation>,
    /// How severe it is.
    pub scores: Vec<Score>,
    /// Why a product is not affected: flags and impact threats, by place.
    pub reasons: Vec<(String, Vec<usize>)>,
    /// Whether exploitation is told of, in the publisher's words.
    pub exploited: Vec<String>,
    /// Who is involved, and how far they are.
    pub involved: Vec<String>,
}

/// What kind of thing can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remedy {
    /// The vendor has a fix.
    VendorFix,
    /// A fix that is not needed for safety (2.1).
    OptionalPatch,
    /// Something that lowers the risk.
    Mitigation,
    /// A way around.
    Workaround,
    /// A fix will come (2.1).
    FixPlanned,
    /// None is there.
    NoneAvailable,
    /// None will come.
    NoFixPlanned,
}

impl Remedy {
    /// Its word in CSAF.
    pub fn word(self) -> &'static str {
        match self {
            Self::VendorFix => "vendor_fix",
            Self::OptionalPatch => "optional_patch",
            Self::Mitigation => "mitigation",
            Self::Workaround => "workaround",
            Self::FixPlanned => "fix_planned",
            Self::NoneAvailable => "none_available",
            Self::NoFixPlanned => "no_fix_planned",
        }
    }
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remediation {
    /// Its kind.
    pub remedy: Remedy,
    /// In words.
    pub details: String,
    /// Where to get it.
    pub url: Option<String>,
    /// For which products, by place; none stands for all.
    pub products: Vec<usize>,
}

/// How severe a vulnerability is.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// `cvss_v2`, `cvss_v3`, `cvss_v4`, `epss`, `ssvc`.
    pub system: &'static str,
    /// The number, where the system has one.
    pub number: Option<f64>,
    /// Its vector or its choices.
    pub vector: String,
    /// For which products, by place.
    pub products: Vec<usize>,
}
