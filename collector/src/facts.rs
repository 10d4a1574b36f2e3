//! What every machine says of itself, a part of the fleet at a time.

use crate::store::{StoreError, View};
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::id::MachineId;
use std::collections::HashMap;

/// Machines whose facts are read at once.
const PAGE: u32 = 1_000;

/// What is wanted of every machine's facts, by machine.
pub async fn of_all<T>(
    view: &mut View,
    wanted: impl Fn(Facts) -> Option<T>,
) -> Result<HashMap<MachineId, T>, StoreError> {
    let mut found = HashMap::new();
    let mut after = None;
    loop {
        let page = view.facts_after(after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(found);
        };
        after = Some(*last);
        for (machine, packed) in page {
            // What was stored was unpacked before; what cannot be read now is not known.
            let facts = PackedFacts::from_bytes(packed).unpack().ok();
            if let Some(one) = facts.and_then(&wanted) {
                found.insert(machine, one);
            }
        }
    }
}
