//! The stretches of machines' journals that tell of jobs, many machines at a time.

use crate::control::Failure;
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::journal::MAX_EVENT_BYTES;
use crate::store::pack::MachineEvent;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::evidence::MAX_EVENTS;
use patchward_common::id::{JobId, MachineId};
use patchward_common::job::{Event, JobEvent};
use patchward_common::trust::sign::Signed;
use std::collections::BTreeMap;

/// Machines whose journals are read at once: those of years are some megabytes each.
const MACHINES: usize = 64;

/// What a machine's journal tells of a job.
pub(super) struct Stretch {
    /// The journal from the job's first event to its last, each event once.
    pub(super) events: Vec<Signed<JobEvent>>,
    /// The rosters that its starts name.
    pub(super) rosters: Vec<Digest>,
    /// The assignments that its starts name, those of starts before those of rehearsals.
    pub(super) assignments: Vec<Digest>,
}

/// An event, read once for all jobs of its machine.
struct Read {
    sequence: u64,
    signed: Signed<JobEvent>,
    job: Option<JobId>,
    /// The roster and the assignment, where it is a start, and whether it only rehearsed.
    start: Option<(bool, Digest, Digest)>,
}

/// Reads the stretches of jobs, some machines after the others.
pub(super) struct Stretches<'j> {
    machines: std::vec::IntoIter<(MachineId, Vec<&'j Job>)>,
}

impl<'j> Stretches<'j> {
    pub(super) fn new(jobs: &[&'j Job]) -> Self {
        let mut machines: BTreeMap<MachineId, Vec<&'j Job>> = BTreeMap::new();
        for job in jobs {
            machines.entry(job.machine).or_default().push(job);
        }
        let machines: Vec<_> = machines.into_iter().collect();
        Self {
            machines: machines.into_iter(),
        }
    }

    /// The jobs of the next machines, each with its stretch; `None` after the last.
    pub(super) async fn next(
        &mut self,
        view: &mut View,
    ) -> Result<Option<Vec<(&'j Job, Stretch)>>, Failure> {
        let machines: Vec<_> = self.machines.by_ref().take(MACHINES).collect();
        if machines.is_empty() {
            return Ok(None);
        }
        let mut journals: BTreeMap<MachineId, Vec<Read>> = BTreeMap::new();
        let ids = machines.iter().map(|(machine, _)| *machine);
        for event in view.journals_of(ids).await? {
            read(journals.entry(event.machine).or_default(), event);
        }
        let mut found = Vec::new();
        for (machine, jobs) in machines {
            let journal = journals.remove(&machine).unwrap_or_default();
            for job in jobs {
                found.push((job, stretch(&journal, job)));
            }
        }
        Ok(Some(found))
    }
}

/// Adds an event that can be read; one that came by two outboxes stands there twice.
fn read(journal: &mut Vec<Read>, event: MachineEvent) {
    let Ok(signed) = codec::decode::<Signed<JobEvent>>(&event.bytes, MAX_EVENT_BYTES) else {
        return;
    };
    if journal
        .last()
        .is_some_and(|last| last.sequence == event.sequence)
    {
        return;
    }
    let told = signed.peek_stored().ok();
    journal.push(Read {
        sequence: event.sequence,
        job: told.as_ref().map(|told| told.job),
        start: told.and_then(|told| match told.event {
            Event::Started(start) => Some((false, start.roster, start.assignment)),
            Event::WouldHaveStarted(start) => Some((true, start.roster, start.assignment)),
            _ => None,
        }),
        signed,
    });
}

/// From the job's first event to its last, with what lies between. Of more than a pack may
/// hold it is one too many, so that whoever verifies the job says so: what one machine tells
/// must not keep the evidence of all others from being made.
fn stretch(journal: &[Read], job: &Job) -> Stretch {
    let is_own = |read: &Read| read.job == Some(job.id);
    let first = journal.iter().position(is_own);
    let last = journal.iter().rposition(is_own);
    let between = first.zip(last).and_then(|(a, b)| journal.get(a..=b));
    let between = between.unwrap_or_default();
    let between = between.get(..=MAX_EVENTS).unwrap_or(between);
    let own = between.iter().filter(|read| is_own(read));
    let mut starts: Vec<_> = own.filter_map(|read| read.start).collect();
    starts.sort_by_key(|(rehearsed, ..)| *rehearsed);
    Stretch {
        events: between.iter().map(|read| read.signed.clone()).collect(),
        rosters: starts.iter().map(|(_, roster, _)| *roster).collect(),
        assignments: starts.iter().map(|(.., assignment)| *assignment).collect(),
    }
}
