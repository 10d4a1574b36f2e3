#![allow(unreachable_pub, reason = "the macro declares public types")]

use super::*;
use serde::Deserialize;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    zebra: u64,
    ant: String,
    list: Vec<i64>,
}

fn sample() -> Sample {
    Sample {
        zebra: 1_000_000,
        ant: "small".into(),
        list: vec![-1, 0, 1],
    }
}

fn problem(bytes: &[u8]) -> BadCbor {
    match decode_deterministic::<ciborium::Value>(bytes, 1_000) {
        Err(DecodeError::Malformed { problem, .. }) => problem,
        other => panic!("{bytes:02x?} gave {other:?}"),
    }
}

#[test]
fn documents_have_one_encoding() {
    let bytes = encode_deterministic(&sample());
    assert_eq!(bytes[1..5], *b"\x63ant", "the keys are sorted");
    assert_eq!(
        decode_deterministic::<Sample>(&bytes, 1_000).unwrap(),
        sample()
    );
    let unsorted = encode(&sample());
    assert_ne!(unsorted, bytes);
    assert_eq!(problem(&unsorted), BadCbor::KeyOrder);
    assert_eq!(decode::<Sample>(&unsorted, 1_000).unwrap(), sample());
}

/// Whatever is sorted as bytes is what it is when it is sorted as values.
#[test]
fn bytes_and_values_are_sorted_alike() {
    use ciborium::Value;
    use proptest::prelude::*;
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        ".{0,40}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(4, 64, 8, |inner| {
        let entries = prop::collection::btree_map(".{0,30}", inner.clone(), 0..8);
        let map = |entries: std::collections::BTreeMap<String, Value>| {
            let entries = entries.into_iter().rev();
            Value::Map(entries.map(|(key, value)| (key.into(), value)).collect())
        };
        prop_oneof![
            prop::collection::vec(inner, 0..8).prop_map(Value::Array),
            entries.prop_map(map),
        ]
    });
    proptest!(|(value in tree)| {
        let bytes = sort::sorted(&encode(&value));
        prop_assert_eq!(bytes, Some(encode_by_tree(&value)));
    });
    // What a document never has is left to the tree.
    assert_eq!(sort::sorted(&encode(&1.5f64)), None);
    assert_eq!(sort::sorted(b"\x9f\xff"), None);
    assert_eq!(sort::sorted(b"\x82\x01"), None);
}

#[test]
fn other_encodings_of_documents_are_refused() {
    for (bytes, expected) in [
        (&b""[..], BadCbor::Truncated),
        (b"\x18", BadCbor::Truncated),
        (b"\x01\x01", BadCbor::Trailing),
        (b"\x18\x17", BadCbor::NotShortest),
        (b"\x19\x00\xff", BadCbor::NotShortest),
        (
            b"\x1b\x00\x00\x00\x00\xff\xff\xff\xff",
            BadCbor::NotShortest,
        ),
        (b"\xa2\x01\x01\x01\x01", BadCbor::DuplicateKey),
        (b"\xa2\x02\x01\x01\x01", BadCbor::KeyOrder),
        (b"\x9f\xff", BadCbor::Encoding),
        (b"\x5f\x41a\xff", BadCbor::Encoding),
        (b"\x61\xff", BadCbor::NotUtf8),
        (b"\xf9\x3c\x00", BadCbor::NotInDocuments),
        (b"\xc0\x61a", BadCbor::NotInDocuments),
        (b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff", BadCbor::Truncated),
        (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", BadCbor::Truncated),
    ] {
        assert_eq!(problem(bytes), expected, "{bytes:02x?}");
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |depth: usize| [vec![0x81; depth], vec![0x01]].concat();
    assert!(decode::<ciborium::Value>(&nested(MAX_DEPTH), 1_000).is_ok());
    assert_eq!(problem(&nested(MAX_DEPTH + 1)), BadCbor::TooDeep);
    assert!(matches!(
        decode::<ciborium::Value>(&nested(20_000), 100_000),
        Err(DecodeError::Malformed { .. })
    ));
    assert!(matches!(
        decode::<u64>(b"\x19\xff\xff", 2),
        Err(DecodeError::TooLarge { limit: 2, found: 3 })
    ));
}

/// `count` times the item `item` in one array.
fn wide(count: u32, item: u8) -> Vec<u8> {
    let head = [&[0x9a][..], &count.to_be_bytes()].concat();
    [head, vec![item; count as usize]].concat()
}

#[test]
fn the_number_of_items_is_bounded_before_a_value_is_built() {
    use serde_bytes::ByteBuf;
    // Empty byte strings, empty arrays and nulls: one byte each, 24 and more in memory.
    for item in [0x40, 0x60, 0x80, 0xf6] {
        let bomb = wide(4_000_000, item);
        for outcome in [
            decode::<Vec<ciborium::Value>>(&bomb, 16 << 20).map(|read| read.len()),
            decode::<Vec<ByteBuf>>(&bomb, 16 << 20).map(|read| read.len()),
            decode::<serde::de::IgnoredAny>(&bomb, 16 << 20).map(|_| 0),
        ] {
            let at = 5 + (16 << 20) / BYTES_PER_ITEM - 1;
            assert!(
                matches!(
                    outcome,
                    Err(DecodeError::Malformed { at: found, problem: BadCbor::TooManyItems })
                        if found == at
                ),
                "{item:#x}: {outcome:?}"
            );
        }
    }
    let pairs = [&[0xb9, 0x04, 0x00][..], &[0x00; 2_048]].concat();
    assert!(matches!(
        decode::<ciborium::Value>(&pairs, 4_096),
        Err(DecodeError::Malformed {
            problem: BadCbor::TooManyItems,
            ..
        })
    ));
}

#[test]
fn what_a_limit_allows_follows_from_its_bytes() {
    for (limit, items) in [
        (0, MIN_ITEMS),
        (MIN_ITEMS * BYTES_PER_ITEM, MIN_ITEMS),
        (1 << 20, (1 << 20) / BYTES_PER_ITEM),
        (usize::MAX, MAX_ITEMS),
    ] {
        assert_eq!(max_items(limit), items, "{limit}");
    }
    let read = |count: u32| decode::<Vec<serde_bytes::ByteBuf>>(&wide(count, 0x40), 8_192);
    assert_eq!(
        read(1_023).unwrap().len(),
        1_023,
        "the array is an item too"
    );
    assert!(read(1_024).is_err());
}

/// Every document at its own limits is read: rosters are the densest.
#[test]
fn the_largest_documents_have_items_to_spare() {
    use crate::id::{Label, MachineId, Name};
    use crate::time::{Interval, UtcMs};
    use crate::trust::approval::{MAX_SLOTS, PlanLeaf};
    use crate::trust::roster::*;
    use crate::trust::sign::{Document as _, PublicKey};
    let name = |text: &str| Name::new(text).unwrap();
    let person = |n: usize| Person {
        id: name(&format!("{n}")),
        name: Label::new("A").unwrap(),
        roles: vec![SigningRole::Approver, SigningRole::Technician],
        units: Units::Only(vec![name("a"); 8]),
        keys: vec![
            PersonKey {
                key: PublicKey([1; 32]),
                kind: KeyKind::File,
                from: UtcMs(1_800_000_000_000),
                until: UtcMs(1_800_000_000_000),
            };
            MAX_PERSON_KEYS
        ],
    };
    let roster = Roster {
        number: 1,
        issued: UtcMs(1_800_000_000_000),
        expires: UtcMs(1_800_000_000_000),
        people: (0..MAX_PEOPLE).map(person).collect(),
        go_keys: Vec::new(),
        approvers: Approvers::default(),
    };
    let bytes = encode_deterministic(&roster);
    assert!(bytes.len() > Roster::MAX_BYTES / 2, "{}", bytes.len());
    assert_eq!(
        decode_deterministic::<Roster>(&bytes, Roster::MAX_BYTES).unwrap(),
        roster
    );
    let at = |n: i64| UtcMs(1_800_000_000_000 + n);
    let slots = (0..MAX_SLOTS as i64).map(|n| Interval::new(at(2 * n), at(2 * n + 1)).unwrap());
    let leaf = PlanLeaf {
        machine: MachineId([1; 32]),
        unit: name("icu"),
        class: Class::Standard,
        groups: vec![name("a"); 8],
        wave: 0,
        slots: slots.collect(),
    };
    let bytes = encode_deterministic(&leaf);
    let read = decode_deterministic::<PlanLeaf>(&bytes, crate::plan::MAX_LEAF_BYTES);
    assert_eq!(read.unwrap(), leaf);
}

#[test]
fn unknown_keys_are_refused_in_documents() {
    let bytes = encode_deterministic(&std::collections::BTreeMap::from([("extra", 1)]));
    assert!(matches!(
        decode_deterministic::<Sample>(&bytes, 1_000),
        Err(DecodeError::Shape(message)) if message.contains("extra")
    ));
}

crate::int_map! {
    /// A message for these tests.
    Small { 0 => count: u64, 1 => note: Option<String>, }
}

#[test]
fn integer_keys_skip_what_is_absent_and_ignore_what_is_new() {
    let small = Small {
        count: 7,
        note: None,
    };
    assert_eq!(encode(&small), b"\xa1\x00\x07");
    assert_eq!(
        decode::<Small>(b"\xa2\x00\x07\x09\x81\x01", 100).unwrap(),
        small
    );
    assert!(decode::<Small>(b"\xa1\x01\x61a", 100).is_err(), "no count");
    assert!(
        decode::<Small>(b"\xa2\x00\x07\x00\x08", 100).is_err(),
        "twice"
    );
}

#[test]
fn what_serde_reads_otherwise_is_refused_in_documents() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Loose {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        a: Option<u8>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        b: Vec<u8>,
    }
    let read = |bytes: &[u8]| decode_deterministic::<Loose>(bytes, 100);
    assert!(read(b"\xa0").is_ok() && read(b"\xa1\x61a\x07").is_ok());
    for other in [&b"\xa1\x61a\xf6"[..], b"\xa1\x61b\x80"] {
        assert!(matches!(read(other), Err(DecodeError::OtherEncoding)));
        assert!(decode::<Loose>(other, 100).is_ok(), "messages may");
    }
    let digest = encode_deterministic(&crate::digest::Digest([1; 32]));
    let as_list = encode_deterministic(&vec![1u8; 32]);
    let read = |bytes: &[u8]| decode_deterministic::<crate::digest::Digest>(bytes, 100);
    assert!(read(&digest).is_ok());
    assert!(read(&as_list).is_err());
}

proptest::proptest! {
    /// Whatever the bytes are, reading them ends with a value or an error, and
    /// what is accepted as a document is written back as the same bytes.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = decode::<ciborium::Value>(&bytes, 1_000);
        if let Ok(value) = decode_deterministic::<ciborium::Value>(&bytes, 1_000) {
            proptest::prop_assert_eq!(encode_deterministic(&value), bytes);
        }
    }
}
