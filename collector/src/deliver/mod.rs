//! Delivers what waits in the outbox of notices: beside everything else, one task for each
//! target, so that one that is slow or gone keeps nobody waiting. What was sent and not noted
//! is sent again: receivers tell it by its id.

mod smtp;
mod webhook;

use crate::app::App;
use crate::calendar::shown;
use crate::claims::Work;
use crate::clock;
use crate::notice::mail::{self, Mail};
use crate::notice::webhook::trial;
use crate::notice::{Notice, one_line, retry};
use crate::store::notices::{NoticeTarget, Waiting, Way};
use crate::store::{Actor, StoreError};
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinSet};

/// How often it is looked whether something waits.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Most that one target gets in a row before the others are looked at again.
const BATCH: u32 = 50;
/// Longest text about what went wrong.
const MAX_PROBLEM: usize = 300;

/// Why something was not delivered, in words that may be shown: neither the address, which
/// may be a secret, nor anything that steers a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(String);

impl Problem {
    /// What went wrong.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(one_line(text.as_ref(), MAX_PROBLEM))
    }

    /// In words.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Delivers until the task is dropped.
pub async fn run(app: Arc<App>) {
    let mut timer = clock::every(LOOK_EVERY);
    let mut at_work: JoinSet<()> = JoinSet::new();
    let mut busy: HashMap<Id, Name> = HashMap::new();
    loop {
        timer.tick().await;
        while let Some(done) = at_work.try_join_next_with_id() {
            let id = done.map_or_else(|error| error.id(), |(id, ())| id);
            busy.remove(&id);
        }
        if !app.claims.holds(Work::Delivery) {
            continue;
        }
        let targets = match due(&app, app.now()).await {
            Ok(targets) => targets,
            Err(error) => {
                tracing::warn!(%error, "notices wait: the store did not say for whom");
                continue;
            }
        };
        for target in targets {
            if busy.values().any(|name| *name == target.name) {
                continue;
            }
            let (name, app) = (target.name.clone(), app.clone());
            let task = at_work.spawn(async move {
                if let Err(error) = to_target(&app, &target, || app.now()).await {
                    tracing::warn!(to = %target.name, %error, "notices wait");
                }
            });
            busy.insert(task.id(), name);
        }
    }
}

/// Delivers what is due at `now`, once, to one target after the other.
///
/// # Errors
/// Those of the store; what a target says is noted there.
pub async fn round(app: &App, now: UtcMs) -> Result<(), StoreError> {
    for target in due(app, now).await? {
        to_target(app, &target, || now).await?;
    }
    Ok(())
}

/// The targets that are not left alone now.
async fn due(app: &App, now: UtcMs) -> Result<Vec<NoticeTarget>, StoreError> {
    let mut view = app.store.view().await?;
    let reach = view.notices_reach().await?;
    let rests: Vec<Name> = reach
        .into_iter()
        // A clock that went back lets nobody rest for longer than it would have.
        .filter(|one| now < one.rest_until && one.rest_until <= retry::again_at(u32::MAX, now))
        .map(|one| one.target)
        .collect();
    let mut targets = view.notice_targets().await?;
    targets.retain(|target| !rests.contains(&target.name));
    Ok(targets)
}

/// Delivers what is due to one target, until one thing is not taken.
async fn to_target(
    app: &App,
    target: &NoticeTarget,
    clock: impl Fn() -> UtcMs,
) -> Result<(), StoreError> {
    let now = clock();
    give_up(app, target, now).await?;
    let due = {
        let mut view = app.store.view().await?;
        let latest = retry::again_at(u32::MAX, now);
        view.notices_due(&target.name, (now, latest), BATCH).await?
    };
    for waiting in due {
        // A receiver takes what was signed minutes ago for sent again.
        match send(app, target, &waiting, clock()).await {
            Ok(()) => {
                let (name, id) = (&target.name, Some(waiting.id.as_str()));
                app.store.notice_delivered(name, id, clock()).await?;
            }
            Err(problem) => {
                tracing::warn!(to = %target.name, problem = problem.text(), "a notice waits");
                return failed(app, target, &waiting, &problem, clock()).await;
            }
        }
    }
    Ok(())
}

async fn failed(
    app: &App,
    target: &NoticeTarget,
    waiting: &Waiting,
    problem: &Problem,
    now: UtcMs,
) -> Result<(), StoreError> {
    let failures = {
        let mut view = app.store.view().await?;
        let reach = view.notices_reach().await?;
        let known = reach.into_iter().find(|one| one.target == target.name);
        known.map_or(0, |one| one.failures)
    };
    let due_at = retry::again_at(waiting.attempts.saturating_add(1), now);
    let rest_until = retry::again_at(failures.saturating_add(1), now);
    let of = (&target.name, waiting.id.as_str());
    let store = &app.store;
    store
        .notice_failed(of, problem.text(), due_at, rest_until)
        .await
}

/// Gives up what waits for too long.
async fn give_up(app: &App, target: &NoticeTarget, now: UtcMs) -> Result<(), StoreError> {
    let before = retry::given_up_before(now);
    let mut view = app.store.view().await?;
    let oldest = view.notices_oldest(&target.name).await?;
    drop(view);
    if oldest.is_none_or(|oldest| before <= oldest) {
        return Ok(());
    }
    let mut change = app.store.change(Actor::Collector, now).await?;
    let count = change.give_up_notices(&target.name, before).await?;
    change.commit().await?;
    tracing::error!(to = %target.name, count, "notices were given up: they could not be delivered");
    Ok(())
}

async fn send(
    app: &App,
    target: &NoticeTarget,
    waiting: &Waiting,
    now: UtcMs,
) -> Result<(), Problem> {
    match target.way {
        Way::Webhook => webhook::send(target, &waiting.id, &waiting.body, now).await,
        Way::Mail => {
            let notices: Vec<Notice> = serde_json::from_str(&waiting.body)
                .map_err(|error| Problem::new(format!("it cannot be read: {error}")))?;
            let settings = &app.settings;
            let text = mail::text(&notices, settings.name.as_str(), &settings.web_origin());
            let subject = mail::subject(&notices);
            post(app, target, &waiting.id, (subject, text), now).await
        }
    }
}

async fn post(
    app: &App,
    target: &NoticeTarget,
    id: &str,
    (subject, text): (String, String),
    now: UtcMs,
) -> Result<(), Problem> {
    let server = smtp::Server::of(&app.settings)?;
    let to: Vec<String> = target.place.split(',').map(str::to_owned).collect();
    let mail = Mail {
        id,
        from: &server.from,
        to: &to,
        subject,
        text,
    };
    server.send(&mail, now, &[]).await
}

/// Tries whether a target can be reached, past the outbox; where it can, what waits for it is
/// due at once.
///
/// # Errors
/// Why it cannot, or what the store says.
pub async fn try_out(
    app: &App,
    target: &NoticeTarget,
    id: &str,
    now: UtcMs,
) -> Result<Result<(), Problem>, StoreError> {
    let name = app.settings.name.as_str();
    let page = app.settings.web_origin();
    let tried = match target.way {
        Way::Webhook => {
            let body = trial(name, &page, now).to_string();
            webhook::send(target, id, &body, now).await
        }
        Way::Mail => {
            let words = ("Patchward: a test".to_owned(), mail::trial(name, &page));
            post(app, target, id, words, now).await
        }
    };
    if tried.is_ok() {
        app.store.notice_delivered(&target.name, None, now).await?;
    }
    Ok(tried)
}

/// Where a target is, as people may see it.
pub fn place(target: &NoticeTarget) -> String {
    match target.way {
        Way::Webhook => shown(&target.place),
        Way::Mail => target.place.replace(',', ", "),
    }
}
