//! What somebody has looked at lately and takes long is gathered anew before it is too old to be
//! shown: who comes back to a page after some minutes does not wait for it once more.

use super::Kept;
use crate::app::App;
use crate::clock;
use crate::command::{self, Caller, Command};
use crate::control::Output;
use patchward_common::time::{MINUTE_MS, UtcMs};
use std::sync::Arc;
use std::time::Duration;

/// How often: more often than what is kept grows too old to be shown.
const EVERY: Duration = Duration::from_secs(30);
/// For so long after the last look: the time that people take to read a plan and decide on it.
const LOOKED_MS: i64 = 15 * MINUTE_MS;
/// Most answers that are gathered anew, those that were looked at last: what they cost together
/// is a small part of one core.
const MOST: usize = 12;

/// How to ask for an answer once more, and when somebody did last.
#[derive(Clone, Debug)]
pub(super) struct Again {
    pub(super) caller: Caller,
    pub(super) command: Command,
    pub(super) at: UtcMs,
}

impl Kept<Output> {
    /// Somebody has looked at an answer.
    pub(super) fn looked(&self, key: &str, again: Again) {
        if let Some(answer) = self.lock().answers.get_mut(key) {
            answer.again = Some(again);
        }
    }

    /// What is to be asked for once more.
    fn due(&self, now: UtcMs) -> Vec<Again> {
        let known = self.lock();
        let slow = known.answers.values();
        let slow = slow.filter(|answer| answer.kept.is_slow());
        let asked = slow.filter_map(|answer| answer.again.clone());
        let mut asked: Vec<Again> = asked
            .filter(|again| now.since_ms(again.at) <= LOOKED_MS)
            .collect();
        asked.sort_by_key(|again| std::cmp::Reverse(again.at));
        asked.truncate(MOST);
        asked
    }

    /// Gathers until the task is dropped, one after the other.
    pub async fn keep(self: Arc<Self>, app: Arc<App>) {
        let mut timer = clock::every(EVERY);
        loop {
            timer.tick().await;
            for Again {
                caller, command, ..
            } in self.due(app.now())
            {
                let gathered = async {
                    let look = command::look_of(&app, &caller).await?;
                    self.gathered(&app, caller, look, command).await
                };
                if let Err(failure) = gathered.await {
                    // Whoever looks is told why.
                    tracing::debug!(%failure, "what somebody looked at could not be gathered anew");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Failure;
    use crate::snapshot::{Behind, Gather, Look};
    use crate::store::Actor;
    use std::time::Instant;

    const NOW: UtcMs = UtcMs(1_000_000_000);

    /// Gathers nothing, in so many milliseconds.
    struct Taking(u64);

    impl Gather<Output> for Taking {
        fn said(&self) -> u64 {
            0
        }

        fn now(&self) -> UtcMs {
            NOW
        }

        fn begin(&self) -> Instant {
            let took = Duration::from_millis(self.0);
            clock::begin().checked_sub(took).unwrap()
        }

        fn behind(&self) -> Behind {
            Behind::new(tokio::runtime::Handle::current())
        }

        async fn gather(self) -> Result<Output, Failure> {
            Ok(Output::Text(String::new()))
        }
    }

    #[tokio::test]
    async fn only_what_is_slow_and_was_looked_at_lately_is_gathered_ahead() {
        let kept = Kept::<Output>::default();
        let look = Look {
            now: NOW,
            must_know: 0,
            audit: 0,
        };
        for (key, took, ago) in [
            ("slow", 400, MINUTE_MS),
            ("slower", 900, 0),
            ("quick", 10, 0),
            ("forgotten", 400, LOOKED_MS + 1),
        ] {
            kept.get(key, look, Taking(took)).await.unwrap();
            let again = Again {
                caller: Caller {
                    actor: Actor::Local(0),
                },
                command: Command::Today,
                at: NOW.plus_ms(-ago),
            };
            kept.looked(key, again);
        }
        let due = kept.due(NOW).into_iter().map(|again| again.at);
        assert_eq!(due.collect::<Vec<_>>(), [NOW, NOW.plus_ms(-MINUTE_MS)]);
    }
}
