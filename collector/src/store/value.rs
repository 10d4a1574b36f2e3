//! What goes into a statement and comes out of a row, the same for both engines:
//! 64-bit integers, text and byte strings.

use super::StoreError;
use crate::account::{Grant, Scope, SubjectId};
use patchward_common::component::Source;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, Label, MachineId, Name, Nonce, OutboxId};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::release::Provenance;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::KeyId;
use patchward_common::wire::machine::InterlockWord;

/// One argument of a statement. A missing value has a type too: PostgreSQL asks.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
    /// What no column of both engines can hold, and why; the statement is not run.
    Unfit(&'static str),
}

/// What can be an argument.
pub(super) trait ToValue {
    /// The missing value of its type.
    const NULL: Value;
    fn to_value(&self) -> Value;
}

/// The arguments of a statement, in the order of `$1`, `$2`, …
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::value::ToValue::to_value(&$value)),*] };
}
pub(super) use args;

/// One column of a row that was read.
#[derive(Debug)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Cell {
    /// The same as an argument; `null` where there is nothing.
    pub(super) fn or_null(self, null: &Value) -> Value {
        match self {
            Self::Null => null.clone(),
            Self::Int(value) => Value::Int(Some(value)),
            Self::Text(value) => Value::Text(Some(value)),
            Self::Blob(value) => Value::Blob(Some(value)),
        }
    }

    /// How much memory it takes, about.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => 8,
            Self::Text(value) => value.len(),
            Self::Blob(value) => value.len(),
        }
    }
}

/// What a column can be read as; `None` where it holds something else.
pub(super) trait FromCell: Sized {
    fn from_cell(cell: Cell) -> Option<Self>;
}

/// A row, read column by column from the left.
#[derive(Debug)]
pub(super) struct Row {
    cells: std::vec::IntoIter<Cell>,
    read: usize,
}

impl Row {
    pub(super) fn new(cells: Vec<Cell>) -> Self {
        Self {
            cells: cells.into_iter(),
            read: 0,
        }
    }

    /// The next column. What we never wrote is damage, not a panic.
    pub(super) fn next<T: FromCell>(&mut self) -> Result<T, StoreError> {
        self.read += 1;
        self.cells.next().and_then(T::from_cell).ok_or_else(|| {
            StoreError::Corrupt(format!(
                "column {} does not hold a {}",
                self.read,
                std::any::type_name::<T>()
            ))
        })
    }
}

/// A type that is read from a whole row.
pub(super) trait FromRow: Sized {
    fn from_row(row: &mut Row) -> Result<Self, StoreError>;
}

/// Reads a struct's fields from the columns of a row, in the order written here.
macro_rules! from_row {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::store::value::FromRow for $name {
            fn from_row(row: &mut $crate::store::value::Row) -> Result<Self, $crate::store::StoreError> {
                Ok(Self { $($field: row.next()?),* })
            }
        }
    };
}
pub(super) use from_row;

macro_rules! tuple_from_row {
    ($($name:ident),*) => {
        impl<$($name: FromCell),*> FromRow for ($($name,)*) {
            fn from_row(row: &mut Row) -> Result<Self, StoreError> {
                Ok(($(row.next::<$name>()?,)*))
            }
        }
    };
}
tuple_from_row!(A);
tuple_from_row!(A, B);
tuple_from_row!(A, B, C);
tuple_from_row!(A, B, C, D);
tuple_from_row!(A, B, C, D, E);
tuple_from_row!(A, B, C, D, E, F);

impl ToValue for i64 {
    const NULL: Value = Value::Int(None);
    fn to_value(&self) -> Value {
        Value::Int(Some(*self))
    }
}

impl FromCell for i64 {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Int(value) => Some(value),
            _ => None,
        }
    }
}

/// Integers of ours that are narrower than a column.
macro_rules! integers {
    ($($type:ty),*) => {$(
        impl ToValue for $type {
            const NULL: Value = Value::Int(None);
            fn to_value(&self) -> Value {
                Value::Int(Some(i64::from(*self)))
            }
        }

        impl FromCell for $type {
            fn from_cell(cell: Cell) -> Option<Self> {
                i64::from_cell(cell)?.try_into().ok()
            }
        }
    )*};
}
integers!(u16, u32);

impl ToValue for u64 {
    const NULL: Value = Value::Int(None);
    fn to_value(&self) -> Value {
        i64::try_from(*self).map_or(Value::Unfit("a number above 2^63-1"), |value| {
            Value::Int(Some(value))
        })
    }
}

impl FromCell for u64 {
    fn from_cell(cell: Cell) -> Option<Self> {
        i64::from_cell(cell)?.try_into().ok()
    }
}

impl ToValue for UtcMs {
    const NULL: Value = Value::Int(None);
    fn to_value(&self) -> Value {
        Value::Int(Some(self.0))
    }
}

impl FromCell for UtcMs {
    fn from_cell(cell: Cell) -> Option<Self> {
        i64::from_cell(cell).map(UtcMs)
    }
}

impl ToValue for str {
    const NULL: Value = Value::Text(None);
    fn to_value(&self) -> Value {
        // PostgreSQL has no such text; SQLite would cut it in comparisons.
        if self.contains('\0') {
            return Value::Unfit("text with a NUL character");
        }
        Value::Text(Some(self.to_owned()))
    }
}

impl ToValue for String {
    const NULL: Value = Value::Text(None);
    fn to_value(&self) -> Value {
        self.as_str().to_value()
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Text(value) => Some(value),
            _ => None,
        }
    }
}

impl ToValue for [u8] {
    const NULL: Value = Value::Blob(None);
    fn to_value(&self) -> Value {
        Value::Blob(Some(self.to_owned()))
    }
}

impl ToValue for Vec<u8> {
    const NULL: Value = Value::Blob(None);
    fn to_value(&self) -> Value {
        self.as_slice().to_value()
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Blob(value) => Some(value),
            _ => None,
        }
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    const NULL: Value = T::NULL;
    fn to_value(&self) -> Value {
        T::to_value(self)
    }
}

impl<T: ToValue> ToValue for Option<T> {
    const NULL: Value = T::NULL;
    fn to_value(&self) -> Value {
        self.as_ref().map_or(T::NULL, T::to_value)
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            other => T::from_cell(other).map(Some),
        }
    }
}

/// Types that are text in a column, written by `Display` and read by `FromStr`.
macro_rules! texts {
    ($($type:ty),* $(,)?) => {$(
        impl ToValue for $type {
            const NULL: Value = Value::Text(None);
            fn to_value(&self) -> Value {
                Value::Text(Some(self.to_string()))
            }
        }

        impl FromCell for $type {
            fn from_cell(cell: Cell) -> Option<Self> {
                String::from_cell(cell)?.parse().ok()
            }
        }
    )*};
}
texts!(
    Name, Label, MachineId, JobId, BootId, Nonce, OutboxId, Digest, KeyId, Grant, Scope, SubjectId
);

/// Enums of `common` that are one word in a column.
macro_rules! common_words {
    ($($type:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        impl ToValue for $type {
            const NULL: Value = Value::Text(None);
            fn to_value(&self) -> Value {
                match self {
                    $(Self::$variant => $word,)*
                }
                .to_value()
            }
        }

        impl FromCell for $type {
            fn from_cell(cell: Cell) -> Option<Self> {
                match String::from_cell(cell)?.as_str() {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}
common_words! {
    Class { Standard = "standard", Critical = "critical", LifeSupport = "life_support" }
    Mode { Observe = "observe", Rehearse = "rehearse", Active = "active", Manual = "manual" }
    Source { Deb = "deb", Rpm = "rpm", Probe = "probe", Tree = "tree", Firmware = "firmware" }
    Provenance { Attested = "attested", VendorSignature = "vendor_signature", Vendor = "vendor" }
    InterlockWord { Idle = "idle", InUse = "in_use", Unknown = "unknown" }
}

/// An enum that is one word in a column, in tables and in JSON.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Its word.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl $crate::store::value::ToValue for $name {
            const NULL: $crate::store::value::Value = $crate::store::value::Value::Text(None);
            fn to_value(&self) -> $crate::store::value::Value {
                $crate::store::value::Value::Text(Some(self.word().to_owned()))
            }
        }

        impl $crate::store::value::FromCell for $name {
            fn from_cell(cell: $crate::store::value::Cell) -> Option<Self> {
                match String::from_cell(cell)?.as_str() {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(super) use words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_another_type_is_damage() {
        let mut row = Row::new(vec![Cell::Text("x".into()), Cell::Int(-1), Cell::Null]);
        assert!(matches!(row.next::<i64>(), Err(StoreError::Corrupt(_))));
        assert!(matches!(row.next::<u32>(), Err(StoreError::Corrupt(_))));
        assert_eq!(row.next::<Option<UtcMs>>().unwrap(), None);
        assert!(matches!(row.next::<i64>(), Err(StoreError::Corrupt(_))));
    }

    #[test]
    fn what_no_column_holds_is_unfit() {
        assert!(matches!((1u64 << 63).to_value(), Value::Unfit(_)));
        assert!(matches!("a\0b".to_value(), Value::Unfit(_)));
        assert!(matches!(
            i64::MAX.cast_unsigned().to_value(),
            Value::Int(Some(i64::MAX))
        ));
    }
}
