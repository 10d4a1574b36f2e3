//! Why a text does not say which versions are meant.

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// No version is said.
    Silent,
    /// A date is said: of manufacture, of release or of distribution.
    Date,
    /// The version's field holds a model's number.
    Model,
    /// A condition stands beside the version.
    Condition(String),
    /// Prose.
    Words,
    /// An end that may be meant with or without itself.
    OpenEnd,
    /// Versions without an order.
    NoOrder(String),
    /// The advisory contradicts itself.
    Contradiction {
        /// One thing that it says.
        one: String,
        /// The other.
        other: String,
    },
    /// Bounds that no version can meet, or in an order that has no meaning.
    Bounds(String),
    /// A scheme of `vers:` that is not evaluated.
    Scheme(String),
}

impl Unclear {
    /// Its word, by which reasons are counted.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Silent => "no_version_said",
            Self::Date => "date_instead_of_version",
            Self::Model => "model_instead_of_version",
            Self::Condition(_) => "version_with_condition",
            Self::Words => "version_in_prose",
            Self::OpenEnd => "open_end",
            Self::NoOrder(_) => "version_without_order",
            Self::Contradiction { .. } => "advisory_contradicts_itself",
            Self::Bounds(_) => "bounds_contradict",
            Self::Scheme(_) => "unknown_version_scheme",
        }
    }
}

impl std::fmt::Display for Unclear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Silent => f.write_str("the advisory names no version"),
            Self::Date => {
                f.write_str("the advisory gives a date, and a date is no version: look when the device was made or last updated")
            }
            Self::Model => f.write_str("the advisory gives a model's number where a version belongs"),
            Self::Condition(text) => {
                write!(f, "the advisory sets a condition beside the version: {text:?}")
            }
            Self::Words => f.write_str("the advisory gives the version in words that have no one meaning"),
            Self::OpenEnd => {
                f.write_str("the advisory leaves open whether the last version named is meant too")
            }
            Self::NoOrder(version) => {
                write!(f, "nobody can say what is before and what is after version {version:?}")
            }
            Self::Contradiction { one, other } => {
                write!(f, "the advisory says {one:?} in one place and {other:?} in another")
            }
            Self::Bounds(why) => write!(f, "the advisory's bounds contradict each other: {why}"),
            Self::Scheme(scheme) => {
                write!(f, "versions of the scheme {scheme:?} are not compared here")
            }
        }
    }
}
