//! Names and identifiers. What becomes a path or an argument is checked here, once.

use crate::digest::Digest;
use serde::{Deserialize, Serialize};

/// Longest short name; fits a host name label and a file name with room to spare.
pub const MAX_NAME_LEN: usize = 64;
/// Longest text meant for people in one field: a reason, a stand-in, a source note.
pub const MAX_LABEL_LEN: usize = 256;

/// Text that is not a valid name or label.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadName {
    /// Empty, or longer than its limit.
    #[error("must be 1 to {limit} characters long")]
    Length {
        /// The limit in characters.
        limit: usize,
    },
    /// A character outside the allowed set.
    #[error(
        "must consist of a-z, 0-9, '-', '_' and '.', and start with a letter or digit (found {found:?})"
    )]
    Character {
        /// The first offending character.
        found: char,
    },
    /// A character in text meant for people that shows something else than it is.
    #[error(
        "must not contain control characters, or marks that are invisible or change the direction"
    )]
    Control,
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text` and takes it.
            pub fn new(text: impl Into<String>) -> Result<Self, BadName> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

checked_text! {
    /// A short name that is safe as one path segment: a unit, site, group, vendor,
    /// repository, product, model, probe, window or person.
    Name, check_name
}

checked_text! {
    /// One line of text meant for people.
    Label, check_label
}

fn check_name(text: &str) -> Result<(), BadName> {
    if text.is_empty() || text.len() > MAX_NAME_LEN {
        return Err(BadName::Length {
            limit: MAX_NAME_LEN,
        });
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let found = text
        .chars()
        .enumerate()
        .find(|&(at, c)| !(allowed(c) || (at > 0 && matches!(c, '-' | '_' | '.'))));
    match found {
        Some((_, found)) => Err(BadName::Character { found }),
        None => Ok(()),
    }
}

fn check_label(text: &str) -> Result<(), BadName> {
    let length = text.chars().count();
    if length == 0 || length > MAX_LABEL_LEN {
        return Err(BadName::Length {
            limit: MAX_LABEL_LEN,
        });
    }
    if text.chars().any(|c| c.is_control() || misleads(c)) {
        return Err(BadName::Control);
    }
    Ok(())
}

/// Line separators, invisible characters, and marks with which a text reads otherwise
/// than it is stored: an approver signs what is shown (Unicode UTR 36 §3.3).
fn misleads(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
    )
}

crate::fixed_bytes! {
    /// A machine: SHA-256 of the SubjectPublicKeyInfo of its installer's key.
    MachineId, 32
}

crate::fixed_bytes! {
    /// One approval's work on one machine. Derived, never chosen: see [`JobId::of`].
    JobId, 16
}

crate::fixed_bytes! {
    /// The kernel's random boot id (`/proc/sys/kernel/random/boot_id`).
    BootId, 16
}

crate::fixed_bytes! {
    /// 256 random bits drawn by an installer, to be answered by one go.
    Nonce, 32
}

crate::fixed_bytes! {
    /// The random identity of an agent's outbox; a restored or cloned disk keeps it.
    OutboxId, 16
}

impl JobId {
    /// The job of an approval (named by the digest of its payload) on a machine.
    pub fn of(approval: Digest, machine: MachineId) -> Self {
        let digest = Digest::of_parts(&[b"patchward job", &approval.0, &machine.0]);
        let mut id = [0u8; 16];
        id.copy_from_slice(&digest.0[..16]);
        Self(id)
    }
}

impl BootId {
    /// Reads the kernel's form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, with or
    /// without its dashes and a final newline.
    pub fn from_kernel(text: &str) -> Option<Self> {
        text.trim_end().replace('-', "").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_path_segments() {
        for good in ["icu-3", "radiology.2", "a", "4_east"] {
            assert!(Name::new(good).is_ok(), "{good:?} was refused");
        }
        let long = "a".repeat(65);
        for bad in [
            "", ".", "..", ".hidden", "-rf", "a/b", "a\0", "ICU", "a b", "ü", &long,
        ] {
            assert!(Name::new(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn labels_are_one_line() {
        assert!(Label::new("Ward 3, ask for Ümit").is_ok());
        for bad in [
            "",
            "two\nlines",
            "bell\u{7}",
            "not \u{202e}4.2",
            "zero\u{200b}width",
        ] {
            assert!(Label::new(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_job_belongs_to_one_approval_and_machine() {
        let (a, b) = (Digest([1; 32]), Digest([2; 32]));
        let machine = MachineId([3; 32]);
        assert_eq!(JobId::of(a, machine), JobId::of(a, machine));
        assert_ne!(JobId::of(a, machine), JobId::of(b, machine));
        assert_ne!(JobId::of(a, machine), JobId::of(a, MachineId([4; 32])));
    }

    #[test]
    fn boot_ids_are_read_as_the_kernel_writes_them() {
        let id = BootId::from_kernel("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\n").unwrap();
        assert_eq!(id.to_string(), "0f1e2d3c4b5a69788796a5b4c3d2e1f0");
        assert_eq!(BootId::from_kernel("not a boot id"), None);
    }
}
