//! The parts of a priority. Each is ordered from harmless to urgent, and says itself in words.

use patchward_common::trust::roster::Class;
use std::cmp::{Ordering, Reverse};

/// What depends on the machine or device: its class and who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Criticality {
    class: Class,
    // Behind the class, so that two of one class are equal whoever said it but for the order
    // of lists: what was said stands before what was assumed.
    from: From,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum From {
    Nobody,
    Unit,
    List,
    Machine,
}

impl Criticality {
    /// A machine's own class.
    pub fn of_machine(class: Class) -> Self {
        Self {
            class,
            from: From::Machine,
        }
    }

    /// An asset's, by the hospital's word for it, else by the class of its unit. Where nobody
    /// said anything it counts as critical: what is not known is never fine.
    pub fn of_asset(word: &str, unit: Option<Class>) -> Self {
        let found = class_of(word).map(|class| (class, From::List));
        let found = found.or_else(|| unit.map(|class| (class, From::Unit)));
        let (class, from) = found.unwrap_or((Class::Critical, From::Nobody));
        Self { class, from }
    }

    /// The class.
    pub fn class(self) -> Class {
        self.class
    }

    /// In words.
    pub fn words(self) -> String {
        let class = self.class.word().replace('_', " ");
        match self.from {
            From::Machine => class,
            From::List => format!("{class} (the hospital's list)"),
            From::Unit => format!("{class} (its unit's)"),
            From::Nobody => format!("{class} (nobody said; counts as that)"),
        }
    }
}

/// What a hospital's list calls critical, in the words that lists use.
fn class_of(word: &str) -> Option<Class> {
    let word = word.trim().to_lowercase().replace(['_', '-'], " ");
    match word.as_str() {
        "life support" | "life supporting" | "life sustaining" | "very high" => {
            Some(Class::LifeSupport)
        }
        "critical" | "high" | "important" => Some(Class::Critical),
        "standard" | "normal" | "medium" | "low" | "not critical" => Some(Class::Standard),
        _ => None,
    }
}

/// Whether attacks are known. What ransomware uses comes before all else of the catalogue, then
/// what is overdue, then the earlier date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Exploitation {
    /// None is known.
    #[default]
    NotKnown,
    /// The advisory tells of it.
    Told,
    /// It stands in CISA's catalogue.
    Listed {
        /// The catalogue's due date has passed.
        is_overdue: bool,
        /// Ransomware uses it.
        is_ransomware: bool,
        /// The due date, `2026-02-01`.
        due: String,
    },
}

impl Exploitation {
    /// Whether attacks are known at all.
    pub fn is_known(&self) -> bool {
        *self != Self::NotKnown
    }

    fn order(&self) -> (u8, bool, bool, Reverse<&str>) {
        match self {
            Self::NotKnown => (0, false, false, Reverse("")),
            Self::Told => (1, false, false, Reverse("")),
            Self::Listed {
                is_overdue,
                is_ransomware,
                due,
            } => (2, *is_ransomware, *is_overdue, Reverse(due)),
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::NotKnown => "no exploitation known".to_owned(),
            Self::Told => "exploited, says the advisory".to_owned(),
            Self::Listed {
                is_overdue,
                is_ransomware,
                due,
            } => {
                let passed = if *is_overdue {
                    ", which has passed"
                } else {
                    ""
                };
                let ransomware = match is_ransomware {
                    true => "; ransomware uses it",
                    false => "",
                };
                format!("exploited (KEV, due {due}{passed}){ransomware}")
            }
        }
    }
}

impl Ord for Exploitation {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for Exploitation {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How severe, by CVSS in tenths. No score counts as high.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Severity {
    tenths: Option<u32>,
}

/// Where CVSS begins to call a score high.
const HIGH_TENTHS: u32 = 70;

impl Severity {
    /// From a score of 0.0 to 10.0; what is no such number is no score.
    pub fn of_score(score: Option<f64>) -> Self {
        let fits = score.filter(|score| (0.0..=10.0).contains(score));
        Self {
            tenths: fits.map(|score| (score * 10.0).round() as u32),
        }
    }

    fn category(self) -> &'static str {
        match self.tenths {
            Some(0) => "none",
            Some(..40) => "low",
            Some(..HIGH_TENTHS) => "medium",
            Some(..90) => "high",
            Some(_) => "critical",
            None => "not scored (counts as high)",
        }
    }

    fn counts_as(self) -> u32 {
        self.tenths.unwrap_or(HIGH_TENTHS)
    }

    /// In words.
    pub fn words(self) -> String {
        match self.tenths {
            Some(tenths) => format!("{} (CVSS {}.{})", self.category(), tenths / 10, tenths % 10),
            None => self.category().to_owned(),
        }
    }
}

impl Ord for Severity {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |one: &Self| (one.counts_as(), one.tenths.is_some());
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Severity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// From how far away it can be attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkReach {
    /// By touching it.
    Physical,
    /// By somebody or something that works on it.
    Local,
    /// From its own network segment.
    Adjacent,
    /// From any network, but this machine offers nothing to the network.
    Quiet,
    /// Nobody says.
    NotSaid,
    /// From any network.
    Network,
    /// From any network, and this machine listens on so many ports.
    Listening(u32),
}

impl NetworkReach {
    /// From CVSS vectors: the widest of them. CVSS 2, 3 and 4 write it alike.
    pub fn of_vectors<'a>(vectors: impl Iterator<Item = &'a str>) -> Self {
        let read = vectors.filter_map(|vector| {
            let mut metrics = vector.split('/').filter_map(|part| part.split_once(':'));
            let (_, value) = metrics.find(|(name, _)| *name == "AV")?;
            Some(match value {
                "P" => Self::Physical,
                "L" => Self::Local,
                "A" => Self::Adjacent,
                "N" => Self::Network,
                _ => return None,
            })
        });
        read.max().unwrap_or(Self::NotSaid)
    }

    /// The same for a machine of which it is known how many ports it offers to the network.
    pub fn on(self, ports: Option<u32>) -> Self {
        match (self, ports) {
            (Self::Network, Some(0)) => Self::Quiet,
            (Self::Network, Some(count)) => Self::Listening(count),
            (other, _) => other,
        }
    }

    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::Physical => "by touching it".to_owned(),
            Self::Local => "from the machine itself".to_owned(),
            Self::Adjacent => "from its own network segment".to_owned(),
            Self::Quiet => "over the network; it listens on no port there".to_owned(),
            Self::NotSaid => "reach not said (counts as the network)".to_owned(),
            Self::Network => "over the network".to_owned(),
            Self::Listening(1) => "over the network; it listens on 1 port there".to_owned(),
            Self::Listening(count) => {
                format!("over the network; it listens on {count} ports there")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_never_the_least() {
        assert!(Severity::of_score(None) > Severity::of_score(Some(6.9)));
        assert!(Severity::of_score(None) < Severity::of_score(Some(7.0)));
        assert_eq!(Severity::of_score(Some(f64::NAN)), Severity::default());
        assert!(NetworkReach::NotSaid > NetworkReach::Quiet);
        let unknown = Criticality::of_asset("", None);
        assert_eq!(unknown.class(), Class::Critical);
        assert!(unknown.words().contains("nobody said"));
    }

    #[test]
    fn an_asset_is_as_critical_as_the_list_or_else_its_unit_says() {
        for (word, unit, class) in [
            ("Life-support", Some(Class::Standard), Class::LifeSupport),
            ("low", Some(Class::LifeSupport), Class::Standard),
            ("C3", Some(Class::LifeSupport), Class::LifeSupport),
            ("", Some(Class::Standard), Class::Standard),
        ] {
            assert_eq!(Criticality::of_asset(word, unit).class(), class, "{word}");
        }
    }

    #[test]
    fn the_widest_vector_counts_and_a_silent_machine_narrows_it() {
        let of = |vectors: &[&str]| NetworkReach::of_vectors(vectors.iter().copied());
        assert_eq!(
            of(&["CVSS:3.1/AV:L/AC:L", "AV:N/AC:L"]),
            NetworkReach::Network
        );
        assert_eq!(of(&["CVSS:4.0/AV:A/AC:L", ""]), NetworkReach::Adjacent);
        assert_eq!(of(&["CVSS:3.1/AV:X", ""]), NetworkReach::NotSaid);
        assert_eq!(of(&["AV:N"]).on(Some(0)), NetworkReach::Quiet);
        assert_eq!(of(&["AV:N"]).on(Some(3)), NetworkReach::Listening(3));
        assert_eq!(of(&["AV:P"]).on(Some(3)), NetworkReach::Physical);
    }
}
