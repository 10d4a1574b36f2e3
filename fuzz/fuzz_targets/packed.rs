//! Packed inventories, changes and facts.
//!
//! The first byte chooses the type; odd ones pack the rest first, so that the rows are
//! reached and not only the deflate stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::component::{
    ComponentSet, MAX_COMPONENTS, Pack, Packed, PackedComponents, PackedDelta, set_digest,
};
use patchward_common::facts::PackedFacts;
use std::fmt::Debug;

fn unpacked<T: Pack + PartialEq + Debug>(packed: &Packed<T>) -> Option<T> {
    let value = packed.unpack().ok()?;
    assert_eq!(Packed::of(&value).unpack().as_ref(), Ok(&value));
    Some(value)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let mut packed = rest.to_vec();
    if kind & 1 == 1 {
        packed.insert(0, 0); // The plain form.
    }
    match (kind >> 1) % 3 {
        0 => {
            if let Some(set) = unpacked(&PackedComponents::from_bytes(packed)) {
                assert!(set.len() <= MAX_COMPONENTS);
                assert_eq!(set.digest(), set_digest(&set));
                let empty = ComponentSet::default();
                assert_eq!(empty.apply(&empty.delta_to(&set)).as_ref(), Ok(&set));
                assert_eq!(set.apply(&set.delta_to(&empty)), Ok(empty));
            }
        }
        1 => {
            if let Some(delta) = unpacked(&PackedDelta::from_bytes(packed)) {
                let _ = ComponentSet::default().apply(&delta);
            }
        }
        _ => {
            if let Some(facts) = unpacked(&PackedFacts::from_bytes(packed)) {
                assert_eq!(facts.check(), Ok(()));
                let _ = facts.digest();
            }
        }
    }
});
