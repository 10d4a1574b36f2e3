//! Machines that tell what is not so: their own jobs are not proved, and all others are.

use ed25519_dalek::SigningKey;
use patchward_collector::evidence::pack;
use patchward_collector::store::jobs::Job;
use patchward_collector::store::journal::{Append, MAX_APPEND_EVENTS, MAX_EVENT_BYTES};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::evidence::{MAX_EVENTS, Pack, Report, verify};
use patchward_common::id::{MachineId, OutboxId};
use patchward_common::job::{Event, JobEvent};
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_integration_tests::fixture::sign;
use patchward_integration_tests::proven::{Proven, key};

/// Machines of the store.
const MACHINES: usize = 3;

fn key_of(machine: MachineId) -> SigningKey {
    let mut keys = (0..MACHINES).map(key);
    keys.find(|key| PublicKey::of(key).id().0 == machine.0)
        .unwrap()
}

/// Has the machine of a job tell what `next` makes of the events that it told before.
async fn tell(proven: &Proven, job: &Job, next: impl Fn(&[JobEvent]) -> Vec<Event>) {
    let mut view = proven.store.view().await.unwrap();
    let stored = view.journal_of(&job.machine, 1, 100).await.unwrap();
    drop(view);
    let signed = stored
        .iter()
        .map(|event| codec::decode::<Signed<JobEvent>>(&event.bytes, MAX_EVENT_BYTES).unwrap());
    let signed: Vec<Signed<JobEvent>> = signed.collect();
    let told: Vec<JobEvent> = signed
        .iter()
        .map(|signed| signed.peek_stored().unwrap())
        .collect();
    let key = key_of(job.machine);
    let mut previous = signed.last().unwrap().digest();
    let first = told.len() as u64 + 1;
    let mut events = Vec::new();
    for (sequence, event) in (first..).zip(next(&told)) {
        let event = JobEvent {
            event,
            previous,
            sequence,
            ..told[0].clone()
        };
        let signed = sign(&event, &[&key]);
        previous = signed.digest();
        events.push(codec::encode(&signed));
    }
    let mut outbox = [0; 16];
    outbox.copy_from_slice(&job.machine.0[..16]);
    for (nth, events) in events.chunks(MAX_APPEND_EVENTS).enumerate() {
        let append = Append {
            machine: job.machine,
            outbox: OutboxId(outbox),
            first: first + (nth * MAX_APPEND_EVENTS) as u64,
            events: events.to_vec(),
            received_at: proven.now,
        };
        proven.store.append_journal(append).await.unwrap();
    }
}

async fn verified(proven: &Proven) -> Report {
    let mut view = proven.store.view().await.unwrap();
    let made = pack(&mut view, &proven.jobs, proven.now).await.unwrap();
    let read = Pack::from_bytes(&made.to_bytes()).unwrap();
    verify(&read, proven.root)
}

fn is_proved(report: &Report, job: &Job) -> bool {
    let found = report.jobs.iter().find(|one| one.job == job.id);
    found.unwrap().proved
}

#[tokio::test]
async fn what_one_machine_tells_keeps_no_other_from_its_evidence() {
    let proven = Proven::made(MACHINES).await.unwrap();
    let [naming, long, honest] = &proven.jobs[..] else {
        panic!("{} jobs", proven.jobs.len());
    };
    assert!(verified(&proven).await.findings.is_empty());
    // A second start, under an assignment that nobody signed.
    tell(&proven, naming, |told| {
        let started = told.iter().find_map(|event| match &event.event {
            Event::Started(start) => Some(start.clone()),
            _ => None,
        });
        let mut start = started.unwrap();
        start.assignment = Digest([7; 32]);
        vec![Event::Started(start)]
    })
    .await;
    // More than a pack may hold of one job.
    tell(&proven, long, |_| vec![Event::Prepared; MAX_EVENTS]).await;
    let report = verified(&proven).await;
    assert!(is_proved(&report, honest));
    assert!(!is_proved(&report, naming) && !is_proved(&report, long));
    let about = |job: &Job| {
        let of_job = report.findings.iter().filter(|one| one.job == Some(job.id));
        of_job.map(|one| one.text.clone()).collect::<Vec<_>>()
    };
    assert!(about(honest).is_empty());
    assert!(!about(naming).is_empty());
    let said = about(long).join("\n");
    assert!(
        said.contains(&format!("more than {MAX_EVENTS} events")),
        "{said}"
    );
}
