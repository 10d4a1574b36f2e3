//! Orders, metadata, artifacts, go and journal over the wire.

use super::world::{Machine, World, now, say};
use ed25519_dalek::SigningKey;
use patchward_agent::download::{DownloadError, Downloads};
use patchward_agent::link::Link;
use patchward_collector::store::documents::{DocumentKind, NewDocument, StoredSignature};
use patchward_collector::store::plans::{Leaf, NewPlan, PlanState};
use patchward_collector::store::vendors::{TufFile, Vendor};
use patchward_collector::store::{Actor, Change};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, MachineId, Nonce, OutboxId};
use patchward_common::job::{Event, JobEvent, Measurement, ProductVersion, Reason, Start, Verdict};
use patchward_common::time::DAY_MS;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::placement::{is_included, leaf_bytes};
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use patchward_common::trust::stop::{Scope, Stop};
use patchward_common::wire::local::Placed;
use patchward_common::wire::machine::{
    Answer, ArtifactAsked, GoAsked, JournalReport, MetadataAsked, Orders, OrdersAsked, RefusedCode,
    Request, Stale,
};
use patchward_integration_tests::fixture::{Hospital, name, sign};
use serde_bytes::ByteBuf;

async fn change(world: &World) -> Change {
    world.store.change(Actor::Local(0), now()).await.unwrap()
}

fn stored<T>(signed: &Signed<T>, signers: &[&SigningKey]) -> Vec<StoredSignature>
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
pub(super) async fn planned(world: &World, hospital: &Hospital, machines: &[&Machine]) -> Digest {
    planned_as(world, hospital, machines, "Viewer update").await
}

/// The same under another title, which makes another plan.
pub(super) async fn planned_as(
    world: &World,
    hospital: &Hospital,
    machines: &[&Machine],
    title: &str,
) -> Digest {
    let mut sorted: Vec<MachineId> = machines.iter().map(|machine| machine.id()).collect();
    sorted.sort();
    let mut rows = Vec::new();
    for id in sorted {
        let mut row = hospital.row(id);
        row.unit = name("icu");
        row.class = Class::Critical;
        row.groups = vec![];
        rows.push(row);
    }
    let assignment = hospital.assignment(1, &rows);
    let leaves: Vec<_> = rows.iter().map(|row| hospital.leaf(row)).collect();
    let release = hospital.release("2", 2, b"the release");
    let mut approval = hospital.approval(vec![release]);
    approval.title = super::world::label(title);
    let signers = [&hospital.alice, &hospital.bob];
    let placed = hospital.approve(&approval, &leaves, &signers);
    let mut change = change(world).await;
    for row in &rows {
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
    add_plan(&mut change, &placed, &leaves, &signers).await;
    change.commit().await.unwrap();
    placed[0].signed.digest()
}

async fn add_plan(
    change: &mut Change,
    placed: &[Placed<patchward_common::trust::approval::Approval>],
    leaves: &[patchward_common::trust::approval::PlanLeaf],
    signers: &[&SigningKey],
) {
    let signed = &placed[0].signed;
    let rows: Vec<Leaf> = leaves
        .iter()
        .map(|leaf| Leaf {
            machine: leaf.machine,
            wave: 0,
            bytes: leaf_bytes(leaf),
        })
        .collect();
    let new = NewPlan {
        title: &super::world::label("Update"),
        payload: signed.payload(),
        expires_at: now().plus_ms(30 * DAY_MS),
        groups: &[],
        leaves: &rows,
    };
    let id = change.add_plan(&new).await.unwrap();
    change
        .add_signatures(&id, &stored(signed, signers))
        .await
        .unwrap();
    for (from, to) in [
        (PlanState::Draft, PlanState::Signed),
        (PlanState::Signed, PlanState::Active),
    ] {
        change.move_plan(&id, from, to, "a test").await.unwrap();
    }
    let machines: Vec<_> = rows.iter().map(|row| (row.machine, 0)).collect();
    change.add_jobs(&id, &machines).await.unwrap();
}

async fn orders(link: &Link, charter: u64) -> Orders {
    let asked = OrdersAsked {
        charter,
        known: Digest::default(),
    };
    match link.ask(&Request::Orders(asked)).await.unwrap() {
        Answer::Orders(orders) => *orders,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_machine_gets_its_own_documents_and_no_others() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let (one, two, other) = (
        world.enrolled(1).await,
        world.enrolled(2).await,
        world.enrolled(3).await,
    );
    planned(&world, &hospital, &[&one, &two]).await;
    let mut added = change(&world).await;
    let charter = sign(&hospital.charter(), &[&hospital.root]);
    let new = NewDocument {
        kind: DocumentKind::Charter,
        number: Some(1),
        scope: None,
        subject: None,
        expires_at: None,
        payload: charter.payload(),
    };
    let signatures = stored(&charter, &[&hospital.root]);
    added.add_document(&new, &signatures).await.unwrap();
    added.commit().await.unwrap();
    let (link, second) = (one.link(&world).await, other.link(&world).await);
    let got = orders(&link, 0).await;
    assert_eq!(got.charters, [charter]);
    let approval = got.approvals[0].signed.peek().unwrap();
    assert_eq!(got.approvals[0].signed.signatures().len(), 2);
    for placed in [
        (
            &got.approvals[0].leaf,
            &got.approvals[0].proof,
            approval.root,
        ),
        {
            let placed = got.assignment.as_ref().unwrap();
            let root = placed.signed.peek().unwrap().root;
            (&placed.leaf, &placed.proof, root)
        },
    ] {
        let (leaf, proof, root) = placed;
        assert!(is_included(leaf, proof, 2, root));
    }
    // The charter that it has is not sent again, and the digest stays.
    let again = orders(&link, 1).await;
    assert!(again.charters.is_empty());
    assert_eq!(again.digest, got.digest);
    // Who names these very orders gets their digest alone.
    let asked = OrdersAsked {
        charter: 1,
        known: got.digest,
    };
    let same = Orders {
        digest: got.digest,
        ..Orders::default()
    };
    let answer = link.ask(&Request::Orders(asked)).await.unwrap();
    assert_eq!(answer, Answer::Orders(Box::new(same)));
    // The other machine gets none of it.
    let none = orders(&second, 0).await;
    assert!(none.approvals.is_empty() && none.assignment.is_none());
    // A hello tells whether there is something new.
    let mut hello = one.hello();
    hello.orders = got.digest.into();
    assert!(
        !say(&link, hello.clone())
            .await
            .unwrap()
            .stale
            .has(Stale::ORDERS)
    );
    stop_all(&world, &hospital).await;
    assert!(say(&link, hello).await.unwrap().stale.has(Stale::ORDERS));
    assert_eq!(orders(&link, 1).await.stops.len(), 1);
}

pub(super) async fn stop_all(world: &World, hospital: &Hospital) {
    let stop = Stop {
        scope: Scope::All,
        reason: super::world::label("a test"),
        issued: now(),
    };
    let signed = sign(&stop, &[&hospital.alice]);
    let mut change = change(world).await;
    let new = NewDocument {
        kind: DocumentKind::Stop,
        number: None,
        scope: Some(&Scope::All),
        subject: None,
        expires_at: None,
        payload: signed.payload(),
    };
    let signatures = stored(&signed, &[&hospital.alice]);
    change.add_document(&new, &signatures).await.unwrap();
    change.commit().await.unwrap();
    world
        .fleet
        .nudge_all(patchward_common::wire::collector::Nudge::Stop);
}

#[tokio::test]
async fn metadata_and_artifacts_are_fetched_and_resumed() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let files = hospital.repository(3, &[]).unwrap();
    let mut added = change(&world).await;
    added
        .add_vendor(&Vendor {
            name: name("acme-inc"),
            repository: name("acme"),
            url: "file:///nowhere".into(),
            root_digest: Digest([1; 32]),
        })
        .await
        .unwrap();
    let rows: Vec<TufFile> = files
        .iter()
        .map(|(file, bytes)| TufFile {
            file: file.clone(),
            version: 3,
            digest: Digest::of(bytes),
            bytes: bytes.clone(),
        })
        .collect();
    added.put_tuf_files(&name("acme"), &rows).await.unwrap();
    added.commit().await.unwrap();
    let link = machine.link(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let downloads = Downloads::new(folder.path(), 0);
    downloads.metadata(&link, &name("acme")).await.unwrap();
    for (file, bytes) in &files {
        let path = folder.path().join("metadata/acme").join(file);
        assert_eq!(&std::fs::read(path).unwrap(), bytes, "{file}");
    }
    let none = downloads.metadata(&link, &name("nobody")).await;
    assert!(
        matches!(none, Err(DownloadError::Content { .. })),
        "{none:?}"
    );
    for file in ["../1.root.json", "passwd", "1..root.json"] {
        let asked = MetadataAsked {
            repository: name("acme"),
            file: file.into(),
        };
        match link.ask(&Request::Metadata(asked)).await.unwrap() {
            Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
            other => panic!("{other:?}"),
        }
    }
    artifacts(&world, &link, &downloads, folder.path()).await;
}

/// 20 MB: three ranges.
async fn artifacts(world: &World, link: &Link, downloads: &Downloads, folder: &std::path::Path) {
    let bytes: Vec<u8> = (0..20_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    let (sha256, length) = (Digest::of(&bytes), bytes.len() as u64);
    let missing = downloads.artifact(link, &sha256, length).await;
    assert!(
        matches!(missing, Err(DownloadError::Refused(_))),
        "{missing:?}"
    );
    let served = world
        .folder
        .path()
        .join("artifacts")
        .join(sha256.to_string());
    std::fs::write(&served, &bytes).unwrap();
    // From where an earlier try ended.
    let part = folder.join("artifacts").join(format!("{sha256}.part"));
    std::fs::write(&part, &bytes[..9_000_001]).unwrap();
    downloads.artifact(link, &sha256, length).await.unwrap();
    let fetched = folder.join("artifacts").join(sha256.to_string());
    assert!(std::fs::read(&fetched).unwrap() == bytes);
    assert!(!part.exists());
    // A half that was spoiled is thrown away, and fetched whole the next time.
    std::fs::remove_file(&fetched).unwrap();
    std::fs::write(&part, vec![0; 9_000_001]).unwrap();
    let spoiled = downloads.artifact(link, &sha256, length).await;
    assert!(
        matches!(spoiled, Err(DownloadError::Content { .. })),
        "{spoiled:?}"
    );
    downloads.artifact(link, &sha256, length).await.unwrap();
    assert!(downloads.has(&sha256, length));
    // Another length than was signed.
    std::fs::remove_file(&fetched).unwrap();
    let longer = downloads.artifact(link, &sha256, length + 1).await;
    assert!(
        matches!(longer, Err(DownloadError::Content { .. })),
        "{longer:?}"
    );
    for (offset, length) in [(0, 0), (0, 8 * 1024 * 1024 + 1), (u64::MAX, 1), (length, 1)] {
        let asked = ArtifactAsked {
            sha256,
            offset,
            length,
        };
        match link.ask(&Request::Artifact(asked)).await.unwrap() {
            Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn go_asked(approval: Digest, machine: &Machine, nonce: u8) -> Request {
    Request::Go(GoAsked {
        job: JobId::of(approval, machine.id()),
        approval,
        boot: BootId([1; 16]),
        nonce: Nonce([nonce; 32]),
    })
}

#[tokio::test]
async fn go_is_signed_for_one_job_and_refused_when_stopped() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let (one, two) = (world.enrolled(1).await, world.enrolled(2).await);
    let approval = planned(&world, &hospital, &[&one]).await;
    let (link, second) = (one.link(&world).await, two.link(&world).await);
    let key = PublicKey::of(&world.go_key);
    let asked = go_asked(approval, &one, 1);
    let Answer::Go(signed) = link.ask(&asked).await.unwrap() else {
        panic!("no go");
    };
    let go = signed.verify([&key]).unwrap();
    assert_eq!(go.machine, one.id());
    assert_eq!(go.nonce, Nonce([1; 32]));
    assert_eq!(go.job, JobId::of(approval, one.id()));
    // Lost on the way: the same go again.
    assert_eq!(link.ask(&asked).await.unwrap(), Answer::Go(signed));
    // Another machine's job, and one that no plan has.
    for (request, code) in [
        (asked.clone(), RefusedCode::Forbidden),
        (go_asked(approval, &two, 1), RefusedCode::NotFound),
        (go_asked(Digest([9; 32]), &two, 1), RefusedCode::NotFound),
    ] {
        match second.ask(&request).await.unwrap() {
            Answer::Refused(refused) => assert_eq!(refused.code, code),
            other => panic!("{other:?}"),
        }
    }
    stop_all(&world, &hospital).await;
    match link.ask(&go_asked(approval, &one, 2)).await.unwrap() {
        Answer::NotNow(not) => assert_eq!(not.reason, "stopped"),
        other => panic!("{other:?}"),
    }
}

/// A journal as an installer writes it.
pub(super) struct Journal {
    key: SigningKey,
    pub(super) job: JobId,
    pub(super) approval: Digest,
    events: Vec<ByteBuf>,
    previous: Digest,
}

impl Journal {
    pub(super) fn new(machine: &Machine, approval: Digest) -> Self {
        Self {
            key: machine.key.clone(),
            job: JobId::of(approval, machine.id()),
            approval,
            events: Vec::new(),
            previous: Digest::default(),
        }
    }

    fn event(&self, event: Event) -> JobEvent {
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

    pub(super) fn push(&mut self, event: Event) {
        let signed = Signed::new(&self.event(event), &self.key);
        self.previous = signed.digest();
        self.events.push(ByteBuf::from(codec::encode(&signed)));
    }

    pub(super) fn report(&self, first: usize, last: usize) -> Request {
        Request::Journal(JournalReport {
            outbox: OutboxId([4; 16]),
            first: first as u64,
            events: self.events[first - 1..last].to_vec(),
        })
    }
}

pub(super) fn started() -> Event {
    Event::Started(Start {
        slot: patchward_integration_tests::fixture::interval(now(), now().plus_ms(DAY_MS)),
        boot: BootId([1; 16]),
        go: Digest::default(),
        approved_by: vec![],
        roster: Digest::default(),
        charter: Digest::default(),
        assignment: Digest::default(),
        versions_before: vec![],
        interlock: "idle".into(),
    })
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

async fn code(link: &Link, request: &Request) -> RefusedCode {
    match link.ask(request).await.unwrap() {
        Answer::Refused(refused) => refused.code,
        other => panic!("{other:?}"),
    }
}

/// I4: exactly once under duplicates; nothing forged, nothing altered, nothing left out.
#[tokio::test]
async fn the_journal_is_stored_exactly_once() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let approval = planned(&world, &hospital, &[&machine]).await;
    let link = machine.link(&world).await;
    let mut journal = Journal::new(&machine, approval);
    for event in [Event::Prepared, started(), measured(), Event::Prepared] {
        journal.push(event);
    }
    let stored = |n| Answer::Stored(n);
    assert_eq!(link.ask(&journal.report(1, 2)).await.unwrap(), stored(2));
    // Again, overlapping, and with a gap.
    assert_eq!(link.ask(&journal.report(1, 2)).await.unwrap(), stored(2));
    assert_eq!(link.ask(&journal.report(4, 4)).await.unwrap(), stored(2));
    assert_eq!(link.ask(&journal.report(2, 3)).await.unwrap(), stored(3));
    let answer = say(&link, machine.hello()).await.unwrap();
    assert_eq!(answer.journal, 3);
    // Another machine's signature, and an event of another machine.
    let other = world.enrolled(2).await;
    let mut forged = Journal::new(&other, approval);
    forged.push(Event::Prepared);
    assert_eq!(
        code(&link, &forged.report(1, 1)).await,
        RefusedCode::BadRequest
    );
    // The same key with other bytes: an alarm, never an acknowledgement.
    let mut altered = Journal::new(&machine, approval);
    altered.push(Event::Stopped(Reason::new("another history")));
    altered.push(Event::Prepared);
    let conflict = RefusedCode::JournalConflict;
    assert_eq!(code(&link, &altered.report(1, 1)).await, conflict);
    altered.events.extend([ByteBuf::new(), ByteBuf::new()]);
    // One that does not follow from the stored one.
    altered.events.truncate(3);
    let lone = Signed::new(&altered.event(Event::Prepared), &machine.key);
    altered.events.push(ByteBuf::from(codec::encode(&lone)));
    assert_eq!(code(&link, &altered.report(4, 4)).await, conflict);
    assert_eq!(link.ask(&journal.report(4, 4)).await.unwrap(), stored(4));
    let mut view = world.store.view().await.unwrap();
    let rows = view
        .journal_after(&machine.id(), &OutboxId([4; 16]), 0, 99)
        .await;
    assert_eq!(rows.unwrap().len(), 4);
    let audit = view.audit_of(&machine.id().to_string(), 99).await.unwrap();
    let alarms = audit.iter().filter(|row| row.action == "journal.conflict");
    assert_eq!(alarms.count(), 2);
}

#[tokio::test]
async fn events_move_jobs_and_leave_evidence() {
    let world = World::new().await;
    let hospital = Hospital::new(1, now());
    let machine = world.enrolled(1).await;
    let approval = planned(&world, &hospital, &[&machine]).await;
    let link = machine.link(&world).await;
    link.ask(&go_asked(approval, &machine, 1)).await.unwrap();
    let job = JobId::of(approval, machine.id());
    let mut journal = Journal::new(&machine, approval);
    journal.push(Event::Prepared);
    journal.push(started());
    link.ask(&journal.report(1, 2)).await.unwrap();
    let open = until(&world, &job, "installing").await;
    assert_eq!(open.attempt, 1);
    journal.push(measured());
    // It does not follow: it is reported and changes nothing.
    journal.push(Event::Prepared);
    link.ask(&journal.report(3, 4)).await.unwrap();
    until(&world, &job, "verified").await;
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.evidence(&job).await.unwrap().len(), 2);
    assert!(view.outstanding_goes().await.unwrap().is_empty());
    // A job that nobody knows.
    let mut strange = Journal::new(&machine, Digest([9; 32]));
    strange.events = journal.events;
    strange.previous = journal.previous;
    strange.push(Event::Prepared);
    drop(view);
    link.ask(&strange.report(5, 5)).await.unwrap();
    let waiting = async || {
        let mut view = world.store.view().await.unwrap();
        view.journal_unconsumed(1).await.unwrap().len()
    };
    while waiting().await > 0 {
        tokio::task::yield_now().await;
    }
    let mut view = world.store.view().await.unwrap();
    let job = view.job(&job).await.unwrap().unwrap();
    assert_eq!(job.state.word(), "verified");
}

/// Waits until a job is in a state.
pub(super) async fn until(
    world: &World,
    job: &JobId,
    word: &str,
) -> patchward_collector::store::jobs::Job {
    loop {
        let found = world.store.view().await.unwrap().job(job).await.unwrap();
        if let Some(found) = found.filter(|found| found.state.word() == word) {
            return found;
        }
        tokio::task::yield_now().await;
    }
}
