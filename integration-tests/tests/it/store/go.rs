//! Go: decided under the locks of its groups.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::documents::{DocumentKind, NewDocument};
use patchward_collector::store::go::{GoAsk, GoOutcome, GoSnapshot};
use patchward_collector::store::machines::MachineState;
use patchward_collector::store::stops::HaltScope;
use patchward_collector::store::windows::{Area, Freeze};
use patchward_common::id::Nonce;
use patchward_common::job::{Reason, State};
use patchward_common::trust::stop::Scope;

on_both_engines!(a_go_is_issued_once, what_a_decision_sees, a_go_ends,);

pub(super) fn ask(plan: Digest, number: u8, nonce: u8) -> GoAsk {
    GoAsk {
        machine: machine(number),
        job: job(plan, number),
        nonce: Nonce([nonce; 32]),
        longest_run_ms: 60_000,
    }
}

/// The rule of the design, as far as these tests need it: the other members that are
/// neither going nor at work stay at the group's minimum.
pub(super) fn decide(snapshot: &GoSnapshot) -> Result<Vec<u8>, String> {
    if let Some(stop) = snapshot.stops.first() {
        return Err(format!("stop on {:?}", stop.scope));
    }
    for group in &snapshot.groups {
        let others = group.members.iter().filter(|member| {
            member.machine != snapshot.machine.id
                && member.go.is_none()
                && member.open_job.is_none()
        });
        if others.count() < group.group.minimum_ready as usize {
            return Err(format!("{} would fall below its minimum", group.group.name));
        }
    }
    Ok(snapshot.job.id.0.to_vec())
}

/// Machines 1 to `count` in `groups` that need `least` of them, with an active plan over all.
pub(super) async fn ward(world: World, count: u8, least: u32, groups: &[&str]) -> (World, Digest) {
    let world = world.with_machines(count).await;
    let mut change = world.change().await;
    for text in groups {
        change.add_group(&group(text, least)).await.unwrap();
    }
    let names: Vec<_> = groups.iter().map(|text| name(text)).collect();
    for number in 1..=count {
        change
            .set_groups_of(&machine(number), &names)
            .await
            .unwrap();
    }
    let plan = plans::plan_with_jobs(&mut change, "spring", count).await;
    change.commit().await.unwrap();
    (world, plan)
}

async fn a_go_is_issued_once(world: World) {
    let (world, plan) = ward(world, 2, 1, &["monitors"]).await;
    let store = &world.store;
    let issued = GoOutcome::Issued(job(plan, 1).0.to_vec());
    let first = store
        .decide_go(&ask(plan, 1, 1), NOW, decide)
        .await
        .unwrap();
    assert_eq!(first, issued);
    // The answer was lost: decided again, and the bytes of before.
    let again = store
        .decide_go(&ask(plan, 1, 1), NOW, |snapshot| {
            decide(snapshot).map(|_| b"other bytes".to_vec())
        })
        .await
        .unwrap();
    assert_eq!(again, issued);
    // What forbids it now is not passed by asking with the same nonce; the go of before
    // counts on.
    let stopped = store
        .decide_go(&ask(plan, 1, 1), NOW, |_| Err::<Vec<u8>, _>("stopped"))
        .await
        .unwrap();
    assert_eq!(stopped, GoOutcome::Refused("stopped"));
    // Another machine is refused, and nothing of that is stored.
    let head = store.view().await.unwrap().audit_head().await.unwrap();
    let refused = store
        .decide_go(&ask(plan, 2, 2), NOW, decide)
        .await
        .unwrap();
    assert!(matches!(refused, GoOutcome::Refused(_)));
    let mut view = store.view().await.unwrap();
    assert_eq!(view.audit_head().await.unwrap(), head);
    let outstanding = view.outstanding_goes().await.unwrap();
    assert_eq!(outstanding.len(), 1);
    assert_eq!(
        (
            outstanding[0].machine,
            outstanding[0].nonce,
            outstanding[0].issued_at
        ),
        (machine(1), Nonce([1; 32]), NOW)
    );
    drop(view);
    // A new nonce of the same machine takes the place of the old one.
    let third = store
        .decide_go(&ask(plan, 1, 3), NOW, decide)
        .await
        .unwrap();
    assert_eq!(third, issued);
    let mut view = store.view().await.unwrap();
    let goes = view.goes_of(&job(plan, 1)).await.unwrap();
    assert_eq!(goes.iter().filter(|go| go.ended_at.is_none()).count(), 1);
    assert_eq!(goes.len(), 2);
    let token = (job(plan, 1), job(plan, 1).0.to_vec());
    let tokens = view.go_tokens([job(plan, 1), job(plan, 2)]).await.unwrap();
    assert_eq!(tokens, [token.clone(), token]);
    drop(view);
    // Not this machine's job; a nonce that was used.
    let other = GoAsk {
        job: job(plan, 2),
        ..ask(plan, 1, 9)
    };
    refused!(
        store.decide_go(&other, NOW, decide).await,
        StoreError::NotFound { .. }
    );
    refused!(
        store.decide_go(&ask(plan, 1, 1), NOW, decide).await,
        StoreError::Conflict(_)
    );
}

async fn what_a_decision_sees(world: World) {
    let (world, plan) = ward(world, 3, 1, &["monitors"]).await;
    let mut change = world.change().await;
    let second = change.view().job(&job(plan, 2)).await.unwrap().unwrap();
    change
        .move_job(&second, &State::Installing, None, 1)
        .await
        .unwrap();
    change
        .move_machine(
            &machine(3),
            MachineState::Enrolled,
            MachineState::Stored,
            "loaned",
        )
        .await
        .unwrap();
    change
        .hold(Area::Unit, "icu", NOW.plus_ms(1), "round")
        .await
        .unwrap();
    change
        .halt(HaltScope::Plan, &plan.to_string(), 1, "failed")
        .await
        .unwrap();
    let freeze = Freeze {
        id: label("f"),
        area: Area::All,
        subject: String::new(),
        start: NOW,
        end: NOW.plus_ms(1),
        reason: "go-live".into(),
        source: name("manual"),
    };
    change.add_freeze(&freeze).await.unwrap();
    change.replace_freezes(&name("theatre"), &[]).await.unwrap();
    let stop = NewDocument {
        scope: Some(&Scope::All),
        ..documents::document(DocumentKind::Stop, b"stop")
    };
    change.add_document(&stop, &[]).await.unwrap();
    change.mark_restored(None).await.unwrap();
    change.commit().await.unwrap();
    world.store.record_seen(&[heard(2)], NOW).await.unwrap();
    let asked = ask(plan, 1, 1);
    world
        .store
        .decide_go(&asked, NOW, |_| Ok::<_, ()>(vec![1]))
        .await
        .unwrap();
    let mut view = world.store.view().await.unwrap();
    let seen = view.go_snapshot(&asked, NOW).await.unwrap();
    let members = &seen.groups[0].members;
    assert_eq!(members.len(), 3);
    assert_eq!(members[0].go, Some(job(plan, 1)));
    assert_eq!(
        (
            members[1].open_job,
            members[1].heard_at,
            members[1].readiness
        ),
        (Some(job(plan, 2)), Some(NOW), None)
    );
    assert_eq!(members[2].state, MachineState::Stored);
    let by_name = view.group_snapshot(&name("monitors")).await.unwrap();
    assert_eq!(by_name, seen.groups[0]);
    assert_eq!(
        (seen.stops.len(), seen.halts.len(), seen.holds.len()),
        (1, 1, 1)
    );
    assert_eq!((seen.freezes.len(), seen.feeds.len()), (1, 1));
    assert!(seen.awaits_confirmation && seen.status.is_none());
    assert!(!seen.is_unread);
    assert_eq!((seen.plan.id, seen.unit.name), (plan, name("icu")));
    assert_eq!((seen.failures, seen.windows.len()), (0, 0));
    let early = view.go_snapshot(&asked, NOW.plus_ms(-59_999)).await;
    assert_eq!(early.unwrap().freezes.len(), 1, "it begins within the run");
    let later = view.go_snapshot(&asked, NOW.plus_ms(1)).await.unwrap();
    assert_eq!((later.freezes.len(), later.holds.len()), (0, 0));
    drop(view);
    // Another machine's reports, and this one's, until they are read.
    for number in [2, 1] {
        let append = journal::append(number, 1, 1);
        world.store.append_journal(append).await.unwrap();
        let mut view = world.store.view().await.unwrap();
        let seen = view.go_snapshot(&asked, NOW).await.unwrap();
        assert_eq!(seen.is_unread, number == 1);
    }
    let mut change = world.change().await;
    let waiting = change.view().journal_unconsumed(10).await.unwrap();
    let read: Vec<_> = waiting.into_iter().map(|outbox| (outbox, 1)).collect();
    change.consume_journal(&read).await.unwrap();
    let seen = change.view().go_snapshot(&asked, NOW).await.unwrap();
    assert!(!seen.is_unread);
}

async fn a_go_ends(world: World) {
    let (world, plan) = ward(world, 2, 1, &["monitors"]).await;
    let store = &world.store;
    store
        .decide_go(&ask(plan, 1, 1), NOW, decide)
        .await
        .unwrap();
    let mut change = world.change().await;
    let issued = change.view().outstanding_go(&job(plan, 1)).await.unwrap();
    let (nonce, token) = issued.unwrap();
    assert_eq!(nonce, ask(plan, 1, 1).nonce);
    assert!(!token.is_empty());
    assert!(change.end_go(&job(plan, 1), "deferred").await.unwrap());
    assert!(!change.end_go(&job(plan, 1), "deferred").await.unwrap());
    let ended = change.view().outstanding_go(&job(plan, 1)).await.unwrap();
    assert_eq!(ended, None);
    change.commit().await.unwrap();
    // The place is free for the other one, and a job's end frees it too.
    let second = store
        .decide_go(&ask(plan, 2, 2), NOW, decide)
        .await
        .unwrap();
    assert!(matches!(second, GoOutcome::Issued(_)));
    let mut change = world.change().await;
    let read = change.view().job(&job(plan, 2)).await.unwrap().unwrap();
    let rolled_back = State::RolledBack(Reason::new("check failed"));
    change.move_job(&read, &rolled_back, None, 1).await.unwrap();
    change.commit().await.unwrap();
    let mut view = store.view().await.unwrap();
    assert_eq!(view.outstanding_goes().await.unwrap(), []);
    let goes = view.goes_of(&job(plan, 2)).await.unwrap();
    assert_eq!(goes[0].ended_by.as_deref(), Some("rolled_back"));
    drop(view);
    // One that a person stops ends none: its machine may have started with it.
    store
        .decide_go(&ask(plan, 1, 3), NOW, decide)
        .await
        .unwrap();
    let mut change = world.change().await;
    let read = change.view().job(&job(plan, 1)).await.unwrap().unwrap();
    let stopped = State::Stopped(Reason::new("not tonight"));
    change.move_job(&read, &stopped, None, 0).await.unwrap();
    change.commit().await.unwrap();
    let mut view = store.view().await.unwrap();
    assert_eq!(view.outstanding_goes().await.unwrap().len(), 1);
}
