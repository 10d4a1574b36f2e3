//! What changes, told as it changes: server-sent events for pages and programs.
//!
//! One task looks at the head of the audit log, and every listener gets the kinds of things
//! that changed. So it tells of other collectors on the same database too, and a listener
//! that was away says where it stopped and misses nothing.

use super::Web;
use crate::app::App;
use crate::clock;
use crate::control::Failure;
use crate::store::StoreError;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{Receiver, Sender, channel, error::RecvError};

/// How often the head of the log is looked at, while somebody listens.
const EVERY: Duration = Duration::from_millis(500);
/// How long a stream is silent before a comment keeps what lies between awake.
const SILENCE: Duration = Duration::from_secs(20);
/// Steps that a slow listener may lag behind before it asks the log.
const KEPT: usize = 64;

/// Most who listen at once: half of the connections stay for pages.
const MAX_LISTENERS: usize = 512;

/// A step of the log: up to which row, and the kinds of things that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of the row before its first.
    pub after: u64,
    /// The number of its last row.
    pub seq: u64,
    /// The nouns of its actions, such as `job`.
    pub kinds: BTreeSet<String>,
}

/// Where steps are told.
pub type Steps = Sender<Arc<Step>>;

/// A new place to tell steps.
pub fn steps() -> Steps {
    channel(KEPT).0
}

/// Looks at the log while somebody listens, until the task is dropped.
pub async fn watch(app: Arc<App>, steps: Steps) {
    let mut every = clock::every(EVERY);
    let mut seen = None;
    loop {
        every.tick().await;
        if steps.receiver_count() == 0 {
            seen = None;
            continue;
        }
        match next(&app, seen).await {
            Ok((step, told)) => {
                // The first of a time says where it begins: what changed after somebody came
                // and before this look, they ask the log for.
                let is_first = seen.replace(step.seq).is_none();
                if told || is_first {
                    // Nobody left is no error.
                    let _ = steps.send(Arc::new(step));
                }
            }
            Err(error) => tracing::debug!(%error, "the log could not be looked at"),
        }
    }
}

/// The step from row `seen` to the head, and whether there is anything to tell.
async fn next(app: &App, seen: Option<u64>) -> Result<(Step, bool), StoreError> {
    let head = app.store.hear().await?;
    let from = seen.unwrap_or(head);
    let kinds = match head > from {
        true => app.store.view().await?.kinds_changed(from).await?,
        false => BTreeSet::new(),
    };
    let told = !kinds.is_empty();
    let step = Step {
        after: from,
        seq: head,
        kinds,
    };
    Ok((step, told))
}

/// Where a listener stopped, as its browser says when it comes back.
pub fn last_seen(headers: &HeaderMap) -> Option<u64> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

/// Whether a listener may still listen, asked before each event.
pub trait Listener: Send + 'static {
    /// Whether they may.
    fn may_listen(&self, web: &Web) -> impl Future<Output = bool> + Send;
}

struct Stream<L> {
    web: Web,
    receiver: Receiver<Arc<Step>>,
    listener: L,
    seen: u64,
    first: bool,
}

/// A stream of steps for a listener who stopped at row `last`.
pub async fn stream<L: Listener>(
    web: &Web,
    listener: L,
    last: Option<u64>,
) -> Result<Response, Failure> {
    if web.steps.receiver_count() >= MAX_LISTENERS {
        return Err(Failure::unavailable(
            "Too many listen now. Ask again later.",
        ));
    }
    // First the place, then the head: nothing falls between.
    let receiver = web.steps.subscribe();
    let head = web.app.store.audit_head().await?.seq;
    let stream = Stream {
        web: web.clone(),
        receiver,
        listener,
        seen: last.map_or(head, |last| last.min(head)),
        first: true,
    };
    Ok(Sse::new(futures_util::stream::unfold(stream, tell)).into_response())
}

async fn tell<L: Listener>(
    mut stream: Stream<L>,
) -> Option<(Result<Event, Infallible>, Stream<L>)> {
    let event = stream.next().await?;
    Some((Ok(event), stream))
}

impl<L: Listener> Stream<L> {
    /// The next event; none where the stream is over.
    async fn next(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.first) {
            return match self.since().await? {
                Some(event) => Some(event),
                None => Some(Event::default().comment("listening")),
            };
        }
        loop {
            let told = tokio::time::timeout(SILENCE, self.receiver.recv()).await;
            if !self.listener.may_listen(&self.web).await {
                return None;
            }
            match told {
                Err(_) => return Some(Event::default().comment("nothing changed")),
                Ok(Err(RecvError::Closed)) => return None,
                Ok(Ok(step)) if step.seq <= self.seen => {}
                Ok(Ok(step)) if !step.kinds.is_empty() && step.after <= self.seen => {
                    return Some(self.event(&step));
                }
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => {
                    if let Some(event) = self.since().await? {
                        return Some(event);
                    }
                }
            }
        }
    }

    /// What changed since the last event, out of the log: `None` where it cannot be read.
    async fn since(&mut self) -> Option<Option<Event>> {
        let (step, told) = next(&self.web.app, Some(self.seen)).await.ok()?;
        Some(told.then(|| self.event(&step)))
    }

    fn event(&mut self, step: &Step) -> Event {
        self.seen = step.seq;
        Event::default()
            .id(step.seq.to_string())
            .event("changed")
            .data(json!({ "kinds": step.kinds }).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_says_where_they_stopped() {
        let mut headers = HeaderMap::new();
        assert_eq!(last_seen(&headers), None);
        headers.insert("last-event-id", "17".parse().unwrap());
        assert_eq!(last_seen(&headers), Some(17));
        headers.insert("last-event-id", "x".parse().unwrap());
        assert_eq!(last_seen(&headers), None);
    }
}
