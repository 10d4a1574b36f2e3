//! What the hospital has, kept from one run of the matching to the next: reading it takes
//! seconds, and most runs are for an advisory that is new.

use super::inventory::inventory;
use crate::advisory::matcher::Index;
use crate::control::Failure;
use crate::store::View;
use crate::store::advisories::Stamp;
use std::sync::{Arc, Mutex, PoisonError};

/// An index, and the state that it was made from.
type Made = (Stamp, Arc<Index>);

/// The index of the last run.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Option<Made>>>);

impl Kept {
    /// The index of what stands in `view`.
    pub async fn now(&self, view: &mut View) -> Result<Arc<Index>, Failure> {
        let stamp = view.matching_stamp().await?;
        self.index(view, &stamp).await
    }

    /// The index of what stands in `view`, whose state is `stamp`: the last one, where nothing
    /// of it has moved, or else a new one.
    pub(super) async fn index(
        &self,
        view: &mut View,
        stamp: &Stamp,
    ) -> Result<Arc<Index>, Failure> {
        let last = self.last();
        let index = match last {
            Some((old, index)) if view.has_the_same(&old, stamp).await? => index,
            _ => Arc::new(inventory(view).await?),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((*stamp, Arc::clone(&index)));
        Ok(index)
    }

    fn last(&self) -> Option<Made> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }
}
