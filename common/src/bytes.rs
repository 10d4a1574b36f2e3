//! Fixed-length byte values: a byte string in CBOR, lower-case hex elsewhere.

/// Declares a newtype over `[u8; N]` that prints and parses as lower-case hex,
/// and that serde writes as a byte string in CBOR and as hex text in JSON.
#[macro_export]
macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub [u8; $len]);

        impl Ord for $name {
            /// That of the bytes. Nearly always the first eight tell already, and they are
            /// compared as one number.
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                let head = |bytes: &[u8; $len]| bytes.first_chunk().copied().map(u64::from_be_bytes);
                head(&self.0)
                    .cmp(&head(&other.0))
                    .then_with(|| self.0.cmp(&other.0))
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The bytes themselves.
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Reads exactly [`Self::LEN`] bytes; any other length is `None`.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::bytes::BadHex;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut out = [0u8; $len];
                $crate::bytes::decode_hex(text, &mut out)?;
                Ok(Self(out))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::Error as _;
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
                    Self::from_slice(&bytes).ok_or_else(|| {
                        D::Error::custom(format!(
                            concat!(stringify!($name), " must be {} bytes, found {}"),
                            $len,
                            bytes.len()
                        ))
                    })
                }
            }
        }
    };
}

/// Text that is not lower-case hex of the expected length.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected {expected} lower-case hex digits")]
pub struct BadHex {
    /// How many digits were expected.
    pub expected: usize,
}

/// Decodes lower-case hex that fills `out` exactly.
pub fn decode_hex(text: &str, out: &mut [u8]) -> Result<(), BadHex> {
    let bad = BadHex {
        expected: out.len() * 2,
    };
    let digits = text.as_bytes();
    if digits.len() != out.len() * 2 {
        return Err(bad);
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        match (hex_digit(pair[0]), hex_digit(pair[1])) {
            (Some(high), Some(low)) => *byte = high << 4 | low,
            _ => return Err(bad),
        }
    }
    Ok(())
}

fn hex_digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_exact_and_lower_case() {
        let mut out = [0u8; 2];
        assert_eq!(decode_hex("0aff", &mut out), Ok(()));
        assert_eq!(out, [0x0a, 0xff]);
        for bad in ["", "0af", "0aff0", "0AFF", "0a f", "zz00"] {
            assert!(decode_hex(bad, &mut out).is_err(), "{bad:?} was accepted");
        }
    }
}
