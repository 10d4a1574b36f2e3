//! Which machines have which component, in memory: a bitmap of machines per component.
//! "Who still runs X below Y in this unit" is a walk over bitmaps. Pure but for loading.

use crate::store::{Store, StoreError};
use patchward_common::id::MachineId;
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Weak};

/// Component numbers by machine and machine numbers by component.
#[derive(Default)]
pub struct Index {
    machines: Vec<MachineId>,
    numbers: HashMap<MachineId, u32>,
    /// By component number: the machines that have it.
    holders: Vec<RoaringBitmap>,
    /// By machine number: the components that it has. Machines of one image share it.
    sets: Vec<Arc<RoaringBitmap>>,
    /// The sets that are in use, by a hash of their members.
    shared: HashMap<u64, Weak<RoaringBitmap>>,
    /// At how many of them those that nobody uses any more are looked for.
    sweep_at: usize,
}

/// Fewest sets at which it is worth looking for those that nobody uses any more.
const SWEEP_LEAST: usize = 1_024;

impl Index {
    /// Replaces what a machine has.
    pub fn put(&mut self, machine: MachineId, members: &RoaringBitmap) {
        let set = self.share(members);
        let number = self.number(machine);
        let had = &*self.sets[number as usize];
        let (gone, new) = (had - &*set, &*set - had);
        for component in gone {
            if let Some(holders) = self.holders.get_mut(component as usize) {
                holders.remove(number);
            }
        }
        for component in new {
            self.holders(component).insert(number);
        }
        self.sets[number as usize] = set;
    }

    /// Puts in machines of one image that are not there yet. They get numbers in a row, so that a
    /// component takes in all of them at once: 50,000 machines with 2,000 components each are a
    /// hundred million single entries.
    fn put_image(&mut self, machines: Vec<MachineId>, members: &RoaringBitmap) {
        let (set, first) = (self.share(members), self.machines.len() as u32);
        for machine in machines {
            self.number(machine);
            if let Some(own) = self.sets.last_mut() {
                *own = Arc::clone(&set);
            }
        }
        let numbers = first..self.machines.len() as u32;
        for component in &*set {
            self.holders(component).insert_range(numbers.clone());
        }
    }

    fn holders(&mut self, component: u32) -> &mut RoaringBitmap {
        let at = component as usize;
        if self.holders.len() <= at {
            self.holders.resize_with(at + 1, RoaringBitmap::new);
        }
        &mut self.holders[at]
    }

    /// The one copy of a set that is kept.
    fn share(&mut self, members: &RoaringBitmap) -> Arc<RoaringBitmap> {
        let mut hash = DefaultHasher::new();
        members.iter().for_each(|member| member.hash(&mut hash));
        let hash = hash.finish();
        let known = self.shared.get(&hash).and_then(Weak::upgrade);
        if let Some(known) = known.filter(|known| **known == *members) {
            return known;
        }
        let mut own = members.clone();
        own.optimize();
        let own = Arc::new(own);
        self.shared.insert(hash, Arc::downgrade(&own));
        if self.shared.len() > self.sweep_at {
            self.shared.retain(|_, set| set.strong_count() > 0);
            self.sweep_at = SWEEP_LEAST.max(2 * self.shared.len());
        }
        own
    }

    fn number(&mut self, machine: MachineId) -> u32 {
        let next = self.machines.len() as u32;
        let number = *self.numbers.entry(machine).or_insert(next);
        if number == next {
            self.machines.push(machine);
            self.sets.push(Arc::default());
        }
        number
    }

    /// The bitmap of some machines: a unit, a group. Machines without an inventory are
    /// not in it.
    pub fn bitmap<'m>(&self, machines: impl IntoIterator<Item = &'m MachineId>) -> RoaringBitmap {
        let numbers = machines.into_iter();
        numbers
            .filter_map(|machine| self.numbers.get(machine).copied())
            .collect()
    }

    /// Which machines have each of these components, within `among` where it is given;
    /// components that nobody has are left out.
    pub fn held(
        &self,
        components: impl IntoIterator<Item = u32>,
        among: Option<&RoaringBitmap>,
    ) -> Vec<(u32, RoaringBitmap)> {
        let held = components.into_iter().filter_map(|component| {
            let holders = self.holders.get(component as usize)?;
            let machines = match among {
                Some(among) => holders & among,
                None => holders.clone(),
            };
            (!machines.is_empty()).then_some((component, machines))
        });
        held.collect()
    }

    /// The machines of a bitmap, by their numbers here.
    pub fn ids(&self, machines: &RoaringBitmap) -> Vec<MachineId> {
        let known = machines.iter();
        let known = known.filter_map(|number| self.machines.get(number as usize).copied());
        known.collect()
    }

    /// Whether a machine has an inventory.
    pub fn has(&self, machine: &MachineId) -> bool {
        self.numbers.contains_key(machine)
    }

    /// How many machines have an inventory.
    pub fn machines(&self) -> usize {
        self.machines.len()
    }
}

/// Fills the index from the store.
pub(super) async fn load(store: &Store) -> Result<Index, StoreError> {
    let mut view = store.view().await?;
    let mut index = Index::default();
    let mut images: HashMap<_, Vec<_>> = HashMap::new();
    for row in view.machine_sets().await? {
        images.entry(row.digest).or_default().push(row.machine);
    }
    let mut after = None;
    loop {
        let page = view.sets_after(after.as_ref()).await?;
        let Some((last, _)) = page.last() else {
            break;
        };
        after = Some(*last);
        for (digest, members) in page {
            // A set that nobody has any more is not swept at once.
            if let Some(machines) = images.remove(&digest) {
                index.put_image(machines, &members);
            }
        }
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(n: u8) -> MachineId {
        MachineId([n; 32])
    }

    /// The machines that have any of these components.
    fn holders<const N: usize>(
        index: &Index,
        components: [u32; N],
        among: Option<&RoaringBitmap>,
    ) -> Vec<MachineId> {
        let mut found = RoaringBitmap::new();
        for (_, machines) in index.held(components, among) {
            found |= machines;
        }
        index.ids(&found)
    }

    #[test]
    fn machines_of_one_image_share_their_set_until_one_changes() {
        let mut index = Index::default();
        let image = RoaringBitmap::from([1, 2, 70_000]);
        index.put(machine(1), &image);
        index.put(machine(2), &image.clone());
        assert!(Arc::ptr_eq(&index.sets[0], &index.sets[1]));
        index.put(machine(2), &RoaringBitmap::from([2]));
        assert_eq!(*index.sets[0], image);
        // What nobody uses any more is let go.
        for round in 0..3_000 {
            index.put(machine(2), &RoaringBitmap::from([round]));
        }
        assert!(
            index.shared.len() <= 2 * SWEEP_LEAST,
            "{}",
            index.shared.len()
        );
    }

    #[test]
    fn machines_of_one_image_are_found_and_change_as_others_do() {
        let mut index = Index::default();
        index.put_image(vec![machine(1), machine(2)], &RoaringBitmap::from([1, 2]));
        index.put_image(vec![machine(3)], &RoaringBitmap::from([2, 3]));
        assert!(Arc::ptr_eq(&index.sets[0], &index.sets[1]));
        assert_eq!(holders(&index, [1], None), [machine(1), machine(2)]);
        assert_eq!(holders(&index, [2], None), [1, 2, 3].map(machine));
        index.put(machine(1), &RoaringBitmap::from([3]));
        assert_eq!(holders(&index, [3], None), [machine(1), machine(3)]);
        assert_eq!(holders(&index, [1], None), [machine(2)]);
    }

    #[test]
    fn machines_are_found_by_component_and_unit() {
        let mut index = Index::default();
        index.put(machine(1), &RoaringBitmap::from([1, 2, 70_000]));
        index.put(machine(2), &RoaringBitmap::from([2, 3]));
        assert_eq!(holders(&index, [2], None), [machine(1), machine(2)]);
        assert_eq!(holders(&index, [3, 70_000], None), [machine(1), machine(2)]);
        assert!(holders(&index, [4, 99_999_999], None).is_empty());
        let unit = index.bitmap([&machine(2), &machine(9)]);
        assert_eq!(holders(&index, [2], Some(&unit)), [machine(2)]);
        let held = index.held([1, 2, 3, 4], Some(&unit));
        let held: Vec<_> = held.iter().map(|(c, m)| (*c, index.ids(m))).collect();
        assert_eq!(held, [(2, vec![machine(2)]), (3, vec![machine(2)])]);
        assert_eq!(index.held([70_000], None).len(), 1);
        assert!(index.has(&machine(1)) && !index.has(&machine(9)));
    }

    #[test]
    fn a_change_replaces_what_was_there() {
        let mut index = Index::default();
        index.put(machine(1), &RoaringBitmap::from([1, 2]));
        index.put(machine(1), &RoaringBitmap::from([2, 3]));
        assert!(holders(&index, [1], None).is_empty());
        assert_eq!(holders(&index, [3], None), [machine(1)]);
        assert_eq!(index.machines(), 1);
    }

    proptest::proptest! {
        /// The walk over bitmaps and a search through every set agree.
        #[test]
        fn the_index_agrees_with_the_sets(
            puts in proptest::collection::vec((0u8..6, proptest::collection::vec(0u32..12, 0..8)), 0..40),
            wanted in 0u32..12,
        ) {
            let mut index = Index::default();
            let mut sets = std::collections::BTreeMap::new();
            for (n, members) in puts {
                let members: RoaringBitmap = members.into_iter().collect();
                index.put(machine(n), &members);
                sets.insert(machine(n), members);
            }
            let mut found = holders(&index, [wanted], None);
            found.sort();
            let expected: Vec<_> = sets.iter().filter(|(_, s)| s.contains(wanted)).map(|(m, _)| *m).collect();
            proptest::prop_assert_eq!(found, expected);
        }
    }
}
