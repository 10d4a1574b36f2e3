//! A machine with a planned job: the plan in force, and the journal that its installer
//! would write.

use super::world::{Machine, World, now};
use crate::active_plan;
use ed25519_dalek::SigningKey;
use patchward_agent::link::Link;
use patchward_collector::store::documents::{DocumentKind, NewDocument, StoredSignature};
use patchward_collector::store::plans::NewPlan;
use patchward_collector::store::{Actor, Change};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, MachineId, Nonce, OutboxId};
use patchward_common::job::{Event, JobEvent, Measurement, ProductVersion, Start, Verdict};
use patchward_common::time::DAY_MS;
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use patchward_common::trust::placement::leaf_bytes;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use patchward_common::wire::local::Placed;
use patchward_common::wire::machine::{Answer, GoAsked, JournalReport, Request};
use patchward_integration_tests::fixture::{Hospital, name};
use serde_bytes::ByteBuf;
use std::time::Duration;

/// One machine with one job, connected; nothing has been done yet.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) machine: Machine,
    pub(super) link: Link,
    pub(super) approval: Digest,
    pub(super) job: JobId,
    pub(super) journal: Journal,
}

impl Scene {
    pub(super) async fn planned() -> Self {
        let world = World::new().await;
        let hospital = Hospital::new(1, now());
        let machine = world.enrolled(1).await;
        let approval = planned(&world, &hospital, &[&machine]).await;
        Self {
            link: machine.link(&world).await,
            job: JobId::of(approval, machine.id()),
            journal: Journal::new(&machine, approval),
            world,
            machine,
            approval,
        }
    }

    /// The same after the go, with a reported start.
    pub(super) async fn installing() -> Self {
        let mut scene = Self::planned().await;
        let go = scene
            .ask(&go_asked(scene.approval, &scene.machine, 1))
            .await;
        let Answer::Go(go) = go else {
            panic!("{go:?}");
        };
        scene.journal.push(Event::Prepared);
        scene.journal.push(started_with(go.digest()));
        scene.ask(&scene.journal.report(1, 2)).await;
        until(&scene.world, &scene.job, "installing").await;
        scene
    }

    pub(super) async fn ask(&self, request: &Request) -> Answer {
        self.link.ask(request).await.unwrap()
    }
}

pub(super) async fn change(world: &World) -> Change {
    world.store.change(Actor::Local(0), now()).await.unwrap()
}

pub(super) fn stored<T>(signed: &Signed<T>, signers: &[&SigningKey]) -> Vec<StoredSignature>
where
    T: Document,
{
    let pairs = signers.iter().zip(signed.signatures());
    pairs
        .map(|(key, bytes)| StoredSignature {
            signer: PublicKey::of(key).id(),
            bytes: bytes.clone(),
        })
        .collect()
}

/// A plan over the first of `machines`, in force; its approval's digest.
pub(crate) async fn planned(world: &World, hospital: &Hospital, machines: &[&Machine]) -> Digest {
    planned_as(world, hospital, machines, "Viewer update").await
}

/// The same under another title, which makes another plan.
pub(super) async fn planned_as(
    world: &World,
    hospital: &Hospital,
    machines: &[&Machine],
    title: &str,
) -> Digest {
    let drawn = Drawn::of(hospital, machines, title);
    drawn.give_to(world, hospital).await;
    drawn.digest()
}

/// A plan that is signed and that no collector has yet.
pub(super) struct Drawn {
    rows: Vec<AssignmentLeaf>,
    leaves: Vec<PlanLeaf>,
    placed: Vec<Placed<Approval>>,
}

impl Drawn {
    /// Draws it for machines of one unit.
    pub(super) fn of(hospital: &Hospital, machines: &[&Machine], title: &str) -> Self {
        let mut sorted: Vec<MachineId> = machines.iter().map(|machine| machine.id()).collect();
        sorted.sort();
        let row = |id| {
            let mut row = hospital.row(id);
            row.unit = name("icu");
            row.class = Class::Critical;
            row.groups = vec![];
            row
        };
        let rows: Vec<_> = sorted.into_iter().map(row).collect();
        let leaves: Vec<_> = rows.iter().map(|row| hospital.leaf(row)).collect();
        let release = hospital.release("2", 2, b"the release");
        let mut approval = hospital.approval(vec![release]);
        approval.title = super::world::label(title);
        let signers = [&hospital.alice, &hospital.bob];
        let placed = hospital.approve(&approval, &leaves, &signers);
        Self {
            rows,
            leaves,
            placed,
        }
    }

    /// The plan's own.
    pub(super) fn digest(&self) -> Digest {
        self.placed[0].signed.digest()
    }

    /// The collector has it, its machines' places and their jobs.
    pub(super) async fn give_to(&self, world: &World, hospital: &Hospital) {
        let Self {
            rows,
            leaves,
            placed,
        } = self;
        let signers = [&hospital.alice, &hospital.bob];
        let assignment = hospital.assignment(1, rows);
        let mut change = change(world).await;
        for row in rows {
            let unit = name("icu");
            let model = name("station");
            change
                .place_machine(&row.machine, &unit, Class::Critical, &model, Mode::Active)
                .await
                .unwrap();
        }
        let signed = &assignment[0].signed;
        let digest = change
            .add_document(
                &NewDocument {
                    kind: DocumentKind::Assignment,
                    number: Some(1),
                    scope: None,
                    subject: None,
                    expires_at: None,
                    payload: signed.payload(),
                },
                &stored(signed, &signers),
            )
            .await
            .unwrap();
        let leaf_rows: Vec<_> = rows
            .iter()
            .map(|row| (row.machine, leaf_bytes(row)))
            .collect();
        change
            .add_assignment_leaves(&digest, &leaf_rows)
            .await
            .unwrap();
        add_plan(&mut change, placed, leaves, &signers).await;
        change.commit().await.unwrap();
    }
}

async fn add_plan(
    change: &mut Change,
    placed: &[Placed<patchward_common::trust::approval::Approval>],
    leaves: &[patchward_common::trust::approval::PlanLeaf],
    signers: &[&SigningKey],
) {
    let signed = &placed[0].signed;
    let rows = active_plan::rows(leaves);
    let new = NewPlan {
        title: &super::world::label("Update"),
        payload: signed.payload(),
        expires_at: now().plus_ms(30 * DAY_MS),
        groups: &[],
        releases: &[],
        leaves: &rows,
    };
    let id = change.add_plan(&new).await.unwrap();
    change
        .add_signatures(&id, &stored(signed, signers))
        .await
        .unwrap();
    active_plan::activate(change, &id, &rows).await;
}

pub(crate) fn go_asked(approval: Digest, machine: &Machine, nonce: u8) -> Request {
    Request::Go(GoAsked {
        job: JobId::of(approval, machine.id()),
        approval,
        boot: BootId([1; 16]),
        nonce: Nonce([nonce; 32]),
    })
}

/// A journal as an installer writes it.
pub(crate) struct Journal {
    key: SigningKey,
    pub(super) job: JobId,
    pub(super) approval: Digest,
    pub(super) events: Vec<ByteBuf>,
    pub(super) previous: Digest,
}

impl Journal {
    pub(crate) fn new(machine: &Machine, approval: Digest) -> Self {
        Self {
            key: machine.key.clone(),
            job: JobId::of(approval, machine.id()),
            approval,
            events: Vec::new(),
            previous: Digest::default(),
        }
    }

    pub(super) fn event(&self, event: Event) -> JobEvent {
        JobEvent {
            machine: MachineId(PublicKey::of(&self.key).id().0),
            sequence: self.events.len() as u64 + 1,
            previous: self.previous,
            at: now(),
            job: self.job,
            approval: self.approval,
            event,
        }
    }

    pub(crate) fn push(&mut self, event: Event) {
        let signed = Signed::new(&self.event(event), &self.key);
        self.previous = signed.digest();
        self.events.push(ByteBuf::from(codec::encode(&signed)));
    }

    pub(crate) fn report(&self, first: usize, last: usize) -> Request {
        Request::Journal(JournalReport {
            outbox: OutboxId([4; 16]),
            first: first as u64,
            events: self.events[first - 1..last].to_vec(),
        })
    }
}

pub(crate) fn started() -> Event {
    started_with(Digest::default())
}

pub(super) fn started_with(go: Digest) -> Event {
    Event::Started(start(go))
}

pub(super) fn start(go: Digest) -> Start {
    Start {
        slot: patchward_integration_tests::fixture::interval(now(), now().plus_ms(DAY_MS)),
        boot: BootId([1; 16]),
        go,
        approved_by: vec![],
        roster: Digest::default(),
        charter: Digest::default(),
        assignment: Digest::default(),
        versions_before: vec![],
        interlock: "idle".into(),
    }
}

pub(super) fn measured() -> Event {
    Event::Measured(Measurement {
        verdict: Verdict::Verified,
        versions_after: vec![ProductVersion {
            product: name("viewer"),
            version: "2".into(),
        }],
        checks: vec![],
        boot: BootId([1; 16]),
    })
}

/// Longest wait for what the collector does by itself.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until a job is in a state.
pub(super) async fn until(
    world: &World,
    job: &JobId,
    word: &str,
) -> patchward_collector::store::jobs::Job {
    let found = async || {
        let found = world.store.view().await.unwrap().job(job).await.unwrap();
        found.filter(|found| found.state.word() == word)
    };
    let waited = async {
        loop {
            match found().await {
                Some(found) => return found,
                None => tokio::task::yield_now().await,
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waited).await;
    waited.unwrap_or_else(|_| panic!("job {job} is never {word}"))
}

/// Waits until all that is stored was looked at.
pub(super) async fn consumed(world: &World) {
    let waiting = async || {
        let mut view = world.store.view().await.unwrap();
        view.journal_unconsumed(1).await.unwrap().len()
    };
    let consumed = async {
        while waiting().await > 0 {
            tokio::task::yield_now().await;
        }
    };
    let consumed = tokio::time::timeout(PATIENCE, consumed).await;
    consumed.expect("what is stored is never looked at");
}
