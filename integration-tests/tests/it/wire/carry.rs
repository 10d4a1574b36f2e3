//! Orders, metadata, artifacts, go and journal over the wire.

use super::scene::{
    Journal, Scene, change, consumed, go_asked, measured, planned, started, stored, until,
};
use super::world::{World, now, say};
use patchward_agent::download::{DownloadError, Downloads, Relay};
use patchward_agent::link::Link;
use patchward_collector::store::documents::{DocumentKind, NewDocument};
use patchward_collector::store::plans::PlanState;
use patchward_collector::store::vendors::{TufFile, Vendor};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Nonce, OutboxId};
use patchward_common::job::{Event, Reason};
use patchward_common::trust::placement::is_included;
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::trust::stop::{Scope, Stop};
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::{
    Answer, ArtifactAsked, MetadataAsked, Orders, OrdersAsked, RefusedCode, Request, Stale,
};
use patchward_integration_tests::fixture::{Hospital, name, sign};
use serde_bytes::ByteBuf;

pub(super) async fn orders(link: &Link, charter: u64) -> Orders {
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
    // What a stop changes nothing of is as it was, though it is not read again.
    let stopped = orders(&link, 1).await;
    assert_eq!(stopped.base, None);
    assert_eq!(stopped.stops.len(), 1);
    assert_eq!(stopped.assignment, got.assignment);
    assert_eq!(stopped.approvals, got.approvals);
    // A plan that is over is given to nobody any more.
    let plan = got.approvals[0].signed.digest();
    let (from, to) = (PlanState::Active, PlanState::Done);
    let mut over = change(&world).await;
    over.move_plan(&plan, from, to, "a test").await.unwrap();
    over.commit().await.unwrap();
    world.fleet.nudge_all(Nudge::Stop);
    let over = orders(&link, 1).await;
    assert!(over.approvals.is_empty());
    assert_eq!(over.assignment, got.assignment);
}

pub(super) async fn stop_all(world: &World, hospital: &Hospital) {
    stop_all_for(world, hospital, "a test").await;
}

pub(super) async fn stop_all_for(world: &World, hospital: &Hospital, reason: &str) {
    let stop = Stop {
        scope: Scope::All,
        reason: super::world::label(reason),
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
    world.fleet.nudge_all(Nudge::Stop);
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
    downloads
        .metadata(&link, &mut Relay::default(), &name("acme"), now())
        .await
        .unwrap();
    for (file, bytes) in &files {
        let path = folder.path().join("metadata/acme").join(file);
        assert_eq!(&std::fs::read(path).unwrap(), bytes, "{file}");
    }
    let none = downloads
        .metadata(&link, &mut Relay::default(), &name("nobody"), now())
        .await;
    assert!(
        matches!(none, Err(DownloadError::Content { .. })),
        "{none:?}"
    );
    for file in ["../1.root.json", "passwd", "1..root.json"] {
        let asked = MetadataAsked::whole(name("acme"), file.into());
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

async fn code(link: &Link, request: &Request) -> RefusedCode {
    match link.ask(request).await.unwrap() {
        Answer::Refused(refused) => refused.code,
        other => panic!("{other:?}"),
    }
}

/// I4: exactly once under duplicates; nothing forged, nothing altered, nothing left out.
#[tokio::test]
async fn the_journal_is_stored_exactly_once() {
    let Scene {
        world,
        machine,
        link,
        approval,
        mut journal,
        ..
    } = Scene::planned().await;
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
    let mut scene = Scene::installing().await;
    let (world, job) = (&scene.world, scene.job);
    let found = async || {
        let mut view = world.store.view().await.unwrap();
        view.job(&job).await.unwrap().unwrap()
    };
    assert_eq!(found().await.attempt, 1);
    let journal = &mut scene.journal;
    journal.push(measured());
    // It does not follow: it is reported and changes nothing.
    journal.push(Event::Prepared);
    scene.link.ask(&journal.report(3, 4)).await.unwrap();
    until(world, &job, "verified").await;
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.evidence(&job).await.unwrap().len(), 2);
    assert!(view.outstanding_goes().await.unwrap().is_empty());
    drop(view);
    // A job that nobody knows.
    journal.approval = Digest([9; 32]);
    journal.job = JobId::of(journal.approval, scene.machine.id());
    journal.push(Event::Prepared);
    scene.link.ask(&journal.report(5, 5)).await.unwrap();
    consumed(world).await;
    assert_eq!(found().await.state.word(), "verified");
}
