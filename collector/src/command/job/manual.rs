//! Work by hand: a person begins it in its slot, and records what came of it.

use super::super::Caller;
use super::super::file::{self, InputFile};
use super::super::zones::Zones;
use super::{find, name, told};
use crate::app::App;
use crate::control::{Failure, Output};
use crate::rollout::go::{Planned, decide};
use crate::store::go::GoAsk;
use crate::store::jobs::Job;
use crate::store::manual::{NewRecord, ReadVersions, RecordOutcome};
use crate::store::{Change, View};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Label, Name, Nonce};
use patchward_common::job::{Outside, Reason, State};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::check::may_start_at;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Largest photo: one of a telephone's.
const MAX_PHOTO_BYTES: usize = 16 * 1024 * 1024;
/// Longest version that is typed.
const MAX_VERSION_BYTES: usize = 128;

/// What a person records of work by hand.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Done {
    /// The job's id, or the first digits of it
    pub(super) job: String,
    /// The version that was there before; PRODUCT=VERSION, for each product, where the plan
    /// has several
    #[arg(long, required = true)]
    before: Vec<String>,
    /// The version that is there now, in the same way
    #[arg(long, required = true)]
    after: Vec<String>,
    /// The number of the work order
    #[arg(long)]
    work_order: Label,
    /// A photo, PNG or JPEG, with no patient in it
    #[arg(long)]
    photo: Option<InputFile>,
    /// Who did the work, where it was somebody else
    #[arg(long)]
    by: Option<Label>,
    /// Why the new version is not there
    #[arg(long)]
    failed: Option<Label>,
}

/// Begins the work of a manual job: the same decision as for a machine's go, and from then
/// on the machine counts as down.
///
/// # Errors
/// A conflict where the decision says no, or where the machine has an agent.
pub(super) async fn start(app: &App, caller: &Caller, id: &JobId) -> Result<Output, Failure> {
    // "Ready" looks at when machines were last heard; what is batched counts too.
    app.fleet
        .flush()
        .await
        .map_err(|error| Failure::conflict(error.to_string()))?;
    let mut change = app.change(caller).await?;
    let machine = find(change.view(), id).await?.machine;
    change.lock_groups_of(&machine).await?;
    let now = change.now();
    let job = by_hand(change.view(), id).await?;
    let name = name(change.view(), &machine).await?;
    let mut planned = planned(change.view(), &job).await?;
    planned.clocks = app.fleet.clocks().wrong();
    let ask = GoAsk {
        machine,
        job: *id,
        nonce: Nonce([0; 32]),
        longest_run_ms: planned.approval.longest_run_ms(),
    };
    let snapshot = change.view().go_snapshot(&ask, now).await?;
    let zones = Zones::read(change.view()).await?;
    let next = next_slot(&planned.leaf, now);
    let next = next.map(|at| zones.text(Some(&planned.leaf.unit), at));
    let next = next.map_or_else(String::new, |at| format!("; its next slot begins {at}"));
    let refuse = |why: String| Failure::conflict(format!("Do not begin on {name}: {why}{next}."));
    decide(&snapshot, &planned, now).map_err(|not| refuse(not.to_string()))?;
    let longest_ms = planned.approval.longest_run_ms();
    let slot =
        may_start_at(&planned.leaf, longest_ms, now).map_err(|why| refuse(why.to_string()))?;
    let state = job
        .state
        .after_outside(Outside::Begun)
        .map_err(|unexpected| refuse(unexpected.to_string()))?;
    change.note("job.start", id, &serde_json::json!({ "machine": machine }));
    change
        .move_job(&job, &state, Some(slot), job.attempt + 1)
        .await?;
    change.commit().await?;
    Ok(Output::Text(format!(
        "Begin on {name}: it counts as down from now on, and its slot ends {}. Record the work \
         with `job done`.",
        zones.text(Some(&planned.leaf.unit), slot.end())
    )))
}

/// When the next slot of a machine begins, where none is open now.
fn next_slot(leaf: &PlanLeaf, now: UtcMs) -> Option<UtcMs> {
    let mut slots = leaf.slots.iter();
    if slots.any(|slot| slot.contains(now)) {
        return None;
    }
    let starts = leaf.slots.iter().map(|slot| slot.start());
    starts.filter(|start| now < *start).min()
}

/// Records the work of a manual job and ends it.
///
/// # Errors
/// Bad input where the versions are not those of the plan or the photo is none; a conflict
/// where the work was not begun.
pub(super) async fn done(
    app: &App,
    caller: &Caller,
    id: &JobId,
    said: &Done,
) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let job = by_hand(&mut view, id).await?;
    let (approval, _) = told::planned(&mut view, &job).await?;
    drop(view);
    let versions = versions(said, &approval)?;
    let (outcome, fact) = match &said.failed {
        Some(why) => (
            RecordOutcome::Failed,
            Outside::NotDone(Reason::new(why.as_str())),
        ),
        None => {
            installed(&versions, &approval)?;
            (RecordOutcome::Attested, Outside::Attested)
        }
    };
    let photo = match &said.photo {
        Some(photo) => Some(kept(app, photo).await?),
        None => None,
    };
    let mut change = app.change(caller).await?;
    let job = find(change.view(), id).await?;
    let name = name(change.view(), &job.machine).await?;
    let state = job.state.after_outside(fact).map_err(|_| {
        Failure::conflict(format!(
            "The work on {name} is not under way: its job is {}. `job start` begins it in its slot.",
            job.state.word()
        ))
    })?;
    let record = NewRecord {
        done_by: said.by.as_ref(),
        outcome,
        versions: &versions,
        work_order: &said.work_order,
        photo,
    };
    finish(&mut change, &job, &state, &record).await?;
    let listed = match outcome {
        RecordOutcome::Attested => list(&mut change, &job, &versions).await?,
        RecordOutcome::Failed => String::new(),
    };
    change.commit().await?;
    Ok(Output::Text(match outcome {
        RecordOutcome::Attested => format!(
            "The job of {name} is attested: it is a person's word, and nothing was measured. HTM \
             returns the machine to service with `job return`.{listed}"
        ),
        RecordOutcome::Failed => format!(
            "The job of {name} has failed. `job retry` lets it wait for a later slot of the same \
             approval, where one is left."
        ),
    }))
}

async fn finish(
    change: &mut Change,
    job: &Job,
    state: &State,
    record: &NewRecord<'_>,
) -> Result<(), Failure> {
    change.record_manual(job, record).await?;
    change.move_job(job, state, job.slot, job.attempt).await?;
    Ok(())
}

/// Takes what was read into the hospital's list, where it is the version that stands there:
/// advisories are held against the list, and would stay open on what was mended.
async fn list(
    change: &mut Change,
    job: &Job,
    versions: &[ReadVersions],
) -> Result<String, Failure> {
    let Some(asset) = change.view().asset_of(&job.machine).await? else {
        return Ok(String::new());
    };
    let (tag, was) = (&asset.tag, &asset.software_version);
    if let Some(now) = listed_now(was, versions) {
        change.set_software_version(tag, now).await?;
        return Ok(format!(
            "\nThe list has {now} for asset {tag} now, in place of {was}; advisories are held \
             against it within a minute. Tell whoever keeps the list, whose next import says it anew."
        ));
    }
    let says = match was.is_empty() {
        true => "names no version".to_owned(),
        false => format!("says {was}"),
    };
    Ok(format!(
        "\nThe list {says} for asset {tag}, which is not what was there before, and is left as it \
         is: where it speaks of this software, `advisory installed {tag} VERSION` sets it, so that \
         advisories on the old version end."
    ))
}

/// The version that the list should have: after the work, of the one product that had the
/// list's version before it. Which of several it would be nobody can tell.
fn listed_now<'a>(listed: &str, versions: &'a [ReadVersions]) -> Option<&'a str> {
    let mut same = versions.iter().filter(|read| read.before == listed);
    match (same.next(), same.next()) {
        (Some(read), None) => Some(read.after.as_str()),
        _ => None,
    }
}

/// The job, which must be one that people do.
pub(super) async fn by_hand(view: &mut View, id: &JobId) -> Result<Job, Failure> {
    let job = find(view, id).await?;
    match view.manual_worker(&job.machine).await? {
        Some(_) => Ok(job),
        None => Err(Failure::conflict(format!(
            "{} has an agent: its installer starts the job in its slot, and measures what comes \
             of it.",
            name(view, &job.machine).await?
        ))),
    }
}

async fn planned(view: &mut View, job: &Job) -> Result<Planned, Failure> {
    let (approval, leaf) = told::planned(view, job).await?;
    let vendors = view.vendors_of(&approval.releases).await?;
    Ok(Planned {
        approval,
        leaf,
        vendors,
        is_regressed: false,
        is_told: false,
        clocks: None,
    })
}

/// What was typed, for every product of the plan.
fn versions(said: &Done, approval: &Approval) -> Result<Vec<ReadVersions>, Failure> {
    let mut products: Vec<&Name> = approval
        .releases
        .iter()
        .map(|release| &release.release.product)
        .collect();
    products.dedup();
    let read = |product: &Name, typed: &[String], what: &str| {
        let prefix = format!("{product}=");
        let named = typed.iter().find_map(|text| text.strip_prefix(&prefix));
        let only = match (typed, products.len()) {
            ([text], 1) => Some(text.as_str()),
            _ => None,
        };
        let version = named.or(only).unwrap_or_default().trim();
        if version.is_empty() || version.len() > MAX_VERSION_BYTES {
            return Err(Failure::input(format!(
                "say which version of {product} was there {what} the work: --{what} {product}=VERSION, \
                 of up to {MAX_VERSION_BYTES} bytes"
            )));
        }
        Ok(version.to_owned())
    };
    let each = products.iter().map(|product| {
        Ok(ReadVersions {
            product: (*product).clone(),
            before: read(product, &said.before, "before")?,
            after: read(product, &said.after, "after")?,
        })
    });
    each.collect()
}

/// What is there now must be what was signed.
fn installed(versions: &[ReadVersions], approval: &Approval) -> Result<(), Failure> {
    for read in versions {
        let last = approval
            .releases
            .iter()
            .rev()
            .find(|release| release.release.product == read.product);
        let planned = last.map(|release| release.release.version.as_str());
        if let Some(planned) = planned.filter(|planned| *planned != read.after) {
            return Err(Failure::input(format!(
                "the plan installs {} {planned}, and {} is there now. Where that is so, say why \
                 with --failed; nothing is recorded yet",
                read.product, read.after
            )));
        }
    }
    Ok(())
}

/// Keeps a photo among the artifacts, under its digest.
async fn kept(app: &App, photo: &InputFile) -> Result<Digest, Failure> {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    const JPEG: &[u8] = b"\xff\xd8\xff";
    let bytes = photo.bytes.as_slice();
    if bytes.len() > MAX_PHOTO_BYTES {
        return Err(Failure::input(format!(
            "{}: a photo has up to {MAX_PHOTO_BYTES} bytes; make it smaller",
            photo.name
        )));
    }
    if !bytes.starts_with(PNG) && !bytes.starts_with(JPEG) {
        return Err(Failure::input(format!(
            "{}: it is neither PNG nor JPEG",
            photo.name
        )));
    }
    file::keep(app, bytes, "photo", "recorded").await
}

/// The photo that was kept with the work of a job.
pub(super) async fn photo(app: &App, view: &mut View, job: &Job) -> Result<Output, Failure> {
    let records = view.manual_records(&job.id).await?;
    let Some(name) = records.into_iter().rev().find_map(|record| record.photo) else {
        return Err(Failure::not_found(format!(
            "No photo is kept with job {}. `job show` has what is.",
            job.id
        )));
    };
    let bytes = file::kept(app, name, MAX_PHOTO_BYTES as u64, "photo").await?;
    Ok(Output::File {
        bytes: ByteBuf::from(bytes),
        text: format!("The photo of job {}, as it was handed in.", job.id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    #[test]
    fn the_list_is_set_by_the_one_product_that_it_speaks_of() -> Result<(), Box<dyn Error>> {
        let read = |product: &str, before: &str, after: &str| -> Result<_, Box<dyn Error>> {
            Ok(ReadVersions {
                product: Name::new(product)?,
                before: before.to_owned(),
                after: after.to_owned(),
            })
        };
        let two = [read("a", "2.5", "3.0")?, read("b", "1", "2")?];
        assert_eq!(listed_now("2.5", &two), Some("3.0"));
        assert_eq!(listed_now("2.4", &two), None);
        assert_eq!(listed_now("", &two), None);
        let alike = [read("a", "1", "3.0")?, read("b", "1", "2")?];
        assert_eq!(listed_now("1", &alike), None);
        Ok(())
    }
}
