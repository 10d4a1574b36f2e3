//! The schema of the messages, for the tests that hold bytes and types to it.

use cddl::ast::CDDL;
use cddl::validator::Validator as _;
use cddl::validator::cbor::CBORValidator;
use cddl::validator::cbor_value::decode_cbor;
use std::collections::BTreeSet;

const SCHEMA: &str = include_str!("../../src/wire/protocol.cddl");

/// A rule of the schema, parsed once: that takes a second.
pub(crate) struct Rule(&'static CDDL<'static>);

impl Rule {
    pub(crate) fn new(rule: &str) -> Self {
        // The first rule is the one that is asked for. Tests end soon: nothing leaks.
        let schema: &'static str = format!("start = {rule}\n{SCHEMA}").leak();
        let parsed = cddl::cddl_from_str(schema, true).unwrap();
        Self(Box::leak(Box::new(parsed)))
    }

    pub(crate) fn check(&self, bytes: &[u8]) -> Result<(), String> {
        let value = decode_cbor(bytes).map_err(|error| error.to_string())?;
        let mut validator = CBORValidator::new(self.0, value, None);
        validator.validate().map_err(|error| error.to_string())
    }
}

/// The word of a choice: itself, or the only key of its map.
pub(crate) fn word(bytes: &[u8]) -> String {
    match ciborium::from_reader(bytes).unwrap() {
        ciborium::Value::Text(word) => word,
        ciborium::Value::Map(map) => map[0].0.as_text().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// The words of a rule's choices, as the schema writes them.
pub(crate) fn choices(rule: &str) -> BTreeSet<String> {
    let start = SCHEMA.find(&format!("\n{rule} = ")).unwrap() + rule.len() + 4;
    // A rule goes on over the lines that are indented.
    let lines = SCHEMA[start..].lines().enumerate();
    let rule: Vec<&str> = lines
        .take_while(|(at, line)| *at == 0 || line.starts_with(' '))
        .map(|(_, line)| line)
        .collect();
    rule.join(" ")
        .split(" / ")
        .filter_map(|choice| choice.split('"').nth(1))
        .map(str::to_owned)
        .collect()
}
