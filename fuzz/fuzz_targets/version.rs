//! Version orders and ranges. Lines: a version, another, a third, a range.
//!
//! An order is turned around with its sides, equals itself, and what it says of
//! a < b < c it does not contradict for a and c.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::component::{Component, Source};
use patchward_common::version::{Range, compare};
use std::cmp::Ordering;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let source = Source::ALL[usize::from(*kind) % Source::ALL.len()];
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let (a, b, c, range) = (next(), next(), next(), next());
    let order = compare(source, a, b);
    assert_eq!(
        order,
        compare(source, b, a).map(Ordering::reverse),
        "{a:?} {b:?}"
    );
    assert!(matches!(
        compare(source, a, a),
        None | Some(Ordering::Equal)
    ));
    let third = (order, compare(source, b, c));
    if third == (Some(Ordering::Less), Some(Ordering::Less)) {
        assert!(
            matches!(compare(source, a, c), None | Some(Ordering::Less)),
            "{source:?} {a:?} {b:?} {c:?}"
        );
    }
    if let Ok(range) = Range::parse(source, range) {
        let _ = range.contains(a);
    }
    let component = Component {
        source,
        name: a.into(),
        version: b.into(),
        arch: c.into(),
    };
    let _ = (component.check(), component.purl("debian", "12"));
});
