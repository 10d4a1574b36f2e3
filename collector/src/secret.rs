//! Secrets that are handed out once: links, sessions, the ward's addresses. Who has the text
//! may; the store knows only its hash.

use patchward_common::digest::Digest;
use zeroize::Zeroizing;

/// A secret as it is handed out, 64 hexadecimal digits of 256 random bits.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new one.
    pub fn new() -> Self {
        Self(Zeroizing::new(Digest(rand::random()).to_string()))
    }

    /// One that somebody brought; `None` where it cannot be one.
    pub fn of(text: &str) -> Option<Self> {
        let is_one = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What the store knows of it. An index finds a hash, so the time that this takes tells
    /// nothing about the secret.
    pub fn hash(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_as_it_went_and_nothing_else_is_one() {
        let secret = Secret::new();
        let again = Secret::of(secret.text()).unwrap();
        assert_eq!(secret.hash(), again.hash());
        assert_ne!(secret.hash(), Secret::new().hash());
        for bad in ["", "abc", &"g".repeat(64), &"a".repeat(65)] {
            assert!(Secret::of(bad).is_none(), "{bad}");
        }
    }
}
