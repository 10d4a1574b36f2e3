//! What evidence is chosen by and put together from, many jobs at a time.

use super::*;
use patchward_collector::store::audit::{Head, Sought};
use patchward_collector::store::chosen::{Chosen, Count, OfDay};
use patchward_collector::store::journal::Append;
use patchward_collector::store::listed::Wanted;
use patchward_collector::store::machines::MachineState;
use patchward_collector::store::releases::Release;
use patchward_common::id::OutboxId;
use patchward_common::job::State;
use patchward_common::time::DAY_MS;

on_both_engines!(
    jobs_are_chosen,
    jobs_are_counted,
    many_are_read_at_once,
    the_log_is_searched,
);

/// Plans `spring` over machines 1 to 3, whose release is viewer 2, and `autumn` over 1; the
/// job of machine 1 in `spring` was verified a day later, and returned to service.
async fn ward(world: World) -> (World, Digest, Digest) {
    let world = world.with_machines(3).await;
    let mut change = world.change().await;
    change.add_vendor(&vendors::vendor("acme")).await.unwrap();
    let release = Release {
        sha256: plans::RELEASE,
        version: "2".into(),
        ..vendors::release(2)
    };
    change
        .add_release(&release, &[(plans::RELEASE, 5)])
        .await
        .unwrap();
    let spring = plans::plan_with_jobs(&mut change, "spring", 3).await;
    let autumn = plans::plan_with_jobs(&mut change, "autumn", 1).await;
    change
        .add_signatures(&spring, &[documents::signature(1)])
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut change = world.change_at(NOW.plus_ms(DAY_MS)).await;
    let read = change.view().job(&job(spring, 1)).await.unwrap().unwrap();
    let verified = change
        .move_job(&read, &State::Verified, None, 1)
        .await
        .unwrap();
    change.return_to_service(&verified, &[]).await.unwrap();
    change.note("job.retry", job(spring, 2), &serde_json::json!({}));
    change.commit().await.unwrap();
    (world, spring, autumn)
}

/// What is usual, with something set.
fn with<T: Default>(set: impl FnOnce(&mut T)) -> T {
    let mut value = T::default();
    set(&mut value);
    value
}

async fn jobs_are_chosen(world: World) {
    let (world, spring, autumn) = ward(world).await;
    let later = NOW.plus_ms(1);
    let release = |version: &str| Some((name("viewer"), version.to_owned()));
    for (chosen, expected) in [
        (Chosen::default(), 4),
        (with(|c: &mut Chosen| c.plan = Some(spring)), 3),
        (with(|c: &mut Chosen| c.machine = Some(machine(1))), 2),
        (
            with(|c: &mut Chosen| (c.machine, c.plan) = (Some(machine(1)), Some(autumn))),
            1,
        ),
        (with(|c: &mut Chosen| c.unit = Some(name("icu"))), 4),
        (with(|c: &mut Chosen| c.unit = Some(name("theatre"))), 0),
        (with(|c: &mut Chosen| c.release = release("2")), 4),
        (with(|c: &mut Chosen| c.release = release("3")), 0),
        (with(|c: &mut Chosen| c.from = Some(later)), 1),
        (with(|c: &mut Chosen| c.until = Some(later)), 3),
        (with(|c: &mut Chosen| c.ended = true), 1),
    ] {
        let mut view = world.store.view().await.unwrap();
        let found = view.jobs_chosen(&chosen, 100).await.unwrap();
        assert_eq!(found.len(), expected, "{chosen:?}");
        assert!(found.is_sorted_by_key(|job| (job.since, job.id)));
        let wanted = Wanted {
            limit: 100,
            ..Wanted::default()
        };
        let page = view.listed_chosen(&chosen, &wanted).await.unwrap();
        assert_eq!(page.total, expected as u64, "{chosen:?}");
        let jobs: Vec<_> = page.rows.into_iter().map(|row| row.job).collect();
        assert_eq!(jobs, found);
    }
    let mut view = world.store.view().await.unwrap();
    let few = view.jobs_chosen(&Chosen::default(), 2).await.unwrap();
    assert_eq!(few.len(), 2);
}

async fn jobs_are_counted(world: World) {
    let (world, _, _) = ward(world).await;
    let mut change = world.change().await;
    change
        .move_machine(
            &machine(3),
            MachineState::Enrolled,
            MachineState::Decommissioned,
            "gone",
        )
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let count = |of: String, and: &str, jobs, ended| Count {
        of,
        and: and.to_owned(),
        jobs,
        ended,
    };
    assert_eq!(
        view.jobs_by_release().await.unwrap(),
        [count("viewer".to_owned(), "2", 4, 1)]
    );
    let by_machine = view.jobs_by_machine().await.unwrap();
    assert_eq!(
        by_machine,
        [
            count("pc-1".to_owned(), "icu", 2, 1),
            count("pc-2".to_owned(), "icu", 1, 0),
            // It is gone, and its name may be another's.
            count(machine(3).to_string(), "icu", 1, 0),
        ]
    );
    let day = NOW.0 / DAY_MS;
    let of_day = |day, jobs, ended| OfDay { day, jobs, ended };
    assert_eq!(
        view.jobs_by_day().await.unwrap(),
        [of_day(day, 3, 0), of_day(day + 1, 1, 1)]
    );
}

async fn many_are_read_at_once(world: World) {
    let (world, spring, autumn) = ward(world).await;
    for number in [1, 2] {
        let append = Append {
            machine: machine(number),
            outbox: OutboxId([number; 16]),
            first: 1,
            events: vec![vec![number], vec![number, 2]],
            received_at: NOW,
        };
        world.store.append_journal(append).await.unwrap();
    }
    let mut view = world.store.view().await.unwrap();
    let events = view
        .journals_of([machine(2), machine(1), machine(3)])
        .await
        .unwrap();
    let mut told: Vec<_> = events
        .iter()
        .map(|event| (event.machine, event.sequence, event.bytes.len()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            (machine(1), 1, 1),
            (machine(1), 2, 2),
            (machine(2), 1, 1),
            (machine(2), 2, 2)
        ]
    );
    let machines = view.machines_by_id([machine(1), machine(9)]).await.unwrap();
    assert_eq!(machines.len(), 1);
    assert_eq!(machines[&machine(1)].name, name("pc-1"));
    let signed = view.last_signed([spring, autumn]).await.unwrap();
    assert_eq!(signed.into_iter().collect::<Vec<_>>(), [(spring, NOW)]);
    let decided = view
        .decided([job(spring, 1), job(spring, 2)])
        .await
        .unwrap();
    let said: Vec<_> = decided
        .iter()
        .map(|one| (one.job, one.action.as_str(), one.by.as_str(), one.at))
        .collect();
    let at = NOW.plus_ms(DAY_MS);
    assert_eq!(
        said,
        [
            (job(spring, 1), "job.return", "person:iris", at),
            (job(spring, 2), "job.retry", "person:iris", at)
        ]
    );
}

async fn the_log_is_searched(world: World) {
    let (world, spring, _) = ward(world).await;
    let mut view = world.store.view().await.unwrap();
    let later = NOW.plus_ms(DAY_MS);
    let all = view.audit_after(0, 1_000).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let before = all.iter().filter(|row| row.at < later).count();
    for (sought, expected) in [
        (Sought::default(), all.len()),
        (
            with(|s: &mut Sought| s.about = text(&job(spring, 1).to_string())),
            3,
        ),
        (
            with(|s: &mut Sought| (s.what, s.from) = (text("job"), Some(later))),
            4,
        ),
        (with(|s: &mut Sought| s.what = text("job.return")), 1),
        (with(|s: &mut Sought| s.what = text("jo")), 0),
        (
            with(|s: &mut Sought| (s.who, s.until) = (text("person:iris"), Some(later))),
            before,
        ),
        (with(|s: &mut Sought| s.who = text("person:ian")), 0),
    ] {
        let found = view.audit_sought(&sought, 1_000).await.unwrap();
        assert_eq!(found.len(), expected, "{sought:?}");
        assert!(found.is_sorted_by(|a, b| a.seq > b.seq));
    }
    let few = view.audit_sought(&Sought::default(), 2).await.unwrap();
    assert_eq!(few.len(), 2);
    let first_later = all.iter().position(|row| row.at >= later).unwrap();
    let head = |at: usize| Head {
        seq: all[at].seq,
        hash: all[at].hash,
    };
    for (from, expected) in [
        (None, Head::EMPTY),
        (Some(NOW), Head::EMPTY),
        (Some(later), head(first_later - 1)),
        (Some(later.plus_ms(1)), head(all.len() - 1)),
    ] {
        let before = view.audit_before_time(from).await.unwrap();
        assert_eq!(before, expected, "{from:?}");
    }
    let known = view.audit_with_hash(&all[2].hash).await.unwrap();
    assert_eq!(known, Some(head(2)));
    assert_eq!(view.audit_with_hash(&digest(9)).await.unwrap(), None);
}
