//! Sets, deltas and facts as bytes on the wire.
//!
//! A component is a row of text: a letter for its source (`d`, `r`, `p`, `t`, `f`), its
//! name, TAB, its version, TAB, its architecture, LF. No field can hold a control
//! character, so nothing is escaped. Rows of a set are sorted; in a delta each starts
//! with `-` or `+`. The whole is deflated (RFC 1951): 8.7 bytes per package of a Debian
//! desktop. Columns, elided prefixes and repeated versions by reference were tried: 7.9,
//! not worth their code. The first byte says whether the rest is deflated or plain.

use super::{BadComponents, Component, ComponentSet, Delta, Source};
use crate::digest::Digest;
use miniz_oxide::{deflate, inflate};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::marker::PhantomData;

/// Most packed bytes that are read; 20,000 components of a real system take 180 KB.
pub const MAX_PACKED_BYTES: usize = 1 << 20;
/// Most bytes that packed ones may unfold to, whatever they claim: 20,000 components
/// of 200 bytes. Real ones have 30, so a deflate bomb costs no more than a large set.
pub const MAX_UNPACKED_BYTES: usize = 4 << 20;
/// Effort of deflate. 9 saves 1 % over 6 on 900 packages and takes 2 ms more, once.
const DEFLATE_LEVEL: u8 = 9;

/// First byte: the rest is as it is.
const PLAIN: u8 = 0;
/// First byte: the rest is raw deflate.
const DEFLATED: u8 = 1;

/// A packed [`ComponentSet`].
pub type PackedComponents = Packed<ComponentSet>;
/// A packed [`Delta`].
pub type PackedDelta = Packed<Delta>;

/// A value in its packed form: a byte string on the wire, read only by
/// [`Packed::unpack`], which checks everything.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed<T> {
    bytes: Vec<u8>,
    of: PhantomData<fn() -> T>,
}

/// Why packed bytes were not read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadPacking {
    /// More than [`MAX_PACKED_BYTES`].
    #[error("{found} packed bytes, where at most {MAX_PACKED_BYTES} are allowed")]
    TooLarge {
        /// How many there were.
        found: usize,
    },
    /// They unfold to more than [`MAX_UNPACKED_BYTES`].
    #[error("unfolds to more than {MAX_UNPACKED_BYTES} bytes")]
    UnfoldsTooLarge,
    /// The first byte is none of the known forms, or there is none.
    #[error("unknown form of packing")]
    UnknownForm,
    /// The deflate stream is damaged or cut off.
    #[error("the deflate stream is damaged")]
    Damaged,
    /// A row is not UTF-8, not complete, or of an unknown source.
    #[error("row {row} is not a component")]
    NotARow {
        /// Its number, from 1.
        row: usize,
    },
    /// Rows of a set are not in rising order; then its digest would not be its own.
    #[error("row {row} is out of order")]
    OutOfOrder {
        /// Its number, from 1.
        row: usize,
    },
    /// A limit of components is broken.
    #[error(transparent)]
    Components(#[from] BadComponents),
    /// The unfolded bytes are not the expected value.
    #[error("not the expected content: {0}")]
    Content(String),
}

/// What can be packed: turned into bytes that deflate well, and back.
pub trait Pack: Sized {
    /// The bytes before they are deflated.
    fn to_plain(&self) -> Vec<u8>;
    /// Reads them and checks every limit.
    fn from_plain(plain: &[u8]) -> Result<Self, BadPacking>;
}

impl<T: Pack> Packed<T> {
    /// Packs `value`; the smaller of the two forms.
    pub fn of(value: &T) -> Self {
        let plain = value.to_plain();
        let deflated = deflate::compress_to_vec(&plain, DEFLATE_LEVEL);
        let (form, body) = if deflated.len() < plain.len() {
            (DEFLATED, deflated)
        } else {
            (PLAIN, plain)
        };
        let mut bytes = Vec::with_capacity(body.len() + 1);
        bytes.push(form);
        bytes.extend_from_slice(&body);
        Self::from_bytes(bytes)
    }

    /// Takes packed bytes as they came; nothing is checked before [`Packed::unpack`].
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            of: PhantomData,
        }
    }

    /// The packed bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the value; memory stays within [`MAX_UNPACKED_BYTES`].
    pub fn unpack(&self) -> Result<T, BadPacking> {
        if self.bytes.len() > MAX_PACKED_BYTES {
            return Err(BadPacking::TooLarge {
                found: self.bytes.len(),
            });
        }
        match self.bytes.split_first() {
            Some((&PLAIN, plain)) => T::from_plain(plain),
            Some((&DEFLATED, body)) => T::from_plain(&unfold(body)?),
            _ => Err(BadPacking::UnknownForm),
        }
    }
}

fn unfold(body: &[u8]) -> Result<Vec<u8>, BadPacking> {
    let plain = inflate::decompress_to_vec_with_limit(body, MAX_UNPACKED_BYTES).map_err(
        |error| match error.status {
            inflate::TINFLStatus::HasMoreOutput => BadPacking::UnfoldsTooLarge,
            _ => BadPacking::Damaged,
        },
    )?;
    Ok(plain)
}

impl<T> std::fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packed({} bytes)", self.bytes.len())
    }
}

impl<T> Serialize for Packed<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

impl<'de, T: Pack> Deserialize<'de> for Packed<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
        Ok(Self::from_bytes(bytes.into_vec()))
    }
}

impl<T: Pack> crate::codec::IntMapField for Packed<T> {}

impl Pack for ComponentSet {
    fn to_plain(&self) -> Vec<u8> {
        let mut plain = Vec::with_capacity(self.len() * 40);
        self.iter().for_each(|c| write_row(c, &mut plain));
        plain
    }

    fn from_plain(plain: &[u8]) -> Result<Self, BadPacking> {
        let components = read_rows(plain, read_row)?;
        if let Some(at) = components.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(BadPacking::OutOfOrder { row: at + 2 });
        }
        Ok(Self::new(components)?)
    }
}

impl Pack for Delta {
    fn to_plain(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        for (sign, components) in [(b'-', &self.removed), (b'+', &self.added)] {
            for component in components {
                plain.push(sign);
                write_row(component, &mut plain);
            }
        }
        plain
    }

    fn from_plain(plain: &[u8]) -> Result<Self, BadPacking> {
        let rows = read_rows(plain, |row| {
            let (sign, row) = row.split_at_checked(1)?;
            let is_added = match sign {
                "+" => true,
                "-" => false,
                _ => return None,
            };
            Some((is_added, read_row(row)?))
        })?;
        let mut delta = Self::default();
        for (is_added, component) in rows {
            component.check()?;
            if is_added {
                delta.added.push(component);
            } else {
                delta.removed.push(component);
            }
        }
        Ok(delta)
    }
}

/// SHA-256 over the rows, written one at a time.
pub(super) fn digest_rows(sorted: &[Component]) -> Digest {
    let mut hash = sha2::Sha256::new();
    let mut row = Vec::with_capacity(128);
    for component in sorted {
        row.clear();
        write_row(component, &mut row);
        hash.update(&row);
    }
    Digest(hash.finalize().into())
}

fn write_row(component: &Component, out: &mut Vec<u8>) {
    out.push(letter(component.source));
    out.extend_from_slice(component.name.as_bytes());
    out.push(b'\t');
    out.extend_from_slice(component.version.as_bytes());
    out.push(b'\t');
    out.extend_from_slice(component.arch.as_bytes());
    out.push(b'\n');
}

fn read_rows<T>(plain: &[u8], read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, BadPacking> {
    let mut rows = Vec::new();
    for line in plain.split_inclusive(|b| *b == b'\n') {
        // Twice the limit: a delta may remove all and add as many.
        if rows.len() == 2 * super::MAX_COMPONENTS {
            return Err(BadComponents::TooMany {
                found: rows.len() + 1,
            }
            .into());
        }
        let text = std::str::from_utf8(line).ok();
        let row = text.and_then(|text| read(text.strip_suffix('\n')?));
        rows.push(row.ok_or(BadPacking::NotARow {
            row: rows.len() + 1,
        })?);
    }
    Ok(rows)
}

fn read_row(row: &str) -> Option<Component> {
    let (source, row) = row.split_at_checked(1)?;
    let source = source_of(*source.as_bytes().first()?)?;
    let mut fields = row.split('\t').map(str::to_owned);
    let component = Component {
        source,
        name: fields.next()?,
        version: fields.next()?,
        arch: fields.next()?,
    };
    fields.next().is_none().then_some(component)
}

fn letter(source: Source) -> u8 {
    match source {
        Source::Deb => b'd',
        Source::Rpm => b'r',
        Source::Probe => b'p',
        Source::Tree => b't',
        Source::Firmware => b'f',
    }
}

fn source_of(byte: u8) -> Option<Source> {
    Source::ALL.into_iter().find(|s| letter(*s) == byte)
}
