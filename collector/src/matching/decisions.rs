//! What people said of entries and things, as a run looks it up.

use crate::advisory::entry::Entry;
use crate::advisory::identity::Thing;
use crate::advisory::{Advisory, Finding, Reason, Verdict, name};
use crate::control::Failure;
use crate::store::View;
use crate::store::advisories::Decision;
use std::collections::HashMap;

/// What decisions on an entry are remembered by: vendor, product and versions, in whatever
/// revision they stand.
pub fn product_key(advisory: &Advisory, entry: &Entry) -> String {
    let product = &advisory.products[entry.product];
    let who = entry.identities.iter().map(|one| name::key(&one.shown));
    let who = who.collect::<Vec<_>>().join(" + ");
    let version: Vec<&str> = product.version.text().split_whitespace().collect();
    format!("{who}@{}", version.join(" "))
}

/// Decisions that count, by advisory, product and thing.
pub(super) struct Decisions(HashMap<(String, String, String), Vec<Decision>>);

impl Decisions {
    pub(super) async fn read(view: &mut View) -> Result<Self, Failure> {
        let mut all: HashMap<_, Vec<Decision>> = HashMap::new();
        for one in view.decisions().await? {
            if one.ended_at.is_none() {
                let key = (one.advisory.clone(), one.product.clone(), one.who.clone());
                all.entry(key).or_default().push(one);
            }
        }
        Ok(Self(all))
    }

    /// What a person said of an entry and a thing; of its version before of every one.
    pub(super) fn of(&self, advisory: &Advisory, entry: &Entry, thing: &Thing) -> Option<Finding> {
        if self.0.is_empty() {
            return None;
        }
        let key = (
            advisory.id.clone(),
            product_key(advisory, entry),
            thing.who(),
        );
        let said = self.0.get(&key)?;
        let exact = said.iter().find(|one| one.version == thing.version);
        let one = exact.or_else(|| said.iter().find(|one| one.version.is_empty()))?;
        Some(Finding {
            verdict: Verdict::of_word(&one.value)?,
            reason: Reason::Decided(one.reason.clone()),
        })
    }
}
