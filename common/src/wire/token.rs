//! The enrolment token: what a person carries from the collector to a machine.
//!
//! `patchward1.` and the lower-case hex of deterministic CBOR, so that it survives
//! terminals, tickets and paper.

use crate::bytes::decode_hex;
use crate::codec::{self, DecodeError};
use crate::digest::Digest;
use crate::trust::charter::RootKeys;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::fmt::Write as _;

/// What every token begins with; the digit is the form's version.
const PREFIX: &str = "patchward1.";
/// Largest token before its text form: sixteen root keys and eight addresses fit.
pub const MAX_TOKEN_BYTES: usize = 4 * 1024;
/// Most collector addresses in one token.
pub const MAX_ADDRESSES: usize = 8;
/// Longest address: a DNS name with a port.
pub const MAX_ADDRESS_BYTES: usize = 260;
/// Length of the secret.
pub const SECRET_BYTES: usize = 32;

/// What a machine needs to find its collector, to know its hospital, and to be let in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentToken {
    /// The collector's addresses, `host:port`, in the order of trying.
    pub addresses: Vec<String>,
    /// SHA-256 of the DER of the collector's CA certificate.
    pub ca: Digest,
    /// The hospital's root keys, which `pin` writes for good.
    pub root: RootKeys,
    /// [`SECRET_BYTES`] random bytes; who has them may ask for a certificate.
    pub secret: ByteBuf,
}

impl std::fmt::Debug for EnrolmentToken {
    /// The secret stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolmentToken")
            .field("addresses", &self.addresses)
            .field("ca", &self.ca)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// Why a text is not a token.
#[derive(Debug, thiserror::Error)]
pub enum BadToken {
    /// Another beginning.
    #[error("a token begins with {PREFIX}; copy the whole of it")]
    Prefix,
    /// Not hex, or a digit is missing.
    #[error("the token is cut off or has a wrong character; copy the whole of it")]
    Hex,
    /// Longer than any token.
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// Hex of something else.
    #[error("the token cannot be read: {0}")]
    Content(#[from] DecodeError),
    /// Readable, but it makes no sense.
    #[error("the token is not usable: {0}")]
    Unusable(&'static str),
}

impl EnrolmentToken {
    /// The text that people carry.
    pub fn to_text(&self) -> String {
        let mut text = PREFIX.to_owned();
        for byte in codec::encode_deterministic(self) {
            // Writing to a String has no error.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Reads the text; spaces and line ends around it do not matter.
    pub fn from_text(text: &str) -> Result<Self, BadToken> {
        let hex = text.trim().strip_prefix(PREFIX).ok_or(BadToken::Prefix)?;
        if hex.len() > 2 * MAX_TOKEN_BYTES {
            return Err(BadToken::TooLong);
        }
        let mut bytes = vec![0; hex.len() / 2];
        decode_hex(hex, &mut bytes).map_err(|_| BadToken::Hex)?;
        let token: Self = codec::decode_deterministic(&bytes, MAX_TOKEN_BYTES)?;
        token.check()?;
        Ok(token)
    }

    /// SHA-256 of the secret, as an enrolment statement carries it.
    pub fn secret_digest(&self) -> Digest {
        Digest::of(&self.secret)
    }

    fn check(&self) -> Result<(), BadToken> {
        let is_address = |address: &String| {
            (1..=MAX_ADDRESS_BYTES).contains(&address.len())
                && address.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !self.root.is_valid() {
            return Err(BadToken::Unusable("its root keys or their threshold"));
        }
        if self.addresses.len() > MAX_ADDRESSES || !self.addresses.iter().all(is_address) {
            return Err(BadToken::Unusable("its addresses"));
        }
        if self.secret.len() != SECRET_BYTES {
            return Err(BadToken::Unusable("the length of its secret"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::sign::PublicKey;
    use ed25519_dalek::SigningKey;

    fn token() -> EnrolmentToken {
        EnrolmentToken {
            addresses: vec!["collector.example:4433".to_owned()],
            ca: Digest([1; 32]),
            root: RootKeys {
                keys: [2, 3]
                    .map(|seed| PublicKey::of(&SigningKey::from_bytes(&[seed; 32])))
                    .to_vec(),
                threshold: 2,
            },
            secret: ByteBuf::from([4; 32]),
        }
    }

    #[test]
    fn a_token_survives_its_text() {
        let text = token().to_text();
        assert_eq!(
            EnrolmentToken::from_text(&format!(" {text}\n")).unwrap(),
            token()
        );
        assert!(
            !format!("{:?}", token()).contains("040404"),
            "no secret in logs"
        );
    }

    #[test]
    fn other_texts_are_refused() {
        let text = token().to_text();
        let cut = &text[..text.len() - 2];
        let odd = &text[..text.len() - 1];
        let upper = text.replace('a', "A");
        let next = text.replace("patchward1", "patchward2");
        let long = format!("{PREFIX}{}", "00".repeat(MAX_TOKEN_BYTES + 1));
        for bad in ["", cut, odd, &upper, &next, &long, "patchward1.zz"] {
            assert!(
                EnrolmentToken::from_text(bad).is_err(),
                "{bad:?} was accepted"
            );
        }
    }

    #[test]
    fn a_token_that_makes_no_sense_is_refused() {
        let mut none = token();
        none.root.threshold = 0;
        let mut unusable = token();
        unusable.root.keys.push(PublicKey([2; 32]));
        let mut short = token();
        short.secret = ByteBuf::from([4; 31]);
        let mut spaced = token();
        spaced.addresses = vec!["a b".to_owned()];
        let mut many = token();
        many.addresses = vec!["a:1".to_owned(); MAX_ADDRESSES + 1];
        for bad in [none, unusable, short, spaced, many] {
            let text = bad.to_text();
            assert!(matches!(
                EnrolmentToken::from_text(&text),
                Err(BadToken::Unusable(_))
            ));
        }
    }
}
