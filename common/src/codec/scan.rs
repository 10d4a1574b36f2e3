//! A pass over CBOR bytes that builds nothing: well-formedness, depth, number of items,
//! and (for documents) the deterministic encoding of RFC 8949 §4.2.1.

/// Which encodings are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any well-formed CBOR without indefinite lengths.
    Plain,
    /// Only the deterministic encoding, without tags and floating-point numbers.
    Deterministic,
}

/// What is wrong with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCbor {
    /// The bytes end inside an item.
    #[error("the data ends too early")]
    Truncated,
    /// More bytes after the one item.
    #[error("there are more bytes after the end")]
    Trailing,
    /// Arrays and maps nested beyond the limit.
    #[error("nested too deeply")]
    TooDeep,
    /// More items than the limit: each costs memory, however few bytes it has.
    #[error("too many items for its limit in bytes")]
    TooManyItems,
    /// A reserved or indefinite-length initial byte.
    #[error("an encoding that is not accepted here")]
    Encoding,
    /// An integer or length that is not in its shortest form.
    #[error("a number that is not in its shortest form")]
    NotShortest,
    /// Map keys that are not in bytewise order.
    #[error("map keys that are not sorted")]
    KeyOrder,
    /// A map key that stands twice.
    #[error("a map key that stands twice")]
    DuplicateKey,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    NotUtf8,
    /// A tag or floating-point number in a document.
    #[error("a tag or a floating-point number, which documents do not have")]
    NotInDocuments,
}

/// Checks that `bytes` are exactly one item; the error carries the offset.
pub(super) fn scan(
    bytes: &[u8],
    form: Form,
    max_depth: usize,
    max_items: usize,
) -> Result<(), (usize, BadCbor)> {
    let mut scanner = Scanner {
        bytes,
        at: 0,
        form,
        items_left: max_items,
    };
    scanner
        .item(max_depth)
        .map_err(|problem| (scanner.at, problem))?;
    if scanner.at < bytes.len() {
        return Err((scanner.at, BadCbor::Trailing));
    }
    Ok(())
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    form: Form,
    items_left: usize,
}

impl<'a> Scanner<'a> {
    fn item(&mut self, depth: usize) -> Result<(), BadCbor> {
        let left = self.items_left.checked_sub(1);
        self.items_left = left.ok_or(BadCbor::TooManyItems)?;
        let initial = self.take(1)?[0];
        let (major, info) = (initial >> 5, initial & 0x1f);
        if major == 7 {
            return self.simple(info);
        }
        let argument = self.argument(info)?;
        match major {
            0 | 1 => Ok(()),
            2 => self.take_long(argument).map(|_| ()),
            3 => {
                let text = self.take_long(argument)?;
                std::str::from_utf8(text)
                    .map(|_| ())
                    .map_err(|_| BadCbor::NotUtf8)
            }
            4 => {
                let depth = depth.checked_sub(1).ok_or(BadCbor::TooDeep)?;
                (0..argument).try_for_each(|_| self.item(depth))
            }
            5 => self.map(argument, depth.checked_sub(1).ok_or(BadCbor::TooDeep)?),
            _ if self.form == Form::Deterministic => Err(BadCbor::NotInDocuments),
            _ => self.item(depth.checked_sub(1).ok_or(BadCbor::TooDeep)?),
        }
    }

    fn map(&mut self, entries: u64, depth: usize) -> Result<(), BadCbor> {
        let bytes = self.bytes;
        let mut previous: Option<&[u8]> = None;
        for _ in 0..entries {
            let start = self.at;
            self.item(depth)?;
            let key = &bytes[start..self.at];
            if self.form == Form::Deterministic {
                match previous.map(|previous| previous.cmp(key)) {
                    Some(std::cmp::Ordering::Equal) => return Err(BadCbor::DuplicateKey),
                    Some(std::cmp::Ordering::Greater) => return Err(BadCbor::KeyOrder),
                    _ => previous = Some(key),
                }
            }
            self.item(depth)?;
        }
        Ok(())
    }

    fn simple(&mut self, info: u8) -> Result<(), BadCbor> {
        match info {
            20..=22 => Ok(()),
            25..=27 if self.form == Form::Deterministic => Err(BadCbor::NotInDocuments),
            25 => self.take(2).map(|_| ()),
            26 => self.take(4).map(|_| ()),
            27 => self.take(8).map(|_| ()),
            _ => Err(BadCbor::Encoding),
        }
    }

    /// The argument of an initial byte (§3), in its shortest form where required.
    fn argument(&mut self, info: u8) -> Result<u64, BadCbor> {
        let (width, least) = match info {
            0..=23 => return Ok(u64::from(info)),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return Err(BadCbor::Encoding),
        };
        let value = self
            .take(width)?
            .iter()
            .fold(0, |value: u64, &byte| value << 8 | u64::from(byte));
        if self.form == Form::Deterministic && value < least {
            return Err(BadCbor::NotShortest);
        }
        Ok(value)
    }

    fn take_long(&mut self, length: u64) -> Result<&'a [u8], BadCbor> {
        self.take(usize::try_from(length).map_err(|_| BadCbor::Truncated)?)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], BadCbor> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length).ok_or(BadCbor::Truncated)?;
        self.at += length;
        Ok(taken)
    }
}
