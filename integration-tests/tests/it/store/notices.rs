//! Secret addresses, revisions of calendars, who is told what, and the outbox; and what
//! monitoring counts.

use super::*;
use patchward_collector::schedule::ical::Revision;
use patchward_collector::store::StoreError;
use patchward_collector::store::feed_links::FeedKind;
use patchward_collector::store::machines::Ending;
use patchward_collector::store::notices::{MAX_TARGETS, NoticeTarget, Outgoing, Told, Way};
use patchward_common::time::{DAY_MS, HOUR_MS, MINUTE_MS};

on_both_engines!(
    feed_links,
    revisions,
    targets,
    what_was_told_is_in_the_outbox,
    what_fails_waits_and_is_given_up,
    figures
);

/// Later than anything waits.
const FAR: UtcMs = UtcMs(NOW.0 + 30 * DAY_MS);

async fn feed_links(world: World) {
    let world = world.with_unit().await;
    let (desk, all, icu) = (name("desk"), name("all"), name("icu"));
    let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
    let mut change = world.change().await;
    let calendar = FeedKind::Calendar;
    change
        .add_feed_link(&desk, calendar, Some(&icu), &one)
        .await
        .unwrap();
    change
        .add_feed_link(&all, FeedKind::Metrics, None, &two)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.add_feed_link(&desk, calendar, None, &two).await,
        StoreError::Conflict(_)
    );
    drop(change);
    let mut change = world.change().await;
    let nowhere = name("nowhere");
    refused!(
        change
            .add_feed_link(&name("x"), calendar, Some(&nowhere), &Digest::of(b"3"))
            .await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut change = world.change().await;
    refused!(change.remove_unit(&icu).await, StoreError::Conflict(_));
    drop(change);
    world.store.feed_link_used(&desk, NOW).await.unwrap();
    // A clock that went back takes nothing away.
    let before = NOW.plus_ms(-5);
    world.store.feed_link_used(&desk, before).await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let found = view.feed_link_by_secret(&one).await.unwrap().unwrap();
    assert_eq!((found.unit, found.used_at), (Some(icu), Some(NOW)));
    assert_eq!(view.feed_links().await.unwrap().len(), 2);
    drop(view);
    let mut change = world.change().await;
    change.end_feed_link(&desk).await.unwrap();
    change.commit().await.unwrap();
    let mut change = world.change().await;
    refused!(
        change.end_feed_link(&desk).await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut view = world.store.view().await.unwrap();
    assert!(view.feed_link_by_secret(&one).await.unwrap().is_none());
    assert!(view.feed_link_by_secret(&two).await.unwrap().is_some());
}

async fn revisions(world: World) {
    let revision = |uid: &str, sequence: u32, ends: i64| Revision {
        uid: uid.into(),
        digest: Digest::of(&sequence.to_be_bytes()),
        sequence,
        changed_at: NOW,
        ends_at: NOW.plus_ms(ends),
    };
    let store = &world.store;
    let first = [revision("a", 0, 0), revision("b", 2, 0)];
    store.keep_calendar_revisions(&first, NOW).await.unwrap();
    // Of two who wrote at once the newer stays.
    let second = [revision("a", 1, 0), revision("b", 1, 0)];
    store.keep_calendar_revisions(&second, NOW).await.unwrap();
    let known = async || {
        let mut view = store.view().await.unwrap();
        view.calendar_revisions().await.unwrap()
    };
    let kept = known().await;
    assert_eq!(kept, [second[0].clone(), first[1].clone()]);
    let later = NOW.plus_ms(61 * DAY_MS);
    let new = [revision("c", 0, 61 * DAY_MS)];
    store.keep_calendar_revisions(&new, later).await.unwrap();
    assert_eq!(known().await, new);
}

fn target(id: &str) -> NoticeTarget {
    NoticeTarget {
        name: name(id),
        way: Way::Webhook,
        place: "https://h.example/secret".into(),
        secret: Some("whsec_AAAA".into()),
        kinds: vec!["failed".into(), "lost".into()],
        units: vec![name("icu")],
        added_at: NOW,
    }
}

async fn with_target(world: World) -> World {
    let world = world.with_unit().await;
    let mut change = world.change().await;
    let shown = "https://h.example";
    change
        .add_notice_target(&target("hook"), shown)
        .await
        .unwrap();
    change.commit().await.unwrap();
    world
}

async fn targets(world: World) {
    let world = with_target(world).await;
    let mut change = world.change().await;
    refused!(
        change.add_notice_target(&target("hook"), "").await,
        StoreError::Conflict(_)
    );
    drop(change);
    let elsewhere = NoticeTarget {
        units: vec![name("nowhere")],
        ..target("x")
    };
    let mut change = world.change().await;
    refused!(
        change.add_notice_target(&elsewhere, "").await,
        StoreError::NotFound { .. }
    );
    drop(change);
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.notice_targets().await.unwrap(), [target("hook")]);
    // Neither the secret nor the address is in the audit log.
    let log = format!("{:?}", view.audit_before(u64::MAX >> 1, 100).await.unwrap());
    assert!(
        log.contains("notice.add") && log.contains("h.example"),
        "{log}"
    );
    assert!(!log.contains("whsec") && !log.contains("/secret"), "{log}");
    drop(view);
    let mut change = world.change().await;
    for number in 1..MAX_TARGETS {
        let one = target(&format!("hook-{number}"));
        change.add_notice_target(&one, "").await.unwrap();
    }
    refused!(
        change.add_notice_target(&target("more"), "").await,
        StoreError::Conflict(_)
    );
}

fn told(item: &str, since: i64, ended: Option<i64>) -> Told {
    Told {
        item: item.into(),
        since: UtcMs(since),
        notice: format!("{{\"item\":\"{item}\"}}"),
        ended_at: ended.map(UtcMs),
    }
}

fn outgoing(id: &str) -> Outgoing {
    Outgoing {
        id: id.into(),
        body: "{}".into(),
    }
}

async fn what_was_told_is_in_the_outbox(world: World) {
    let world = with_target(world).await;
    let hook = name("hook");
    let first = [told("failed:a", 1, None), told("failed:b", 2, None)];
    let mut change = world.change().await;
    let both = [outgoing("m1"), outgoing("m2")];
    change.tell(&hook, &first, &both).await.unwrap();
    change.commit().await.unwrap();
    let over = told("failed:a", 1, Some(NOW.0));
    let mut change = world.change_at(NOW.plus_ms(1)).await;
    let again = [outgoing("m2"), outgoing("m3")];
    change
        .tell(&hook, std::slice::from_ref(&over), &again)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let known = view.notices_told(&hook).await.unwrap();
    assert_eq!(known, [over, first[1].clone()]);
    assert_eq!(view.notices_waiting(&hook).await.unwrap(), 3, "m2 is one");
    assert_eq!(view.notices_oldest(&hook).await.unwrap(), Some(NOW));
    let due = view.notices_due(&hook, (NOW, FAR), 9).await.unwrap();
    let ids: Vec<&str> = due.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["m1", "m2"], "m3 was written later");
    assert_eq!(view.notice_outbox(2).await.unwrap().len(), 2);
    drop(view);
    // What ended long ago is forgotten.
    let later = NOW.plus_ms(31 * DAY_MS);
    let mut change = world.change_at(later).await;
    change.tell(&hook, &[], &[]).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.notices_told(&hook).await.unwrap().len(), 1);
    drop(view);
    let mut change = world.change().await;
    change.remove_notice_target(&hook).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.notices_left().await.unwrap(), (0, 0));
    drop(view);
    let mut change = world.change().await;
    refused!(
        change.remove_notice_target(&hook).await,
        StoreError::NotFound { .. }
    );
}

async fn what_fails_waits_and_is_given_up(world: World) {
    let world = with_target(world).await;
    let (hook, store) = (name("hook"), &world.store);
    let mut change = world.change().await;
    let all = [outgoing("m1"), outgoing("m2"), outgoing("m3")];
    change.tell(&hook, &[], &all).await.unwrap();
    change.commit().await.unwrap();
    store
        .notice_delivered(&hook, Some("m1"), NOW)
        .await
        .unwrap();
    let (again, rest) = (NOW.plus_ms(50), NOW.plus_ms(90));
    store
        .notice_failed((&hook, "m2"), "it answered 500", again, rest)
        .await
        .unwrap();
    let mut view = store.view().await.unwrap();
    let reached = view.notices_reach().await.unwrap().remove(0);
    assert_eq!((reached.failures, reached.rest_until), (1, rest));
    assert_eq!(reached.problem.as_deref(), Some("it answered 500"));
    assert_eq!(reached.delivered_at, Some(NOW));
    let due = view.notices_due(&hook, (NOW, FAR), 9).await.unwrap();
    assert_eq!(due.len(), 1, "m2 waits");
    let early = NOW.plus_ms(49);
    let due = view.notices_due(&hook, (NOW, early), 9).await.unwrap();
    assert_eq!(due.len(), 2, "nothing waits longer than until the latest");
    let due = view.notices_due(&hook, (again, FAR), 9).await.unwrap();
    let tries: Vec<(&str, u32)> = due
        .iter()
        .map(|one| (one.id.as_str(), one.attempts))
        .collect();
    assert_eq!(tries, [("m3", 0), ("m2", 1)], "what was never tried first");
    drop(view);
    let later = NOW.plus_ms(DAY_MS);
    let mut change = world.change_at(later).await;
    assert_eq!(change.give_up_notices(&hook, NOW).await.unwrap(), 0);
    let after = NOW.plus_ms(1);
    assert_eq!(change.give_up_notices(&hook, after).await.unwrap(), 2);
    change.commit().await.unwrap();
    let mut view = store.view().await.unwrap();
    assert_eq!(view.notices_left().await.unwrap(), (0, 2));
    let reached = view.notices_reach().await.unwrap().remove(0);
    assert_eq!(reached.gave_up_at, Some(later));
    drop(view);
    // It is well again, and what was given up stays so.
    store.notice_delivered(&hook, None, later).await.unwrap();
    let mut view = store.view().await.unwrap();
    let reached = view.notices_reach().await.unwrap().remove(0);
    assert_eq!((reached.failures, reached.gave_up_at), (0, None));
    assert_eq!(view.notices_left().await.unwrap(), (0, 2));
}

async fn figures(world: World) {
    let world = world.with_machines(4).await;
    let store = &world.store;
    for (number, ago) in [(1, 0), (2, 2 * HOUR_MS), (3, 90 * DAY_MS)] {
        let seen = [(machine(number), Seen::from(NOW.plus_ms(-ago)))];
        store.record_seen(&seen, NOW).await.unwrap();
    }
    let mut view = store.view().await.unwrap();
    let since = [5 * MINUTE_MS, HOUR_MS, DAY_MS, 7 * DAY_MS].map(|ms| NOW.plus_ms(-ms));
    assert_eq!(view.heard_since(since).await.unwrap(), [1, 0, 1, 0, 1, 1]);
    assert_eq!(view.jobs_by_state().await.unwrap(), []);
    assert!(view.size_bytes().await.unwrap() > 10_000);
    assert_eq!(view.certificates_end().await.unwrap(), None);
    drop(view);
    let mut change = world.change().await;
    for (number, serial, ends) in [(1, "01", 5), (1, "02", 50), (2, "03", 70)] {
        let ends = NOW.plus_ms(ends * DAY_MS);
        change
            .add_certificate(&machine(number), serial, ends)
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    let mut view = store.view().await.unwrap();
    // The older one of machine 1 was followed by another.
    let ends = NOW.plus_ms(50 * DAY_MS);
    assert_eq!(view.certificates_end().await.unwrap(), Some(ends));
    let ending = view.certificates_ending(NOW.plus_ms(60 * DAY_MS)).await;
    let expected = Ending {
        machine: machine(1),
        issued_at: NOW,
        expires_at: ends,
    };
    assert_eq!(ending.unwrap(), [expected]);
    assert_eq!(view.certificates_ending(ends).await.unwrap(), []);
}
