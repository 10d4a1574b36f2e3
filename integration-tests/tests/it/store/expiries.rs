//! Of each step on the way to an end the log tells once, whoever asks and after whatever start.

use super::*;
use patchward_common::time::DAY_MS;

on_both_engines!(each_step_is_told_once);

async fn each_step_is_told_once(world: World) {
    let store = &world.store;
    let ends = NOW.plus_ms(30 * DAY_MS);
    let tell = async |thing: &str, ends: UtcMs, days: i64, now: UtcMs| {
        store.tell_expiry(thing, ends, days, now).await.unwrap()
    };
    assert!(tell("roster/roster", ends, 30, NOW).await);
    assert!(!tell("roster/roster", ends, 30, NOW).await);
    let later = NOW.plus_ms(23 * DAY_MS);
    assert!(!tell("roster/roster", ends, 30, later).await);
    assert!(tell("roster/roster", ends, 7, later).await, "another step");
    assert!(
        tell("charter/charter", ends, 30, NOW).await,
        "another thing"
    );
    let next = ends.plus_ms(80 * DAY_MS);
    assert!(tell("roster/roster", next, 30, later).await, "the next one");
    // Two collectors on one database at one moment: one of them tells.
    let other = Store::open(&world.place).await.unwrap();
    let (one, two) = tokio::join!(
        store.tell_expiry("authority/authority", ends, 90, NOW),
        other.tell_expiry("authority/authority", ends, 90, NOW),
    );
    assert_ne!(one.unwrap(), two.unwrap());
    other.close().await;
    // What ended long ago is forgotten, and what did not stays.
    let years = NOW.plus_ms(3 * 366 * DAY_MS);
    assert!(tell("roster/roster", years, 7, years).await);
    assert!(tell("roster/roster", ends, 30, years).await);
    assert!(!tell("roster/roster", years, 7, years).await);
}
