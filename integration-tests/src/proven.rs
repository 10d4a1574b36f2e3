//! A collector's store with jobs that machines have proved: every document is signed, every
//! event is, and the jobs stand where their events say.

use crate::fixture::{Hospital, label, name, sign};
use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use patchward_collector::authority::stored_signatures;
use patchward_collector::store::documents::{DocumentKind, NewDocument};
use patchward_collector::store::enrolments::{Enrolment, EnrolmentState};
use patchward_collector::store::go::{GoAsk, GoOutcome};
use patchward_collector::store::jobs::Job;
use patchward_collector::store::journal::Append;
use patchward_collector::store::machines::NewMachine;
use patchward_collector::store::places::{Site, Unit};
use patchward_collector::store::plans::{Leaf, NewPlan};
use patchward_collector::store::tokens::{Acceptance, Token};
use patchward_collector::store::{Actor, Change, Place, Store};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, MachineId, Nonce, OutboxId};
use patchward_common::job::{
    Event, JobEvent, Measurement, ProductVersion, Start, State, StepEnd, StepOutcome, Verdict,
};
use patchward_common::time::{DAY_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use patchward_common::trust::go::Go;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use patchward_common::wire::local::Placed;

/// When the jobs started: 2027-01-01T00:00:00Z.
const STARTED: UtcMs = UtcMs(1_798_761_600_000);
/// Steps of each job, of each of which an event tells.
const STEPS: usize = 5;
/// Machines of one change.
const CHUNK: usize = 500;

/// The store and what is in it.
pub struct Proven {
    /// The store.
    pub store: Store,
    /// The jobs, all verified.
    pub jobs: Vec<Job>,
    /// The hospital root's fingerprint.
    pub root: Digest,
    /// When all of it was over.
    pub now: UtcMs,
    // Last: the folder goes after the store.
    _folder: tempfile::TempDir,
}

/// What every event names.
struct Papers {
    hospital: Hospital,
    charter: Digest,
    roster: Digest,
    assignment: Digest,
    plan: Digest,
    slot: Interval,
}

impl Proven {
    /// A store with `count` machines, each with one verified job of one plan.
    ///
    /// # Errors
    /// Where the store refuses something.
    pub async fn made(count: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = Store::create(&Place::Sqlite {
            path: folder.path().join("collector.db"),
            max_pages: None,
        })
        .await?;
        let keys: Vec<SigningKey> = (0..count).map(key).collect();
        let ids: Vec<MachineId> = keys.iter().map(id).collect();
        enrol(&store, &keys).await?;
        let papers = papers(&store, &ids).await?;
        let mut events = Vec::new();
        for (number, machine) in ids.iter().enumerate() {
            let go = go(&store, &papers, *machine, number).await?;
            let key = keys.get(number).context("its key")?;
            events.push(append(&papers, key, *machine, number, go));
        }
        for append in events {
            store.append_journal(append).await?;
        }
        let now = STARTED.plus_ms(DAY_MS);
        let mut jobs = Vec::new();
        for job in store.view().await?.jobs_of_plan(&papers.plan).await? {
            let mut change = store.change(Actor::Collector, now).await?;
            let moved = change.move_job(&job, &State::Verified, None, 1).await?;
            change.commit().await?;
            jobs.push(moved);
        }
        Ok(Self {
            store,
            jobs,
            root: papers.hospital.root_keys().fingerprint(),
            now: now.plus_ms(MINUTE_MS),
            _folder: folder,
        })
    }
}

/// The key of a machine.
pub fn key(number: usize) -> SigningKey {
    let digest = Digest::of_parts(&[b"a proven machine", &number.to_be_bytes()]);
    SigningKey::from_bytes(&digest.0)
}

fn id(key: &SigningKey) -> MachineId {
    MachineId(PublicKey::of(key).id().0)
}

async fn enrol(store: &Store, keys: &[SigningKey]) -> anyhow::Result<()> {
    let mut change = store.change(Actor::Collector, STARTED).await?;
    let site = Site {
        name: name("main"),
        title: label("Main building"),
    };
    change.add_site(&site).await?;
    let unit = Unit {
        name: name("icu-3"),
        site: name("main"),
        title: label("Intensive care"),
        class: Class::Standard,
    };
    change.add_unit(&unit).await?;
    let token = Token {
        id: name("all"),
        secret_hash: Digest::of(b"all"),
        unit: unit.name.clone(),
        host_pattern: "pc-*".into(),
        acceptance: Acceptance::Person,
        uses_left: u32::try_from(keys.len())?,
        created_at: STARTED,
        expires_at: STARTED.plus_ms(DAY_MS),
        revoked_at: None,
    };
    change.add_token(&token).await?;
    change.commit().await?;
    for (chunk, keys) in keys.chunks(CHUNK).enumerate() {
        let mut change = store.change(Actor::Collector, STARTED).await?;
        for (place, key) in keys.iter().enumerate() {
            let host = name(&format!("pc-{}", chunk * CHUNK + place));
            accept(&mut change, key, host, &token).await?;
        }
        change.commit().await?;
    }
    Ok(())
}

async fn accept(
    change: &mut Change,
    key: &SigningKey,
    host: patchward_common::id::Name,
    token: &Token,
) -> anyhow::Result<()> {
    let spki = PublicKey::of(key).spki();
    let ask = Enrolment {
        machine: id(key),
        csr: spki.clone(),
        spki,
        host: host.clone(),
        unit: token.unit.clone(),
        token: token.id.clone(),
        facts: vec![0xa0],
        asked_at: STARTED,
        state: EnrolmentState::Waiting,
        decided_at: None,
    };
    change.ask_enrolment(&ask).await?;
    let new = NewMachine {
        id: id(key),
        name: host,
        unit: token.unit.clone(),
        class: Class::Standard,
        model: name("station"),
        mode: Mode::Active,
    };
    change.accept_enrolment(&new).await?;
    Ok(())
}

/// Charter, roster, assignment and plan, as people signed them.
async fn papers(store: &Store, ids: &[MachineId]) -> anyhow::Result<Papers> {
    let hospital = Hospital::new(9, STARTED);
    let charter = sign(&hospital.charter(), &[&hospital.root]);
    let roster = sign(&hospital.roster(), &[&hospital.registrar]);
    let mut rows: Vec<AssignmentLeaf> = ids.iter().map(|id| hospital.row(*id)).collect();
    rows.sort_by_key(|row| row.machine);
    let assignment = hospital.assignment(1, &rows);
    let approval = hospital.approval(vec![hospital.release("2", 2, b"archive")]);
    let leaves: Vec<PlanLeaf> = rows.iter().map(|row| hospital.leaf(row)).collect();
    let slot = *leaves
        .first()
        .and_then(|leaf| leaf.slots.first())
        .context("a slot")?;
    let approved = hospital.approve(&approval, &leaves, &[&hospital.alice, &hospital.bob]);
    let signed = |placed: &[Placed<_>]| placed.first().map(|one| one.signed.clone());
    let plan = signed(&approved).context("a plan")?;
    let table = assignment.first().context("an assignment")?.signed.clone();
    let mut change = store.change(Actor::Local(0), STARTED).await?;
    let approvers = [&hospital.alice, &hospital.bob].map(PublicKey::of);
    let (root, registrar) = (&hospital.root, &hospital.registrar);
    let kind = DocumentKind::Charter;
    document(&mut change, kind, &charter, &[PublicKey::of(root)]).await?;
    let kind = DocumentKind::Roster;
    document(&mut change, kind, &roster, &[PublicKey::of(registrar)]).await?;
    let kind = DocumentKind::Assignment;
    let assigned = document(&mut change, kind, &table, &approvers).await?;
    let placed: Vec<(MachineId, Vec<u8>)> = rows
        .iter()
        .zip(&assignment)
        .map(|(row, placed)| (row.machine, placed.leaf.to_vec()))
        .collect();
    change.add_assignment_leaves(&assigned, &placed).await?;
    let leaves: Vec<Leaf> = rows
        .iter()
        .zip(&approved)
        .map(|(row, placed)| Leaf {
            machine: row.machine,
            wave: 0,
            bytes: placed.leaf.to_vec(),
        })
        .collect();
    let new = NewPlan {
        title: &approval.title,
        payload: plan.payload(),
        expires_at: approval.expires,
        groups: &[],
        releases: &[],
        leaves: &leaves,
    };
    let id = change.add_plan(&new).await?;
    let signatures = stored_signatures(&plan, &approvers);
    change.add_signatures(&id, &signatures).await?;
    let machines: Vec<(MachineId, u32)> = rows.iter().map(|row| (row.machine, 0)).collect();
    change.add_jobs(&id, &machines).await?;
    change.commit().await?;
    Ok(Papers {
        charter: charter.digest(),
        roster: roster.digest(),
        assignment: assigned,
        plan: id,
        slot,
        hospital,
    })
}

/// Keeps a document that stands alone, as the first of its kind, with the signatures of `keys`.
///
/// # Errors
/// Where the store refuses it.
pub async fn document<T: Document>(
    change: &mut Change,
    kind: DocumentKind,
    signed: &Signed<T>,
    keys: &[PublicKey],
) -> anyhow::Result<Digest> {
    let new = NewDocument {
        kind,
        number: Some(1),
        scope: None,
        subject: None,
        expires_at: None,
        payload: signed.payload(),
    };
    let signatures = stored_signatures(signed, keys);
    Ok(change.add_document(&new, &signatures).await?)
}

fn boot(number: usize) -> BootId {
    let digest = Digest::of(&number.to_be_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&digest.0[..16]);
    BootId(id)
}

/// The go of a machine's job, issued and kept.
async fn go(
    store: &Store,
    papers: &Papers,
    machine: MachineId,
    number: usize,
) -> anyhow::Result<Digest> {
    let job = JobId::of(papers.plan, machine);
    let nonce = Nonce(Digest::of(&machine.0).0);
    let go = Go {
        job,
        machine,
        boot: boot(number),
        nonce,
        clock: STARTED,
    };
    let signed = sign(&go, &[&papers.hospital.go_key]);
    let ask = GoAsk {
        machine,
        job,
        nonce,
        longest_run_ms: MINUTE_MS,
    };
    let token = codec::encode(&signed);
    let decided = store
        .decide_go(&ask, STARTED, |_| Ok::<_, String>(token))
        .await?;
    anyhow::ensure!(matches!(decided, GoOutcome::Issued(_)), "no go");
    Ok(signed.digest())
}

/// What a machine tells of its job, from its preparation to its measurement.
fn append(
    papers: &Papers,
    key: &SigningKey,
    machine: MachineId,
    number: usize,
    go: Digest,
) -> Append {
    let version = |version: &str| ProductVersion {
        product: name("viewer"),
        version: version.to_owned(),
    };
    let approvers = [&papers.hospital.alice, &papers.hospital.bob];
    let mut told = vec![
        Event::Prepared,
        Event::Started(Start {
            slot: papers.slot,
            boot: boot(number),
            go,
            approved_by: approvers.map(|key| PublicKey::of(key).id()).to_vec(),
            roster: papers.roster,
            charter: papers.charter,
            assignment: papers.assignment,
            versions_before: vec![version("1")],
            interlock: "idle".to_owned(),
        }),
    ];
    told.extend((0..STEPS).map(|step| {
        Event::StepEnded(StepEnd {
            step: format!("step-{step}"),
            output: "done\n".to_owned(),
            outcome: StepOutcome::Succeeded,
        })
    }));
    told.push(Event::Measured(Measurement {
        verdict: Verdict::Verified,
        versions_after: vec![version("2")],
        checks: Vec::new(),
        boot: boot(number),
    }));
    let mut previous = Digest::default();
    let mut events = Vec::new();
    for (sequence, event) in (1u64..).zip(told) {
        let event = JobEvent {
            at: STARTED,
            job: JobId::of(papers.plan, machine),
            event,
            machine,
            approval: papers.plan,
            previous,
            sequence,
        };
        let signed = sign(&event, &[key]);
        previous = signed.digest();
        events.push(codec::encode(&signed));
    }
    let mut outbox = [0; 16];
    outbox.copy_from_slice(&machine.0[..16]);
    Append {
        machine,
        outbox: OutboxId(outbox),
        first: 1,
        events,
        received_at: STARTED,
    }
}
