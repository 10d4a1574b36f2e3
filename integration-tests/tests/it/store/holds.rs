//! "Not now", and handovers that the ward asks for.

use super::*;
use patchward_collector::store::StoreError;
use patchward_collector::store::go::GoAsk;
use patchward_collector::store::holds::Hold;
use patchward_collector::store::windows::Area;
use patchward_common::id::Nonce;
use patchward_common::time::HOUR_MS;

on_both_engines!(
    each_ends_its_own_hold_and_the_longest_counts,
    holds_of_one_thing,
    a_hold_lasts_half_a_day_at_most,
    a_decision_on_go_sees_the_holds_of_machine_and_unit,
    a_handover_is_asked_for_once_until_it_is_done,
);

/// A change by the ward's link `desk`.
async fn by_desk(world: &World, now: UtcMs) -> Change {
    let desk = Actor::Kiosk(name("desk"));
    world.store.change(desk, now).await.unwrap()
}

async fn each_ends_its_own_hold_and_the_longest_counts(world: World) {
    let world = world.with_machines(1).await;
    let later = |hours| NOW.plus_ms(hours * HOUR_MS);
    let mut change = world.change().await;
    change
        .hold(Area::Unit, "icu", later(5), "rounds")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut change = by_desk(&world, NOW).await;
    change
        .hold(Area::Unit, "icu", later(9), "clinic")
        .await
        .unwrap();
    // Another word of the same link takes the place of the one before.
    change
        .hold(Area::Unit, "icu", later(1), "emergency")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let holds = world.store.view().await.unwrap().holds(NOW).await.unwrap();
    let said: Vec<_> = holds
        .iter()
        .map(|hold| (hold.set_by.as_str(), hold.until))
        .collect();
    assert_eq!(said, [("kiosk:desk", later(1)), ("person:iris", later(5))]);
    let mut change = by_desk(&world, NOW).await;
    let desk = Some("kiosk:desk");
    change.end_hold(Area::Unit, "icu", desk).await.unwrap();
    refused!(
        change.end_hold(Area::Unit, "icu", desk).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = by_desk(&world, NOW).await;
    change.end_hold(Area::Unit, "icu", desk).await.unwrap();
    change.commit().await.unwrap();
    let holds = world.store.view().await.unwrap().holds(NOW).await.unwrap();
    assert_eq!(holds.len(), 1, "the other's stands");
    // What is over cannot be ended, and the next hold clears it away.
    let mut change = by_desk(&world, later(5)).await;
    refused!(
        change.end_hold(Area::Unit, "icu", None).await,
        StoreError::NotFound { .. }
    );
}

async fn holds_of_one_thing(world: World) {
    let world = world.with_machines(2).await;
    let later = |hours| NOW.plus_ms(hours * HOUR_MS);
    // A unit that is called as a machine is.
    let subject = machine(1).to_string();
    let mut change = world.change().await;
    change.add_unit(&unit(&subject, "main")).await.unwrap();
    for (area, subject, hours) in [
        (Area::Unit, "icu", 5),
        (Area::Unit, &subject, 2),
        (Area::Machine, &subject, 3),
        (Area::Machine, &machine(2).to_string(), 4),
    ] {
        let until = later(hours);
        change.hold(area, subject, until, "rounds").await.unwrap();
    }
    change.commit().await.unwrap();
    let mut change = by_desk(&world, NOW).await;
    let until = later(1);
    change
        .hold(Area::Unit, "icu", until, "clinic")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let both = [("kiosk:desk", 1), ("person:iris", 5)];
    for (area, subject, now, expected) in [
        (Area::Unit, "icu", NOW, &both[..]),
        (Area::Unit, "icu", later(1).plus_ms(-1), &both),
        (Area::Unit, "icu", later(1), &[("person:iris", 5)]),
        (Area::Unit, "icu", later(5), &[]),
        (Area::Unit, &subject, NOW, &[("person:iris", 2)]),
        (Area::Machine, &subject, NOW, &[("person:iris", 3)]),
        (Area::Machine, "icu", NOW, &[]),
    ] {
        let found = view.holds_on(area, subject, now).await.unwrap();
        let said = |hold: &Hold| (hold.set_by.clone(), hold.until);
        let said: Vec<_> = found.iter().map(said).collect();
        let expected = expected
            .iter()
            .map(|(by, end)| ((*by).to_owned(), later(*end)));
        assert_eq!(said, expected.collect::<Vec<_>>(), "{subject} {now}");
        let mut all = view.holds(now).await.unwrap();
        all.retain(|hold| hold.area == area && hold.subject == subject);
        assert_eq!(found, all);
    }
}

async fn a_hold_lasts_half_a_day_at_most(world: World) {
    let world = world.with_machines(1).await;
    for (until, is_right) in [
        (NOW, false),
        (NOW.plus_ms(1), true),
        (NOW.plus_ms(12 * HOUR_MS), true),
        (NOW.plus_ms(12 * HOUR_MS + 1), false),
    ] {
        let mut change = world.change().await;
        let held = change.hold(Area::Unit, "icu", until, "rounds").await;
        match is_right {
            true => held.unwrap(),
            false => refused!(held, StoreError::Invalid(_)),
        }
    }
    let mut change = world.change().await;
    refused!(
        change
            .hold(Area::Unit, "lab", NOW.plus_ms(1), "rounds")
            .await,
        StoreError::NotFound { .. }
    );
}

async fn a_decision_on_go_sees_the_holds_of_machine_and_unit(world: World) {
    let world = world.with_machines(2).await;
    let mut change = world.change().await;
    let plan = plans::plan_with_jobs(&mut change, "Spring", 2).await;
    let until = NOW.plus_ms(HOUR_MS);
    let subject = machine(1).to_string();
    change
        .hold(Area::Machine, &subject, until, "procedure")
        .await
        .unwrap();
    change
        .hold(Area::Unit, "icu", until, "rounds")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let ask = GoAsk {
        machine: machine(1),
        job: job(plan, 1),
        nonce: Nonce([1; 32]),
        longest_run_ms: HOUR_MS,
    };
    let seen = |now| {
        world.store.decide_go(&ask, now, |snapshot| {
            Err::<Vec<u8>, usize>(snapshot.holds.len())
        })
    };
    let refused = |count| patchward_collector::store::go::GoOutcome::Refused(count);
    assert_eq!(seen(NOW).await.unwrap(), refused(2));
    assert_eq!(seen(until).await.unwrap(), refused(0), "both are over");
}

async fn a_handover_is_asked_for_once_until_it_is_done(world: World) {
    let world = world.with_machines(2).await;
    let mut change = by_desk(&world, NOW).await;
    change.ask_handover(&machine(1)).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change_at(NOW.plus_ms(1)).await;
    refused!(
        change.ask_handover(&machine(1)).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change_at(NOW.plus_ms(1)).await;
    change.ask_handover(&machine(2)).await.unwrap();
    change.commit().await.unwrap();
    let asks = world.store.view().await.unwrap().handover_asks().await;
    let asked: Vec<_> = asks
        .unwrap()
        .into_iter()
        .map(|ask| (ask.machine, ask.asked_by))
        .collect();
    let desk = (machine(1), "kiosk:desk".to_owned());
    assert_eq!(asked, [desk, (machine(2), "person:iris".to_owned())]);
    let mut change = world.change_at(NOW.plus_ms(2)).await;
    change.end_handover_ask(&machine(1)).await.unwrap();
    refused!(
        change.end_handover_ask(&machine(1)).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change_at(NOW.plus_ms(2)).await;
    change.end_handover_ask(&machine(1)).await.unwrap();
    // It may be asked for again, another night.
    change.ask_handover(&machine(1)).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let asks = view.handover_asks().await.unwrap();
    assert_eq!(asks.len(), 2);
    assert_eq!(asks[1].asked_at, NOW.plus_ms(2));
}
