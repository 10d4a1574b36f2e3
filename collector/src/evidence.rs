//! Puts a pack of evidence together: every document in its signed bytes. Whoever gets it
//! verifies it without us, so nothing is judged here.

use crate::authority;
use crate::control::Failure;
use crate::planning;
use crate::store::View;
use crate::store::documents::DocumentKind;
use crate::store::jobs::Job;
use crate::store::manual::{ReadVersions, RecordOutcome};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::evidence::{
    AttestedJob, AttestedWork, JobEvidence, MAX_EVENTS, MetadataDigest, Pack, ProvedLeaf,
};
use patchward_common::id::{Label, MachineId};
use patchward_common::job::{Event, JobEvent, ProductVersion};
use patchward_common::plan::{PlacedLeaf, Table, Tabled};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Assignment;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Largest signed event: its payload and one signature.
const MAX_EVENT_BYTES: usize = JobEvent::MAX_BYTES + 1_024;
/// Events that are read at once.
const PAGE: u32 = 1_000;

/// The evidence of `jobs`.
pub async fn pack(view: &mut View, jobs: &[Job], now: UtcMs) -> Result<Pack, Failure> {
    let held = authority::held(view).await?;
    let mut pack = Pack {
        made: now,
        audit_head: view.audit_head().await?.hash,
        chain: held.chain,
        rosters: Vec::new(),
        assignments: Vec::new(),
        approvals: Vec::new(),
        gos: Vec::new(),
        metadata: Vec::new(),
        jobs: Vec::new(),
        attested: Vec::new(),
    };
    let (mut rosters, mut assignments, mut approvals) =
        (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    let by_hand = view.manual_workers().await?;
    for job in jobs {
        if by_hand.contains_key(&job.machine) {
            pack.attested
                .push(attested(view, job, &mut approvals).await?);
            continue;
        }
        let found = of_job(view, job, &mut approvals).await?;
        for event in &found.events {
            if let Ok(event) = event.peek()
                && event.job == job.id
                && let Event::Started(start) = event.event
            {
                rosters.insert(start.roster);
                assignments.insert(start.assignment);
            }
        }
        for token in view.go_tokens(&job.id).await? {
            pack.gos.extend(codec::decode(&token, MAX_EVENT_BYTES).ok());
        }
        assignments.insert(found.assignment);
        pack.jobs.push(found);
    }
    for digest in rosters {
        pack.rosters
            .extend(document::<Roster>(view, &digest).await?);
    }
    for digest in assignments {
        pack.assignments
            .extend(document::<Assignment>(view, &digest).await?);
    }
    let mut repositories = BTreeSet::new();
    for approval in approvals.into_values() {
        if let Ok(approval) = approval.signed.peek() {
            repositories.extend(approval.releases.into_iter().map(|r| r.repository));
        }
        pack.approvals.push(approval.signed);
    }
    for repository in repositories {
        for file in view.tuf_files(&repository).await? {
            pack.metadata.push(MetadataDigest {
                repository: repository.clone(),
                file: file.file,
                sha256: file.digest,
            });
        }
    }
    Ok(pack)
}

/// What people recorded of a manual job.
async fn attested(
    view: &mut View,
    job: &Job,
    approvals: &mut Approvals,
) -> Result<AttestedJob, Failure> {
    let machine = view.machine(&job.machine).await?;
    let machine = machine.ok_or_else(|| {
        Failure::not_found(format!(
            "machine {} of job {} is not known",
            job.machine, job.id
        ))
    })?;
    if let Entry::Vacant(unknown) = approvals.entry(job.plan) {
        unknown.insert(planning::table(view, &job.plan).await?);
    }
    let damaged = || Failure::conflict(format!("what was recorded of job {} is damaged", job.id));
    let mut records = Vec::new();
    for record in view.manual_records(&job.id).await? {
        let read = |version: fn(&ReadVersions) -> &String| {
            let each = record.versions.iter().map(|read| ProductVersion {
                product: read.product.clone(),
                version: version(read).clone(),
            });
            each.collect()
        };
        records.push(AttestedWork {
            before: read(|read| &read.before),
            after: read(|read| &read.after),
            recorded_by: record.recorded_by,
            at: record.recorded_at,
            done_by: match record.done_by {
                Some(by) => Some(Label::new(&by).map_err(|_| damaged())?),
                None => None,
            },
            succeeded: record.outcome == RecordOutcome::Attested,
            work_order: Label::new(&record.work_order).map_err(|_| damaged())?,
            photo: record.photo,
        });
    }
    Ok(AttestedJob {
        job: job.id,
        machine: job.machine,
        name: machine.name,
        unit: machine.unit,
        approval: job.plan,
        outcome: job.state.clone(),
        records,
    })
}

async fn document<T: Document>(
    view: &mut View,
    digest: &Digest,
) -> Result<Option<Signed<T>>, Failure> {
    match view.document(digest).await? {
        Some(stored) => Ok(Some(authority::signed(view, stored).await?)),
        None => Ok(None),
    }
}

type Approvals = BTreeMap<Digest, Table<patchward_common::trust::approval::Approval>>;

async fn of_job(
    view: &mut View,
    job: &Job,
    approvals: &mut Approvals,
) -> Result<JobEvidence, Failure> {
    let machine = view.machine(&job.machine).await?;
    let machine = machine.ok_or_else(|| {
        Failure::not_found(format!(
            "machine {} of job {} is not known",
            job.machine, job.id
        ))
    })?;
    let key = machine.spki.last_chunk().copied().map(PublicKey);
    let key = key.ok_or_else(|| Failure::conflict("the machine's stored key is damaged"))?;
    let leaf = match approvals.entry(job.plan) {
        Entry::Occupied(known) => placed(known.get(), &job.machine)?,
        Entry::Vacant(unknown) => {
            let table = planning::table(view, &job.plan).await?;
            placed(unknown.insert(table), &job.machine)?
        }
    };
    let events = stretch(view, job).await?;
    let named = events
        .iter()
        .find_map(|event| match event.peek().ok()?.event {
            Event::Started(start) => Some(start.assignment),
            _ => None,
        });
    let (assignment, row) = row(view, &job.machine, named).await?;
    Ok(JobEvidence {
        job: job.id,
        machine: job.machine,
        key,
        approval: job.plan,
        leaf,
        assignment,
        row,
        events,
    })
}

/// The assignment that the start names, or else the newest with a row for the machine.
async fn row(
    view: &mut View,
    machine: &MachineId,
    named: Option<Digest>,
) -> Result<(Digest, ProvedLeaf), Failure> {
    let digest = match named {
        Some(digest) => digest,
        None => {
            let newest = view.assignment_of(machine).await?;
            newest.map(|document| document.digest).ok_or_else(|| {
                Failure::not_found(format!("machine {machine} was never assigned"))
            })?
        }
    };
    let stored = view.document(&digest).await?;
    let stored = stored
        .filter(|stored| stored.kind == DocumentKind::Assignment)
        .ok_or_else(|| Failure::not_found(format!("assignment {digest} is not here")))?;
    let leaves = view.assignment_leaves(&digest).await?;
    let table = Table::<Assignment> {
        signed: authority::signed(view, stored).await?,
        leaves: leaves.into_iter().map(|(_, leaf)| leaf.into()).collect(),
    };
    Ok((digest, placed(&table, machine)?))
}

fn placed<D: Tabled>(table: &Table<D>, machine: &MachineId) -> Result<ProvedLeaf, Failure> {
    let all: Vec<PlacedLeaf> = table
        .placed()
        .map_err(|error| Failure::conflict(format!("a stored table is damaged: {error}")))?;
    let found = all.into_iter().find(|leaf| leaf.machine == *machine);
    let found =
        found.ok_or_else(|| Failure::not_found(format!("no leaf for machine {machine}")))?;
    Ok(ProvedLeaf {
        bytes: found.leaf,
        proof: found.proof,
    })
}

/// The machine's journal from the job's first event to its last, each event once.
async fn stretch(view: &mut View, job: &Job) -> Result<Vec<Signed<JobEvent>>, Failure> {
    let mut events: Vec<(u64, Signed<JobEvent>)> = Vec::new();
    let (mut first, mut last) = (None, 0);
    let mut from = 1;
    loop {
        let page = view.journal_of(&job.machine, from, PAGE).await?;
        for stored in &page {
            let Ok(signed) = codec::decode::<Signed<JobEvent>>(&stored.bytes, MAX_EVENT_BYTES)
            else {
                continue;
            };
            if events
                .last()
                .is_some_and(|(sequence, _)| *sequence == stored.sequence)
            {
                continue;
            }
            if signed.peek().is_ok_and(|event| event.job == job.id) {
                first.get_or_insert(stored.sequence);
                last = stored.sequence;
            }
            if first.is_some() {
                events.push((stored.sequence, signed));
            }
        }
        match page.last() {
            Some(stored) if page.len() == PAGE as usize => from = stored.sequence + 1,
            _ => break,
        }
    }
    events.retain(|(sequence, _)| *sequence <= last);
    if events.len() > MAX_EVENTS {
        return Err(Failure::conflict(format!(
            "job {} spans more than {MAX_EVENTS} events",
            job.id
        )));
    }
    Ok(events.into_iter().map(|(_, event)| event).collect())
}
