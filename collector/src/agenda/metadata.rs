//! Vendors' metadata that ends before slots that are planned or signed.

use crate::authority::newest;
use crate::control::Failure;
use crate::planning;
use crate::store::View;
use crate::store::documents::DocumentKind;
use crate::store::plans::PlanState;
use crate::store::vendors::{TufFile, Vendor};
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::charter::{Charter, Publisher};
use std::collections::BTreeMap;

/// How long before its end somebody is told whatever is planned: a vendor publishes weekly.
const ENDS_SOON_MS: i64 = 3 * DAY_MS;
/// How long before its end somebody is told where a slot lies behind it: a vendor has to be
/// asked, and needs days.
const BEFORE_SLOT_MS: i64 = 7 * DAY_MS;

/// What is said about a vendor's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Since when.
    pub since: UtcMs,
    /// Why.
    pub why: String,
}

/// Whether somebody is told that metadata ends at `ends`. `last` is the end of the last slot
/// that needs it.
fn ending(ends: UtcMs, last: Option<UtcMs>, now: UtcMs) -> Option<Ending> {
    let behind = last.filter(|last| ends < *last);
    let before = behind.map_or(ENDS_SOON_MS, |_| BEFORE_SLOT_MS);
    let since = ends.plus_ms(-before);
    (since <= now).then(|| Ending {
        since,
        why: match behind {
            None => format!("its metadata ends at {ends}; import it again"),
            Some(last) => format!(
                "its metadata ends at {ends}, and slots that need it go on until {last}: nothing \
                 would start in them; import it again, and ask the vendor if it is the same"
            ),
        },
    })
}

/// The end of the last slot that needs each repository, over plans that are drafted or active.
async fn last_slots(view: &mut View) -> Result<BTreeMap<Name, UtcMs>, Failure> {
    let mut last: BTreeMap<Name, UtcMs> = BTreeMap::new();
    for state in [PlanState::Draft, PlanState::Active] {
        for plan in view.plans(Some(state)).await? {
            let signed = planning::signed(view, &plan.id).await?;
            let Ok(approval) = signed.peek() else {
                continue;
            };
            for release in &approval.releases {
                // An approval expires with its last slot.
                let end = last
                    .entry(release.repository.clone())
                    .or_insert(approval.expires);
                *end = approval.expires.max(*end);
            }
        }
    }
    Ok(last)
}

/// The hospital's own repositories, as the charter names them; none before there is one.
pub async fn own(view: &mut View) -> Result<Vec<Name>, Failure> {
    let Some(charter) = newest::<Charter>(view, DocumentKind::Charter).await? else {
        return Ok(Vec::new());
    };
    let Ok(charter) = charter.peek() else {
        return Ok(Vec::new());
    };
    let own = charter.vendors.into_iter();
    let own = own.filter(|grant| grant.publisher == Publisher::Custodian);
    Ok(own.map(|grant| grant.repository).collect())
}

/// When the metadata of a vendor ends that somebody outside has to renew. Of the hospital's
/// own repository the collector renews snapshot and timestamp itself.
fn ends(vendor: &Vendor, files: &[TufFile], own: &[Name]) -> Option<UtcMs> {
    if !own.contains(&vendor.repository) {
        return planning::metadata_expires(files);
    }
    let fresh =
        |file: &&TufFile| !file.file.ends_with("snapshot.json") && file.file != "timestamp.json";
    let offline: Vec<TufFile> = files.iter().filter(fresh).cloned().collect();
    planning::metadata_expires(&offline)
}

/// The vendors whose metadata ends soon or has ended, each with its end and what is said of it.
pub async fn all_ending(
    view: &mut View,
    now: UtcMs,
) -> Result<Vec<(Name, UtcMs, Ending)>, Failure> {
    let last = last_slots(view).await?;
    let own = own(view).await?;
    let mut all = Vec::new();
    for vendor in view.vendors().await? {
        let files = view.tuf_files(&vendor.repository).await?;
        let needed = last.get(&vendor.repository).copied();
        if let Some(ends) = ends(&vendor, &files, &own)
            && let Some(told) = ending(ends, needed, now)
        {
            all.push((vendor.name, ends, told));
        }
    }
    Ok(all)
}

/// When the first of all vendors' metadata ends that somebody outside has to renew; `None`
/// where there is none.
pub async fn first_end(view: &mut View) -> Result<Option<UtcMs>, Failure> {
    let own = own(view).await?;
    let mut first = None;
    for vendor in view.vendors().await? {
        let files = view.tuf_files(&vendor.repository).await?;
        let end = ends(&vendor, &files, &own);
        first = first.into_iter().chain(end).min();
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_told_a_week_ahead_where_a_slot_lies_behind() {
        let day = |days: i64| UtcMs(days * DAY_MS);
        let (ends, since) = (day(20), |found: Option<Ending>| found.map(|one| one.since));
        assert_eq!(since(ending(ends, None, day(16))), None);
        assert_eq!(since(ending(ends, None, day(17))), Some(day(17)));
        // The slot ends before the metadata does.
        assert_eq!(since(ending(ends, Some(day(20)), day(16))), None);
        assert_eq!(since(ending(ends, Some(day(21)), day(12))), None);
        let told = ending(ends, Some(day(21)), day(13)).unwrap();
        assert_eq!(told.since, day(13));
        assert!(told.why.contains("nothing would start"), "{}", told.why);
    }
}
