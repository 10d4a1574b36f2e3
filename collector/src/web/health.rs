//! Whether the collector lives, and whether it can do its work: for what starts it anew, and
//! for what sends others to it. Both are open to everybody, and tell nothing of the hospital.

use super::{Web, fresh};
use crate::app::App;
use crate::claims::Work;
use crate::control::Failure;
use crate::rollout::clocks::Wrong;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use patchward_common::time::MINUTE_MS;
use std::time::Duration;

/// Longest wait for the database: it answers within milliseconds, or something is wrong.
const STORE_TIME: Duration = Duration::from_secs(2);
/// How long the collector's own tasks may take to come round: they look every ten seconds, and
/// the longest of them, matching every advisory anew, takes minutes in a large hospital.
const TASKS_MS: i64 = 15 * MINUTE_MS;

/// How the parts stand that the work needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// Whether the database answers.
    store: bool,
    /// Whether it came from a backup and nobody has confirmed it.
    is_restored: bool,
    /// Whether every machine's components can be searched.
    index: bool,
    /// Whether machines can connect.
    machines: bool,
    /// Whether the collector's own tasks come round.
    tasks: bool,
    /// Whether other collectors hear that it lives.
    heard: bool,
    /// What is wrong with the clocks of the collectors.
    clocks: Option<&'static str>,
    /// How many collectors run on the database.
    collectors: usize,
    /// How much of the work that must happen once is this one's.
    holds: usize,
}

/// A part's name, and what is wrong with it in words.
type Check = (&'static str, Option<&'static str>);

impl Parts {
    async fn of(app: &App) -> Self {
        let asked = async {
            let mut view = app.store.view().await.ok()?;
            view.awaits_confirmation().await.ok()
        };
        let restored = tokio::time::timeout(STORE_TIME, asked).await.ok().flatten();
        Self {
            store: restored.is_some(),
            is_restored: restored == Some(true),
            index: app.fleet.is_indexed(),
            machines: app.fleet.is_serving(),
            tasks: app.pulse.age_ms(app.now()) <= TASKS_MS,
            heard: app.claims.is_alive(),
            clocks: app.fleet.clocks().wrong().and_then(said),
            collectors: app.fleet.elsewhere().len() + 1,
            holds: Work::ALL
                .into_iter()
                .filter(|work| app.claims.holds(*work))
                .count(),
        }
    }

    fn checks(self) -> [Check; 7] {
        let wrong = |is_well: bool, words| (!is_well).then_some(words);
        [
            (
                "store",
                wrong(
                    self.store,
                    "the database does not answer; look at its disk or its server",
                ),
            ),
            (
                "confirmed",
                wrong(
                    !self.is_restored,
                    "the database was restored, and a person has to confirm it before anything starts",
                ),
            ),
            (
                "index",
                wrong(self.index, "components are still being read; wait"),
            ),
            (
                "machines",
                wrong(
                    self.machines,
                    "machines cannot connect; start the collector anew, and look into its log",
                ),
            ),
            (
                "tasks",
                wrong(
                    self.tasks,
                    "the collector's own tasks stand still; look into its log, and start it anew",
                ),
            ),
            (
                "heard",
                wrong(
                    self.heard,
                    "other collectors hear nothing of this one, and do its part; look at its way to the database",
                ),
            ),
            ("clocks", self.clocks),
        ]
    }

    /// Whether all is well, and a line for each part.
    fn told(self) -> (bool, String) {
        let checks = self.checks();
        let lines = checks.map(|(name, problem)| format!("{name}: {}\n", problem.unwrap_or("ok")));
        let is_ready = checks.iter().all(|(_, problem)| problem.is_none());
        let first = match is_ready {
            true => "ready\n",
            false => "not ready\n",
        };
        let (collectors, holds, all) = (self.collectors, self.holds, Work::ALL.len());
        let several = format!("running: {collectors}\nholds: {holds} of {all}\n");
        (is_ready, format!("{first}{}{several}", lines.concat()))
    }
}

/// What is wrong with clocks, as everybody may read it.
fn said(wrong: Wrong) -> Option<&'static str> {
    match wrong {
        // For the seconds after another has come: a go waits for them, and nothing else.
        Wrong::Unknown => None,
        Wrong::Apart { .. } => Some(
            "the clocks of the collectors are more than 30 s apart, and no go is given; set them, and see that they are kept right (timedatectl, chronyc tracking)",
        ),
    }
}

/// It lives: it can say so.
pub(super) async fn lives() -> &'static str {
    "ok\n"
}

/// Whether it can do its work. It is looked at once a second at most, whoever asks.
pub(super) async fn ready(State(web): State<Web>) -> Response {
    let (kept, app) = (web.ready.clone(), web.app.clone());
    let looking = async move {
        let look = async { Ok::<_, Failure>(Parts::of(&app).await) };
        kept.value((), || app.now(), look).await
    };
    match fresh::to_the_end(looking).await {
        Ok(parts) => {
            let (is_ready, text) = parts.told();
            let status = match is_ready {
                true => StatusCode::OK,
                false => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, text).into_response()
        }
        Err(failure) => (StatusCode::SERVICE_UNAVAILABLE, failure.text).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Parts = Parts {
        store: true,
        is_restored: false,
        index: true,
        machines: true,
        tasks: true,
        heard: true,
        clocks: None,
        collectors: 2,
        holds: 0,
    };

    #[test]
    fn every_part_can_be_what_is_wrong() {
        let (is_ready, text) = WELL.told();
        assert!(is_ready && text.starts_with("ready\n"), "{text}");
        assert_eq!(text.matches(": ok\n").count(), 7);
        assert!(text.contains("\nrunning: 2\nholds: 0 of "), "{text}");
        type Change = fn(&mut Parts);
        let changes: [(&str, Change); 7] = [
            ("store: the database", |parts| parts.store = false),
            ("confirmed: the database", |parts| parts.is_restored = true),
            ("index: components", |parts| parts.index = false),
            ("machines: machines", |parts| parts.machines = false),
            ("tasks: the collector", |parts| parts.tasks = false),
            ("heard: other collectors", |parts| parts.heard = false),
            ("clocks: the clocks of the collectors are more", |parts| {
                parts.clocks = said(Wrong::Apart { seconds: 31 });
            }),
        ];
        for (line, change) in changes {
            let mut parts = WELL;
            change(&mut parts);
            let (is_ready, text) = parts.told();
            assert!(!is_ready && text.starts_with("not ready\n"), "{text}");
            assert!(text.contains(line), "{text}");
            assert_eq!(text.matches(": ok\n").count(), 6, "{text}");
        }
    }
}
