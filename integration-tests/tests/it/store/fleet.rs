//! Tokens, enrolments and machines.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::enrolments::{Enrolment, EnrolmentState};
use patchward_collector::store::machines::{MachineState, MachineStatus, Readiness};
use patchward_collector::store::tokens::{Acceptance, Token};
use patchward_common::id::BootId;
use patchward_common::wire::machine::InterlockWord;

on_both_engines!(
    tokens,
    a_token_used_by_many_at_once,
    enrolments,
    machines,
    machine_states,
    certificates,
    clones,
    reports_of_machines,
);

pub(super) fn token(id: &str, uses: u32) -> Token {
    Token {
        id: name(id),
        secret_hash: Digest::of(id.as_bytes()),
        unit: name("icu"),
        host_pattern: "pc-*".into(),
        acceptance: Acceptance::Person,
        uses_left: uses,
        created_at: NOW,
        expires_at: NOW.plus_ms(1_000),
        revoked_at: None,
    }
}

pub(super) fn enrolment(number: u8) -> Enrolment {
    Enrolment {
        machine: machine(number),
        spki: vec![number; 44],
        host: name(&format!("pc-{number}")),
        unit: name("icu"),
        token: name("t"),
        csr: vec![0x30, number],
        facts: vec![0xa0],
        asked_at: NOW,
        state: EnrolmentState::Waiting,
        decided_at: None,
    }
}

async fn tokens(world: World) {
    let world = world.with_unit().await;
    let mut change = world.change().await;
    change.add_token(&token("a", 2)).await.unwrap();
    change.add_token(&token("b", 1)).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.add_token(&token("a", 2)).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    assert_eq!(change.use_token(&name("a")).await.unwrap().uses_left, 1);
    assert_eq!(change.use_token(&name("a")).await.unwrap().uses_left, 0);
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(change.use_token(&name("a")).await, StoreError::Conflict(_));
    drop(change);
    let mut change = world.change_at(NOW.plus_ms(1_000)).await;
    refused!(change.use_token(&name("b")).await, StoreError::Conflict(_));
    drop(change);
    let mut change = world.change().await;
    change.revoke_token(&name("b")).await.unwrap();
    refused!(change.use_token(&name("b")).await, StoreError::Conflict(_));
    drop(change);
    let mut change = world.change().await;
    change.revoke_token(&name("b")).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.revoke_token(&name("b")).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut view = world.store.view().await.unwrap();
    let (mut a, mut b) = (token("a", 0), token("b", 1));
    b.revoked_at = Some(NOW);
    assert_eq!(view.tokens().await.unwrap(), [a.clone(), b]);
    let hash = a.secret_hash;
    assert_eq!(view.token_by_secret(&hash).await.unwrap(), Some(a.clone()));
    a.secret_hash = digest(1);
    assert_eq!(view.token_by_secret(&digest(1)).await.unwrap(), None);
}

async fn a_token_used_by_many_at_once(world: World) {
    let world = world.with_unit().await;
    let mut change = world.change().await;
    change.add_token(&token("t", 3)).await.unwrap();
    change.commit().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let store = world.store.clone();
        tasks.spawn(async move {
            let mut change = store.change(Actor::Collector, NOW).await.unwrap();
            change.use_token(&name("t")).await?;
            change.commit().await
        });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.tokens().await.unwrap()[0].uses_left, 0);
    view.verify_audit(None).await.unwrap();
}

async fn enrolments(world: World) {
    let world = world.with_unit().await;
    let mut change = world.change().await;
    change.add_token(&token("t", 9)).await.unwrap();
    change.ask_enrolment(&enrolment(1)).await.unwrap();
    change.ask_enrolment(&enrolment(2)).await.unwrap();
    change.commit().await.unwrap();
    // Asked again with another request: the new one waits in its place.
    let mut again = enrolment(1);
    again.csr = vec![0x30, 0x99];
    let mut change = world.change_at(NOW.plus_ms(5)).await;
    change.ask_enrolment(&again).await.unwrap();
    change.commit().await.unwrap();
    again.asked_at = NOW.plus_ms(5);
    let mut view = world.store.view().await.unwrap();
    let waiting = view.enrolments_waiting().await.unwrap();
    assert_eq!(waiting, [enrolment(2), again.clone()]);
    let by = view.enrolments_by(&name("t")).await.unwrap();
    assert_eq!(by, waiting);
    assert!(view.enrolments_by(&name("u")).await.unwrap().is_empty());
    drop(view);
    let mut change = world.change().await;
    change.accept_enrolment(&new_machine(1)).await.unwrap();
    change
        .refuse_enrolment(&machine(2), "nobody knows it")
        .await
        .unwrap();
    change.commit().await.unwrap();
    for (number, what) in [(1, "accepted"), (2, "refused"), (3, "never asked")] {
        let mut change = world.change().await;
        let result = change.accept_enrolment(&new_machine(number)).await;
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{what}");
        drop(change);
        let mut change = world.change().await;
        let result = change.refuse_enrolment(&machine(number), "no").await;
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{what}");
    }
    let mut view = world.store.view().await.unwrap();
    again.state = EnrolmentState::Accepted;
    again.decided_at = Some(NOW);
    assert_eq!(view.enrolment(&machine(1)).await.unwrap(), Some(again));
    assert_eq!(view.enrolment(&machine(3)).await.unwrap(), None);
    let stored = view.machine(&machine(1)).await.unwrap().unwrap();
    assert_eq!(
        (stored.spki, stored.state),
        (vec![1; 44], MachineState::Enrolled)
    );
    drop(view);
    // Two machines of the fleet never have one name.
    let mut change = world.change().await;
    change.ask_enrolment(&enrolment(3)).await.unwrap();
    let mut double = new_machine(3);
    double.name = name("pc-1");
    refused!(
        change.accept_enrolment(&double).await,
        StoreError::Conflict(_)
    );
}

async fn machines(world: World) {
    let world = world.with_machines(3).await;
    let mut change = world.change().await;
    change.add_unit(&unit("er", "main")).await.unwrap();
    change
        .rename_machine(&machine(2), &name("gateway"))
        .await
        .unwrap();
    change
        .place_machine(
            &machine(2),
            &name("er"),
            Class::Standard,
            &name("m2"),
            Mode::Observe,
        )
        .await
        .unwrap();
    change.commit().await.unwrap();
    world.store.record_seen(&[heard(2)], NOW).await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let line = view.machines(Some(&name("er")), None, 9).await.unwrap();
    assert_eq!(line.len(), 1);
    assert_eq!(
        (
            &line[0].id,
            &line[0].name,
            line[0].class,
            line[0].mode,
            line[0].seen_at
        ),
        (
            &machine(2),
            &name("gateway"),
            Class::Standard,
            Mode::Observe,
            Some(NOW)
        )
    );
    let ids = |lines: Vec<patchward_collector::store::machines::MachineLine>| {
        lines.into_iter().map(|line| line.id).collect::<Vec<_>>()
    };
    assert_eq!(
        ids(view.machines(None, None, 2).await.unwrap()),
        [machine(1), machine(2)]
    );
    assert_eq!(
        ids(view.machines(None, Some(&machine(2)), 9).await.unwrap()),
        [machine(3)]
    );
    let named = view.machine_named(&name("gateway")).await.unwrap().unwrap();
    assert_eq!(named.id, machine(2));
    assert!(view.machine_named(&name("pc-2")).await.unwrap().is_none());
    assert!(view.machine(&machine(9)).await.unwrap().is_none());
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.rename_machine(&machine(1), &name("pc-3")).await,
        StoreError::Conflict(_)
    );
    refused!(
        change
            .place_machine(
                &machine(1),
                &name("lab"),
                Class::Standard,
                &name("m"),
                Mode::Active
            )
            .await,
        StoreError::NotFound { .. }
    );
    refused!(
        change.rename_machine(&machine(9), &name("x")).await,
        StoreError::NotFound { .. }
    );
}

async fn machine_states(world: World) {
    use MachineState::{Decommissioned, Enrolled, Revoked, Stored};
    let world = world.with_machines(3).await;
    let mut change = world.change().await;
    change
        .move_machine(&machine(1), Enrolled, Stored, "loaned")
        .await
        .unwrap();
    change
        .move_machine(&machine(1), Stored, Enrolled, "back")
        .await
        .unwrap();
    change
        .move_machine(&machine(2), Enrolled, Revoked, "stolen")
        .await
        .unwrap();
    change
        .move_machine(&machine(3), Enrolled, Decommissioned, "old")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(
        view.machine_counts().await.unwrap(),
        [(Decommissioned, 1), (Enrolled, 1), (Revoked, 1)]
    );
    drop(view);
    let mut change = world.change().await;
    refused!(
        change
            .move_machine(&machine(1), Stored, Enrolled, "again")
            .await,
        StoreError::Conflict(_)
    );
    drop(change);
    // A revoked key never comes back, nor one of what is gone; its name is free for the
    // machine's new key.
    for gone in [2, 3] {
        let mut change = world.change().await;
        change.ask_enrolment(&enrolment(gone)).await.unwrap();
        refused!(
            change.accept_enrolment(&new_machine(gone)).await,
            StoreError::Conflict(_)
        );
    }
    let mut change = world.change().await;
    change.ask_enrolment(&enrolment(4)).await.unwrap();
    let mut anew = new_machine(4);
    anew.name = name("pc-2");
    change.accept_enrolment(&anew).await.unwrap();
    refused!(
        change
            .move_machine(&machine(2), Revoked, Enrolled, "no")
            .await,
        StoreError::Conflict(_)
    );
}

async fn certificates(world: World) {
    let world = world.with_machines(2).await;
    let mut change = world.change().await;
    for (serial, machine_number, life) in [("0a", 1, 100), ("0b", 1, 200), ("0c", 2, 300)] {
        let expires = NOW.plus_ms(life);
        change
            .add_certificate(&machine(machine_number), serial, expires)
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.add_certificate(&machine(2), "0a", NOW).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    change
        .move_machine(
            &machine(1),
            MachineState::Enrolled,
            MachineState::Revoked,
            "stolen",
        )
        .await
        .unwrap();
    refused!(
        change.add_certificate(&machine(1), "0d", NOW).await,
        StoreError::Conflict(_)
    );
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let serials = |list: Vec<patchward_collector::store::machines::Certificate>| {
        list.into_iter().map(|c| c.serial).collect::<Vec<_>>()
    };
    // Every certificate of it, old ones too, until each has expired by itself.
    assert_eq!(
        serials(view.revoked_certificates(NOW).await.unwrap()),
        ["0a", "0b"]
    );
    assert_eq!(
        serials(view.revoked_certificates(NOW.plus_ms(100)).await.unwrap()),
        ["0b"]
    );
    assert_eq!(
        serials(view.certificates_of(&machine(2)).await.unwrap()),
        ["0c"]
    );
    let lines = view.machines(None, None, 9).await.unwrap();
    assert_eq!(lines[0].certificate_expires, Some(NOW.plus_ms(200)));
}

async fn clones(world: World) {
    let world = world.with_machines(1).await;
    let mut change = world.change().await;
    refused!(
        change.clear_clone(&machine(1), "looked").await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    change
        .suspect_clone(&machine(1), "two boots")
        .await
        .unwrap();
    change.suspect_clone(&machine(1), "again").await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    let suspected = change.view().machine(&machine(1)).await.unwrap().unwrap();
    assert_eq!(suspected.clone_suspected_at, Some(NOW));
    assert_eq!(suspected.clone_reason.as_deref(), Some("two boots"));
    change.clear_clone(&machine(1), "one board").await.unwrap();
    refused!(
        change.suspect_clone(&machine(9), "x").await,
        StoreError::NotFound { .. }
    );
}

fn status(readiness: Readiness) -> MachineStatus {
    MachineStatus {
        boot: BootId([7; 16]),
        agent_version: "0.1.0".into(),
        installer_version: String::new(),
        readiness,
        interlock: InterlockWord::InUse,
        hold_until: Some(NOW),
        watermark: digest(1),
        fingerprint: digest(3),
    }
}

async fn reports_of_machines(world: World) {
    let world = world.with_machines(2).await;
    let store = &world.store;
    let head = store.view().await.unwrap().audit_head().await.unwrap();
    let newer = NOW.plus_ms(9);
    // The newest wins, whatever the order; a fleet in one call.
    let fleet: Vec<_> = (0..700u32)
        .map(|n| {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&n.to_be_bytes());
            (MachineId(id), NOW.into())
        })
        .collect();
    store.record_seen(&fleet, NOW).await.unwrap();
    store
        .record_seen(
            &[(machine(1), newer.into()), (machine(1), NOW.into())],
            newer,
        )
        .await
        .unwrap();
    store
        .record_seen(&[(machine(1), NOW.into())], newer)
        .await
        .unwrap();
    store.record_seen(&[], NOW).await.unwrap();
    let first = status(Readiness::Unknown);
    store.record_status(&machine(1), &first, NOW).await.unwrap();
    let second = MachineStatus {
        hold_until: None,
        ..status(Readiness::Ready)
    };
    store
        .record_status(&machine(1), &second, NOW)
        .await
        .unwrap();
    store.record_facts(&machine(1), b"old", NOW).await.unwrap();
    store
        .record_facts(&machine(1), b"new", newer)
        .await
        .unwrap();
    refused!(
        store.record_status(&machine(9), &first, NOW).await,
        StoreError::Conflict(_)
    );
    // What comes together is written together, and nobody fails for his neighbour.
    let mut together = tokio::task::JoinSet::new();
    for number in [1, 1, 9, 1, 9] {
        let (store, same) = (store.clone(), second.clone());
        together.spawn(async move {
            let stored = store.record_status(&machine(number), &same, NOW).await;
            (number, stored.is_ok())
        });
    }
    for (number, is_stored) in together.join_all().await {
        assert_eq!(is_stored, number == 1);
    }
    let mut view = store.view().await.unwrap();
    assert_eq!(view.seen_at(&machine(1)).await.unwrap(), Some(newer));
    assert_eq!(view.seen_at(&fleet[699].0).await.unwrap(), Some(NOW));
    assert_eq!(view.seen_at(&machine(2)).await.unwrap(), None);
    assert_eq!(
        view.machine_status(&machine(1)).await.unwrap(),
        Some(second)
    );
    assert_eq!(view.machine_status(&machine(2)).await.unwrap(), None);
    assert_eq!(
        view.machine_facts(&machine(1)).await.unwrap(),
        Some((b"new".to_vec(), newer))
    );
    assert_eq!(
        view.audit_head().await.unwrap(),
        head,
        "reports are not audited"
    );
}
