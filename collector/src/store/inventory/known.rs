//! Components by their numbers, as they were read: a number stands for one component for good,
//! so that no collector has to read it twice.

use super::Numbered;
use crate::store::{StoreError, View};
use patchward_common::component::{Component, Source};
use roaring::RoaringBitmap;
use std::sync::{Arc, PoisonError, RwLock};

/// Components that are read at once; the largest hospitals have some hundred thousand.
const PAGE: u32 = 10_000;

/// The components of all the hospital that have been read, by their numbers from 1.
#[derive(Debug, Default)]
pub(in crate::store) struct Known {
    read: RwLock<Vec<Arc<Component>>>,
    /// Whoever reads more holds it: others wait for what comes of it.
    reading: tokio::sync::Mutex<()>,
}

impl Known {
    fn count(&self) -> u32 {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        u32::try_from(read.len()).unwrap_or(u32::MAX)
    }

    /// Adds those that come next; numbers have no gaps.
    fn add(&self, more: Vec<Numbered>) -> Result<(), StoreError> {
        let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
        for Numbered { number, component } in more {
            if u64::from(number) != read.len() as u64 + 1 {
                return Err(StoreError::Corrupt(format!(
                    "component {number} follows component {}",
                    read.len()
                )));
            }
            read.push(Arc::new(component));
        }
        Ok(())
    }

    /// All that a source found, with their numbers.
    fn found_by(&self, source: Source) -> Vec<Numbered> {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        let found = (1..).zip(read.iter());
        let found = found.filter(|(_, component)| component.source == source);
        let found = found.map(|(number, component)| Numbered {
            number,
            component: Component::clone(component),
        });
        found.collect()
    }

    /// Those with these numbers; `None` where one is missing.
    fn of(&self, numbers: &RoaringBitmap) -> Option<Vec<Arc<Component>>> {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        let component = |number: u32| read.get(number.checked_sub(1)? as usize).cloned();
        numbers.iter().map(component).collect()
    }
}

impl View {
    /// Reads the components that are new since somebody asked last: who asks for a set of them
    /// afterwards waits for nothing.
    pub async fn know_components(&mut self) -> Result<(), StoreError> {
        let known = Arc::clone(&self.known);
        let _alone = known.reading.lock().await;
        loop {
            let page = self.components_after(known.count(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            known.add(page)?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Every version that a probe found, by name.
    pub async fn probed_components(&mut self) -> Result<Vec<Numbered>, StoreError> {
        self.know_components().await?;
        let mut found = self.known.found_by(Source::Probe);
        found.sort_by(|a, b| a.component.cmp(&b.component));
        Ok(found)
    }

    /// The components with these numbers, by number; `None` where there is none of one.
    pub async fn components_numbered(
        &mut self,
        numbers: &RoaringBitmap,
    ) -> Result<Option<Vec<Arc<Component>>>, StoreError> {
        if let Some(found) = self.known.of(numbers) {
            return Ok(Some(found));
        }
        self.know_components().await?;
        Ok(self.known.of(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: u32) -> Numbered {
        Numbered {
            number,
            component: Component {
                source: Source::Deb,
                name: format!("package-{number}"),
                version: "1".to_owned(),
                arch: String::new(),
            },
        }
    }

    #[test]
    fn a_number_that_was_not_read_is_none() {
        let known = Known::default();
        known.add(vec![numbered(1), numbered(2)]).unwrap();
        let names = |numbers: &[u32]| {
            let found = known.of(&numbers.iter().collect())?;
            let names = found.iter().map(|one| one.name.clone());
            Some(names.collect::<Vec<String>>())
        };
        assert_eq!(names(&[2]), Some(vec!["package-2".to_owned()]));
        assert_eq!(names(&[]), Some(Vec::new()));
        assert_eq!(names(&[1, 3]), None);
        assert_eq!(names(&[0]), None, "the first is 1");
        assert_eq!(known.count(), 2);
    }

    #[test]
    fn a_gap_is_damage() {
        let known = Known::default();
        known.add(vec![numbered(1)]).unwrap();
        let gap = known.add(vec![numbered(3)]);
        assert!(matches!(gap, Err(StoreError::Corrupt(_))), "{gap:?}");
    }
}
