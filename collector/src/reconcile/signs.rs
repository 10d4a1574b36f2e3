//! Signs of life to other collectors, and what follows where none can be given. Only where others
//! may be.

use crate::app::App;
use crate::claims::{self, Told};
use crate::clock;
use crate::fleet::Elsewhere;
use crate::rollout::clocks::{Clocks, ON_ITS_WAY_MS, Wrong};
use crate::stopped;
use crate::store::{Store, StoreError};
use patchward_common::time::UtcMs;
use std::time::{Duration, Instant};

/// Longest time for one sign of life. Where the way to the database is gone nobody says so, and
/// this collector has to notice before others take over.
const SIGN_TIME: Duration = Duration::from_millis(ON_ITS_WAY_MS);
/// How often machines are sent to other collectors while this one is cut off from the database.
/// Those that come back in between found no other, or looked whether their first is there again.
const AWAY_EVERY: Duration = Duration::from_secs(5 * 60);

/// Gives a sign of life every now and then, and takes what nobody does. It has a connection to
/// the database of its own: where people and machines wait for one, this collector is busy, and
/// not cut off.
pub(super) async fn run(app: &App) {
    if !app.claims.is_shared() {
        return;
    }
    let mut timer = clock::every(claims::BEAT_EVERY);
    let mut sent: Option<Instant> = None;
    let mut own = app.store.beside();
    loop {
        timer.tick().await;
        let problem = match tokio::time::timeout(SIGN_TIME, signs(app, &own, app.now())).await {
            Ok(Ok(())) => {
                sent = None;
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database does not answer".to_owned(),
        };
        tracing::warn!(problem, "other collectors were given no sign of life");
        // What was under way on that connection may hang for as long as the network lets it.
        own = app.store.beside();
        let others = app.fleet.elsewhere();
        let alive = others.iter().filter(|other| other.is_moving).count();
        if is_to_send((app.claims.is_alive(), alive), sent.map(|at| at.elapsed())) {
            sent = Some(clock::begin());
            let machines = app.fleet.send_away();
            tracing::warn!(
                machines,
                "this collector is cut off from the database; its machines are sent to another"
            );
        }
    }
}

/// Whether machines are to be sent to other collectors now. Where none was there when the database
/// was last reached, they stay.
fn is_to_send((is_alive, others): (bool, usize), sent: Option<Duration>) -> bool {
    !is_alive && others > 0 && sent.is_none_or(|ago| ago >= AWAY_EVERY)
}

/// Says what this collector says of itself, and takes what the others said.
async fn signs(app: &App, own: &Store, now: UtcMs) -> Result<(), StoreError> {
    let reach = stopped::told(&app.fleet, &mut own.view().await?, now).await?;
    let told = Told {
        connected: app.fleet.connected() as u64,
        reach,
    };
    let others = app.claims.beat(own, told, app.now()).await?;
    let elsewhere = others.all.into_iter().map(|other| Elsewhere {
        is_moving: other.is_moving,
        connected: usize::try_from(other.collector.connected).unwrap_or(usize::MAX),
        // What cannot be read says nothing, and what says nothing has acknowledged nothing.
        reach: serde_json::from_str(&other.collector.reach).unwrap_or_default(),
    });
    app.fleet.elsewhere_is(elsewhere.collect());
    tell(&app.fleet.clocks(), &others.clocks);
    app.fleet.clocks_are(others.clocks);
    Ok(())
}

/// Says so once when clocks have come to be too far apart, and once when they are not any more.
fn tell(before: &Clocks, after: &Clocks) {
    let is_apart = |clocks: &Clocks| matches!(clocks.wrong(), Some(Wrong::Apart { .. }));
    match (is_apart(before), after.wrong()) {
        (false, Some(wrong @ Wrong::Apart { .. })) => {
            let clocks = after.words().join("; ");
            tracing::warn!(
                %wrong,
                clocks,
                "no go is given while the clocks of collectors are apart; set them and see that \
                 they are kept right (timedatectl, chronyc tracking)"
            );
        }
        (true, None) => tracing::info!("the clocks of collectors agree again"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_sent_away_where_others_may_serve_them_and_not_all_the_time() {
        assert!(is_to_send((false, 1), None));
        assert!(!is_to_send((true, 1), None), "a sign was given lately");
        assert!(!is_to_send((false, 0), None), "there is no other");
        assert!(!is_to_send((false, 1), Some(Duration::from_secs(299))));
        assert!(is_to_send((false, 1), Some(AWAY_EVERY)));
    }
}
