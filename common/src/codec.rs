//! The one place where CBOR (RFC 8949) is read and written.
//!
//! *Documents* are deterministic (§4.2.1): one encoding for one value, so that
//! bytes can be signed and hashed; any other encoding is refused. *Messages* are
//! plain CBOR; unknown map keys are ignored by the types that read them. Both are
//! bounded in size, depth and number of items before a value is built.

mod scan;
mod sort;

use serde::{Serialize, de::DeserializeOwned};

pub use scan::{BadCbor, Form};

/// Deepest nesting of arrays and maps. The deepest type of ours has 9 levels.
pub const MAX_DEPTH: usize = 16;
/// Bytes of a reader's limit per item that it may find. An item of one byte becomes 24
/// bytes or more in memory, so bytes alone bound nothing: 16 MiB of empty strings would
/// take 400 MB. The densest of our types are rosters in which everybody has all keys (8
/// bytes per item) and openings of units (6; their files are far below their limit).
const BYTES_PER_ITEM: usize = 8;
/// Items that are allowed however small the limit: a leaf's 64 slots are 200 in 1,300
/// bytes, and a thousand cost nothing.
const MIN_ITEMS: usize = 1_024;
/// Items that are allowed however large the limit: plans of 65,536 machines with what
/// each reported (3 million) and evidence of as many jobs (7 million) fit, and the most
/// that they make of it, 200 MB, is no more than the largest file itself.
const MAX_ITEMS: usize = 8 * 1024 * 1024;

/// Room with which an encoding begins: most messages and events fit, and none grows to it
/// in eight steps.
const FIRST_BYTES: usize = 512;

/// How many items a reader of at most `limit` bytes accepts.
fn max_items(limit: usize) -> usize {
    (limit / BYTES_PER_ITEM).clamp(MIN_ITEMS, MAX_ITEMS)
}

/// Why bytes were not read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than the reader's limit.
    #[error("{found} bytes, where at most {limit} are allowed")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
        /// How many there were.
        found: usize,
    },
    /// Not CBOR, not deterministic where that is required, nested too deeply, or of more
    /// items than its size can mean.
    #[error("byte {at}: {problem}")]
    Malformed {
        /// Offset of the offending item.
        at: usize,
        /// What is wrong with it.
        problem: BadCbor,
    },
    /// A document that says the same as another encoding of it, such as a null for
    /// what is left out.
    #[error("not the one encoding of this content")]
    OtherEncoding,
    /// CBOR of another shape than the type that was expected.
    #[error("not the expected content: {0}")]
    Shape(String),
}

/// Encodes a message.
///
/// # Panics
/// Never for the types of this workspace: their serialisation has no error of its
/// own, and writing to memory has none.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    encode_in(Vec::with_capacity(FIRST_BYTES), value)
}

/// Encodes into room that is there already.
fn encode_in<T: Serialize>(mut bytes: Vec<u8>, value: &T) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "see Panics")]
    ciborium::into_writer(value, &mut bytes).expect("our own types serialise");
    bytes
}

/// Encodes a document deterministically: map keys sorted by their encoded bytes,
/// shortest lengths, definite sizes. Floating-point numbers have no place in one.
pub fn encode_deterministic<T: Serialize>(value: &T) -> Vec<u8> {
    deterministic(&encode(value), value)
}

/// Puts in order what our writer wrote of a value.
fn deterministic<T: Serialize>(written: &[u8], value: &T) -> Vec<u8> {
    // A plan has 50,000 leaves: sorting bytes takes a tenth of sorting a tree of values.
    sort::sorted(written).unwrap_or_else(|| encode_by_tree(value))
}

/// The same for whatever our writer may have written.
fn encode_by_tree<T: Serialize>(value: &T) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "our own types serialise")]
    let mut tree = ciborium::Value::serialized(value).expect("our own types serialise");
    sort_maps(&mut tree);
    encode(&tree)
}

fn sort_maps(value: &mut ciborium::Value) {
    match value {
        ciborium::Value::Array(items) => items.iter_mut().for_each(sort_maps),
        ciborium::Value::Map(entries) => {
            for (key, item) in entries.iter_mut() {
                sort_maps(key);
                sort_maps(item);
            }
            entries.sort_by_cached_key(|(key, _)| encode(key));
        }
        ciborium::Value::Tag(_, inner) => sort_maps(inner),
        _ => {}
    }
}

/// Reads a message of at most `limit` bytes, all of which must be one item.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, DecodeError> {
    read(bytes, limit, Form::Plain)
}

/// Reads a document of at most `limit` bytes; refuses every encoding but the
/// deterministic one. Types that are read with this deny unknown fields.
pub fn decode_deterministic<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    limit: usize,
) -> Result<T, DecodeError> {
    #[cfg(feature = "remember-signatures")]
    if bytes.len() <= limit && crate::remembered::is_encoding::<T>(bytes) {
        return shape(bytes);
    }
    let value = read(bytes, limit, Form::Deterministic)?;
    // serde reads more than it writes: null for a missing field, a list of numbers for
    // a byte string. One content has one name only where it has one encoding.
    let written = encode_in(Vec::with_capacity(bytes.len()), &value);
    // What is written in order already need not be sorted to be the same.
    if written != bytes && deterministic(&written, &value) != bytes {
        return Err(DecodeError::OtherEncoding);
    }
    #[cfg(feature = "remember-signatures")]
    crate::remembered::encodes::<T>(bytes);
    Ok(value)
}

fn read<T: DeserializeOwned>(bytes: &[u8], limit: usize, form: Form) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLarge {
            limit,
            found: bytes.len(),
        });
    }
    scan::scan(bytes, form, MAX_DEPTH, max_items(limit))
        .map_err(|(at, problem)| DecodeError::Malformed { at, problem })?;
    shape(bytes)
}

fn shape<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    ciborium::from_reader(bytes).map_err(|error| DecodeError::Shape(describe(&error)))
}

fn describe(error: &ciborium::de::Error<std::io::Error>) -> String {
    match error {
        ciborium::de::Error::Semantic(_, message) => message.clone(),
        other => other.to_string(),
    }
}

/// Declares a struct whose CBOR form is a map with small integers as keys: half
/// the size of one with names. Optional fields that are `None` are left out;
/// unknown keys are ignored, so a newer peer may add some.
#[macro_export]
macro_rules! int_map {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $key:literal => $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                use $crate::codec::IntMapField as _;
                let length = 0 $(+ usize::from(self.$field.is_present()))*;
                let mut map = serializer.serialize_map(Some(length))?;
                $(if self.$field.is_present() { map.serialize_entry(&($key as u32), &self.$field)?; })*
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("the map of a ", stringify!($name)))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        use serde::de::Error as _;
                        $(let mut $field: Option<$type> = None;)*
                        while let Some(key) = map.next_key::<u32>()? {
                            match key {
                                $($key => {
                                    if $field.replace(map.next_value()?).is_some() {
                                        return Err(A::Error::custom(concat!("key ", $key, " stands twice")));
                                    }
                                })*
                                _ => { map.next_value::<serde::de::IgnoredAny>()?; }
                            }
                        }
                        Ok($name {
                            $($field: match $field {
                                Some(value) => value,
                                None => <$type as $crate::codec::IntMapField>::absent()
                                    .ok_or_else(|| A::Error::missing_field(stringify!($field)))?,
                            },)*
                        })
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }
    };
}

/// A field of an [`int_map!`](crate::int_map) struct: only an `Option` may be absent.
pub trait IntMapField: Sized {
    /// Whether the field is written.
    fn is_present(&self) -> bool {
        true
    }

    /// What a missing key means; `None` where it is an error.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T> IntMapField for Option<T> {
    fn is_present(&self) -> bool {
        self.is_some()
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// Marks types as required fields of an [`int_map!`](crate::int_map) struct.
#[macro_export]
macro_rules! required_field {
    ($($type:ty),* $(,)?) => { $(impl $crate::codec::IntMapField for $type {})* };
}

required_field!(bool, u8, u16, u32, u64, i64, String, serde_bytes::ByteBuf);
impl<T> IntMapField for Vec<T> {}

#[cfg(test)]
mod tests;
