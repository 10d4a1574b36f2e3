//! What the author writes is what the verifier reads.

use super::*;

const FAR: UtcMs = UtcMs(4_102_444_800_000);

#[test]
fn numbers_that_are_not_whole_are_refused() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut edition = Edition::new(1, FAR);
    let custom = Some(json!({ "patchward": { "size": 1.5 } }));
    let target = TargetSpec::of(b"x", custom);
    edition.targets.insert("a".to_owned(), target);
    let keys = EditionKeys {
        timestamp: &[&key],
        snapshot: &[&key],
        targets: &[&key],
    };
    assert!(matches!(edition.sign(&keys), Err(AuthorError::Number)));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let root = RootSpec {
        version: 1,
        expires: FAR,
        consistent_snapshot: true,
        root: Holders::one(&key),
        timestamp: Holders::one(&key),
        snapshot: Holders::one(&key),
        targets: Holders::one(&key),
    };
    assert_eq!(root.sign(&[&key]).unwrap(), root.sign(&[&key]).unwrap());
    let text = String::from_utf8(root.sign(&[&key]).unwrap()).unwrap();
    assert!(
        text.contains("\"expires\":\"2100-01-01T00:00:00Z\""),
        "{text}"
    );
}
