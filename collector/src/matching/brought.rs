//! What releases would bring, as their bills of materials list it, held against advisories:
//! a release that ships what is vulnerable is seen before it is planned.

use super::decisions::Decisions;
use crate::advisory::Verdict;
use crate::advisory::entry::Entry;
use crate::advisory::identity::{Aliases, Purl, Thing};
use crate::advisory::matcher::{Index, Prepared, matches_with};
use crate::store::boms::ReleaseMatch;
use crate::store::{StoreError, View};
use patchward_common::digest::Digest;
use std::collections::HashMap;

/// The distinct components of all available releases.
pub(super) struct Brought {
    index: Index,
    /// The key of each.
    keys: Vec<String>,
    /// Which releases bring each.
    by: Vec<Vec<usize>>,
    releases: Vec<Digest>,
}

impl Brought {
    pub(super) async fn read(view: &mut View) -> Result<Self, StoreError> {
        let releases = view.releases_with_bom().await?;
        let (mut things, mut keys) = (Vec::new(), Vec::new());
        let mut by: Vec<Vec<usize>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (number, release) in releases.iter().enumerate() {
            for one in view.bom_components(release).await? {
                let thing = Thing::brought(one.source, &one.name, &one.version, &one.purl);
                let key = key(&thing);
                let place = *places.entry(key.clone()).or_insert(things.len());
                if place == things.len() {
                    things.push(thing);
                    keys.push(key);
                    by.push(Vec::new());
                }
                // Architectures of one version are one thing.
                if by[place].last() != Some(&number) {
                    by[place].push(number);
                }
            }
        }
        Ok(Self {
            index: Index::of(things),
            keys,
            by,
            releases,
        })
    }

    /// What an advisory says of them, but for what it does not affect; sorted.
    pub(super) fn matches(
        &self,
        prepared: &Prepared,
        aliases: &Aliases,
        decisions: &Decisions,
    ) -> Vec<ReleaseMatch> {
        let advisory = &prepared.advisory;
        if advisory.is_withdrawn() {
            return Vec::new();
        }
        let decided = |entry: &Entry, thing: &Thing| decisions.of(advisory, entry, thing);
        let mut rows = Vec::new();
        for one in matches_with(prepared, &self.index, aliases, &decided) {
            if one.finding.verdict == Verdict::NotAffected {
                continue;
            }
            rows.extend(self.by[one.thing].iter().map(|release| ReleaseMatch {
                release: self.releases[*release],
                advisory: advisory.id.clone(),
                thing: self.keys[one.thing].clone(),
                shown: self.index.thing(one.thing).shown(),
                value: one.finding.verdict.word().to_owned(),
                reason: one.finding.reason.word().to_owned(),
                why: one.finding.reason.to_string(),
            }));
        }
        rows.sort();
        rows
    }
}

/// Who it is, in its version, and of which distribution or publisher.
fn key(thing: &Thing) -> String {
    let of = |purl: &Purl| {
        let distro = purl.distro.as_deref().unwrap_or_default();
        format!("{}/{}/{} {distro}/", purl.kind, purl.namespace, purl.name)
    };
    let package = thing.package.as_ref().map(of).unwrap_or_default();
    format!("{package}{}", thing.key())
}
