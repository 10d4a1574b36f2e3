//! No key twice in one JSON object. The TUF library keeps the last of two and signs
//! over that; another reader of the same bytes may take the first, and then two people
//! read two files under one signature.

use super::Problem;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

/// How much of a key a message shows: a vendor's longest path fits, a flood does not.
const SHOWN: usize = 200;

/// Refuses a file in which an object has a key twice, at any depth.
pub(super) fn keys_stand_once(bytes: &[u8]) -> Result<(), Problem> {
    let twice = RefCell::new(None);
    let place = Place {
        above: None,
        name: Name::Key(""),
        twice: &twice,
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde::de::DeserializeSeed::deserialize(place, &mut reader);
    let read = read.and_then(|()| reader.end());
    match (twice.take(), read) {
        (Some(problem), _) => Err(problem),
        (None, Err(cause)) => Err(Problem::Malformed(cause.to_string())),
        (None, Ok(())) => Ok(()),
    }
}

/// A value's place, as a chain to the top.
#[derive(Clone, Copy)]
struct Place<'a> {
    above: Option<&'a Place<'a>>,
    name: Name<'a>,
    /// What was found; the parser's own errors carry text only.
    twice: &'a RefCell<Option<Problem>>,
}

#[derive(Clone, Copy)]
enum Name<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    fn below(&'a self, name: Name<'a>) -> Self {
        Self {
            above: Some(self),
            name,
            twice: self.twice,
        }
    }

    /// As in `signed > targets > viewer/4.2.1.tar > custom`.
    fn path(&self) -> String {
        let Some(above) = self.above else {
            return String::new();
        };
        let name = match self.name {
            Name::Key(key) => shown(key),
            Name::Index(at) => format!("[{at}]"),
        };
        match above.path() {
            path if path.is_empty() => name,
            path => format!("{path} > {name}"),
        }
    }
}

fn shown(key: &str) -> String {
    key.chars().take(SHOWN).collect()
}

/// A key, borrowed from the file where nothing in it is escaped.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut at = 0;
        while items
            .next_element_seed(self.below(Name::Index(at)))?
            .is_some()
        {
            at += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Key(key)) = entries.next_key()? {
            entries.next_value_seed(self.below(Name::Key(&key)))?;
            keys.push(key);
        }
        // Most files are in order already, and then this is one comparison a key.
        keys.sort_unstable();
        let mut pairs = keys.iter().zip(keys.iter().skip(1));
        if let Some((key, _)) = pairs.find(|(one, next)| one == next) {
            self.twice.replace(Some(Problem::KeyTwice {
                key: shown(key),
                place: self.path(),
            }));
            return Err(A::Error::custom("a key stands twice"));
        }
        Ok(())
    }
}
