//! `protocol.cddl` and the messages agree: every example of every version that was
//! released, and of the one in the making, is valid; every choice has an example.
// clippy.toml allows them in test functions; what these call is test code too.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod schema;

use schema::{Rule, choices, word};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The kinds of messages in the fixtures, and their rules.
const RULES: [(&str, &str); 6] = [
    ("request", "request"),
    ("answer", "answer"),
    ("nudge", "nudge"),
    ("held", "held"),
    ("local request", "local-request"),
    ("local answer", "local-answer"),
];

/// What the examples say: rule, name, bytes.
fn examples() -> Vec<(&'static str, String, Vec<u8>)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../integration-tests/fixtures");
    let mut found = Vec::new();
    for version in std::fs::read_dir(fixtures).unwrap() {
        let text = std::fs::read_to_string(version.unwrap().path().join("wire.txt")).unwrap();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some((kind, name)) = line.strip_prefix("== ").and_then(|l| l.split_once(": "))
            else {
                continue;
            };
            let hex = lines.next().unwrap();
            if let Some((_, rule)) = RULES.iter().find(|(known, _)| *known == kind) {
                let mut bytes = vec![0; hex.len() / 2];
                patchward_common::bytes::decode_hex(hex, &mut bytes).unwrap();
                found.push((*rule, name.to_owned(), bytes));
            }
        }
    }
    found
}

fn rules() -> BTreeMap<&'static str, Rule> {
    RULES.map(|(_, rule)| (rule, Rule::new(rule))).into()
}

#[test]
fn every_example_is_valid() {
    let examples = examples();
    assert!(examples.len() > 40, "only {} examples", examples.len());
    let rules = rules();
    for (rule, name, bytes) in examples {
        rules[rule]
            .check(&bytes)
            .unwrap_or_else(|error| panic!("{rule}, {name}: {error}"));
    }
}

#[test]
fn every_choice_has_an_example() {
    let examples = examples();
    for (_, rule) in RULES {
        let mut of_rule = examples.iter().filter(|(of, _, _)| *of == rule);
        let choices = choices(rule);
        if choices.is_empty() {
            assert!(
                of_rule.next().is_some(),
                "{rule} has one form and no example"
            );
            continue;
        }
        let shown: BTreeSet<String> = of_rule.map(|(_, _, bytes)| word(bytes)).collect();
        assert_eq!(shown, choices, "{rule}");
    }
}

/// The schema can fail: what it says is looked at.
#[test]
fn what_is_wrong_is_found() {
    let (examples, rules) = (examples(), rules());
    let example = |rule: &str, name: &str| {
        let found = examples.iter().find(|(r, n, _)| *r == rule && n == name);
        let (_, _, bytes) = found.unwrap();
        ciborium::from_reader::<ciborium::Value, _>(&bytes[..]).unwrap()
    };
    let bytes = |value: &ciborium::Value| {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).unwrap();
        bytes
    };
    let inner = |value: &mut ciborium::Value| {
        let map = value.as_map_mut().unwrap();
        std::mem::take(map[0].1.as_map_mut().unwrap())
    };
    for (rule, name) in [
        ("request", "hello"),
        ("request", "go"),
        ("request", "journal"),
        ("answer", "hello"),
        ("answer", "refused"),
        ("local-answer", "status"),
    ] {
        let whole = example(rule, name);
        let fields = inner(&mut whole.clone());
        for at in 0..fields.len() {
            let optional = fields[at].0.as_integer();
            if name == "hello" && optional.is_some_and(|key| [9, 10].map(Into::into).contains(&key))
            {
                continue;
            }
            // Without a field, and with another type in it.
            let mut without = fields.clone();
            without.remove(at);
            let mut other = fields.clone();
            other[at].1 = ciborium::Value::Float(0.5);
            for broken in [without, other] {
                let mut message = whole.clone();
                message.as_map_mut().unwrap()[0].1 = ciborium::Value::Map(broken);
                let found = rules[rule].check(&bytes(&message));
                assert!(found.is_err(), "{rule}, {name}, field {at}");
            }
        }
    }
    let unknown = bytes(&ciborium::Value::Text("reboot".into()));
    assert!(rules["nudge"].check(&unknown).is_err());
}
