//! Why a vendor's metadata is refused: role, step of the specification, reason, attack.

use super::{MAX_DELEGATIONS, MAX_ROLES};
use crate::time::UtcMs;
use crate::trust::check::Attack;

/// Why a vendor's metadata is refused.
#[derive(Debug, thiserror::Error)]
#[error("{role:?}: {problem} (TUF {step})")]
pub struct VendorError {
    /// The role whose file was refused. Delegated names are the vendor's: print them
    /// quoted.
    pub role: String,
    /// The step of the TUF specification 1.0 that refused.
    pub step: &'static str,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a file or a lookup.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Another first root.
    #[error("the root is not the one that is pinned")]
    Pin,
    /// No such file.
    #[error("the repository has no {0}")]
    Missing(String),
    /// The source failed.
    #[error("{name} could not be read: {cause}")]
    Unavailable {
        /// The file.
        name: String,
        /// What the source said.
        cause: String,
    },
    /// Longer than allowed.
    #[error("{name} is longer than {limit} bytes")]
    TooLarge {
        /// The file.
        name: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not metadata, or of another type.
    #[error("not valid metadata: {0}")]
    Malformed(String),
    /// One key twice in one JSON object: whoever reads it first and whoever reads it last
    /// read two different files.
    #[error(
        "the key {key:?} stands twice in {}; have the vendor publish the file again with each key once",
        of(.place)
    )]
    KeyTwice {
        /// The key.
        key: String,
        /// The object, as the keys that lead to it; empty for the file itself.
        place: String,
    },
    /// Too few signatures of distinct authorised keys.
    #[error("signed by {found} of its keys, and {need} are needed")]
    Signatures {
        /// How many keys signed.
        found: usize,
        /// The threshold.
        need: usize,
    },
    /// One key id with two signatures.
    #[error("key {0:?} stands twice among the signatures")]
    DuplicateSignature(String),
    /// A delegated role that no machine could ask for.
    #[error(
        "machines cannot ask for a role named {0:?}: at most 64 letters, digits, '-', '_', '~' and inner '.' are carried; have the vendor rename it"
    )]
    RoleName(String),
    /// A lower version than was seen.
    #[error("version {found} is older than {seen}, which was seen before")]
    Older {
        /// The highest version seen.
        seen: u64,
        /// The version offered.
        found: u64,
    },
    /// The version that was seen, with other content.
    #[error("version {version} was seen before with other content")]
    Changed {
        /// The version.
        version: u64,
    },
    /// Not the next root.
    #[error("root {found} does not follow root {trusted}")]
    RootOrder {
        /// The trusted root's version.
        trusted: u64,
        /// The version offered.
        found: u64,
    },
    /// A targets role that was listed is not any more.
    #[error("role {0:?} is not listed any more")]
    Removed(String),
    /// Past its expiry.
    #[error("expired at {at}")]
    Expired {
        /// When.
        at: UtcMs,
    },
    /// Not what the role above pins.
    #[error("not the file that its pin names: {0}")]
    Pinned(String),
    /// More roles than a watermark remembers.
    #[error("more than {MAX_ROLES} roles")]
    TooManyRoles,
    /// A search that does not end.
    #[error("more than {MAX_DELEGATIONS} roles were searched for one path")]
    TooManyDelegations,
    /// A target without SHA-256.
    #[error("target {0:?} has no SHA-256")]
    NoSha256(String),
    /// A path that was not looked up.
    #[error("target {0:?} was not looked up")]
    NotLookedUp(String),
    /// A lookup before a refresh.
    #[error("the metadata is not refreshed")]
    NotRefreshed,
}

/// The object that is meant. Its names are the vendor's: they are quoted.
fn of(place: &str) -> String {
    match place {
        "" => "the file's outermost object".to_owned(),
        place => format!("{place:?}"),
    }
}

impl Problem {
    pub(super) fn at(self, role: &str, step: &'static str) -> VendorError {
        VendorError {
            role: role.to_owned(),
            step,
            problem: self,
        }
    }
}

impl VendorError {
    /// The attack that it stops.
    pub fn attack(&self) -> Attack {
        match &self.problem {
            Problem::Pin
            | Problem::Signatures { .. }
            | Problem::DuplicateSignature(_)
            | Problem::NoSha256(_) => Attack::ArbitrarySoftware,
            Problem::Older { .. }
            | Problem::Changed { .. }
            | Problem::RootOrder { .. }
            | Problem::Removed(_) => Attack::Rollback,
            Problem::Expired { .. } => Attack::Freeze,
            Problem::Pinned(_) => Attack::MixAndMatch,
            Problem::TooLarge { .. } | Problem::TooManyRoles | Problem::TooManyDelegations => {
                Attack::EndlessData
            }
            Problem::Malformed(_) | Problem::KeyTwice { .. } => Attack::OwnedAgent,
            Problem::Missing(_)
            | Problem::RoleName(_)
            | Problem::Unavailable { .. }
            | Problem::NotLookedUp(_)
            | Problem::NotRefreshed => Attack::None,
        }
    }
}

impl From<sigstore_tuf::Error> for Problem {
    fn from(error: sigstore_tuf::Error) -> Self {
        use sigstore_tuf::Error as Tuf;
        match error {
            Tuf::DuplicateSignature { key_id, .. } => Self::DuplicateSignature(key_id),
            Tuf::ThresholdNotMet {
                found, threshold, ..
            } => Self::Signatures {
                found,
                need: threshold,
            },
            Tuf::Rollback { trusted, new, .. } => Self::Older {
                seen: trusted,
                found: new,
            },
            Tuf::EqualVersion { version, .. } => Self::Changed { version },
            Tuf::BadRootVersion { trusted, new } => Self::RootOrder {
                trusted,
                found: new,
            },
            Tuf::Expired { expires, .. } => Self::Expired {
                at: UtcMs(expires.as_millisecond()),
            },
            Tuf::IntegrityMismatch(what) => Self::Pinned(what),
            Tuf::Json(cause) => Self::Malformed(cause.to_string()),
            other => Self::Malformed(other.to_string()),
        }
    }
}
