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
