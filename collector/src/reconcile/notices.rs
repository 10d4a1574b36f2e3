//! Notes what is news to those who are told of open items, and puts it into the outbox with
//! the same change. It is delivered elsewhere.

use crate::app::App;
use crate::command;
use crate::control::Failure;
use crate::item::Item;
use crate::notice::mail::MAX_NOTICES;
use crate::notice::news::{Known, news};
use crate::notice::{Event, Notice, Wanted, webhook};
use crate::store::notices::{NoticeTarget, Outgoing, Told, Way};
use crate::store::{Actor, StoreError};
use patchward_common::id::Name;
use patchward_common::time::{SECOND_MS, UtcMs};
use std::sync::Arc;

/// How often open items are gathered for notices.
const LOOK_EVERY_MS: i64 = 30 * SECOND_MS;
/// Most that waits for one target: what finds no room is told when there is some.
pub const MAX_WAITING: u64 = 1_000;
/// Most that one change notes for a target.
const MAX_AT_ONCE: u64 = 200;

/// What remembers when it last looked.
#[derive(Debug, Default)]
pub struct Notices {
    looked: Option<UtcMs>,
    targets: Vec<Name>,
}

impl Notices {
    /// Tells what is news, where it is time; and at once where somebody is to be told who was
    /// not before.
    pub async fn run(&mut self, app: &Arc<App>, now: UtcMs) -> Result<(), Failure> {
        let targets = app.store.view().await?.notice_targets().await?;
        let names: Vec<Name> = targets.iter().map(|target| target.name.clone()).collect();
        let since = self.looked.map(|looked| now.since_ms(looked));
        let is_time = since.is_none_or(|since| !(0..LOOK_EVERY_MS).contains(&since));
        if targets.is_empty() || (!is_time && names == self.targets) {
            return Ok(());
        }
        tell(app, &targets, now).await?;
        (self.looked, self.targets) = (Some(now), names);
        Ok(())
    }
}

/// Tells every target what is news to it.
pub async fn tell(app: &Arc<App>, targets: &[NoticeTarget], now: UtcMs) -> Result<(), Failure> {
    let agenda = command::agenda_kept(app).await?;
    for target in targets {
        if let Err(error) = tell_one(app, target, &agenda.items, now).await {
            tracing::warn!(to = %target.name, %error, "what is news is not in the outbox yet");
        }
    }
    Ok(())
}

async fn tell_one(
    app: &App,
    target: &NoticeTarget,
    items: &[Item],
    now: UtcMs,
) -> Result<(), StoreError> {
    let wanted = Wanted {
        target: target.name.as_str(),
        kinds: &target.kinds,
        units: &target.units,
    };
    let open = wanted.of(items, now);
    let (told, waiting) = {
        let mut view = app.store.view().await?;
        let told = view.notices_told(&target.name).await?;
        (told, view.notices_waiting(&target.name).await?)
    };
    let known: Vec<Known> = told
        .iter()
        .filter_map(|one| {
            Some(Known {
                notice: serde_json::from_str(&one.notice).ok()?,
                ended_at: one.ended_at,
            })
        })
        .collect();
    let news = news(&known, &open, now, room(target.way, waiting));
    if news.is_empty() {
        return Ok(());
    }
    let told: Vec<Told> = news.iter().map(|notice| noted(notice, now)).collect();
    let outgoing = outgoing(app, target, &news, now);
    let mut change = app.store.change(Actor::Collector, now).await?;
    change.tell(&target.name, &told, &outgoing).await?;
    change.commit().await.map(drop)
}

/// How many notices find room for a target for whom so many messages wait.
fn room(way: Way, waiting: u64) -> usize {
    let free = MAX_WAITING.saturating_sub(waiting);
    let room = match way {
        Way::Webhook => free.min(MAX_AT_ONCE),
        // One mail has all of them.
        Way::Mail => free.min(1) * MAX_NOTICES as u64,
    };
    usize::try_from(room).unwrap_or(0)
}

/// What is remembered of having told it.
fn noted(notice: &Notice, now: UtcMs) -> Told {
    let new = Notice {
        event: Event::New,
        ..notice.clone()
    };
    Told {
        item: notice.item.clone(),
        since: notice.since(),
        notice: json(&new),
        ended_at: (notice.event == Event::Ended).then_some(now),
    }
}

fn outgoing(app: &App, target: &NoticeTarget, news: &[Notice], now: UtcMs) -> Vec<Outgoing> {
    let id = |notice: &Notice| webhook::id(target.name.as_str(), notice, now);
    let settings = &app.settings;
    let (name, page) = (settings.name.as_str(), settings.web_origin());
    match target.way {
        Way::Webhook => {
            let each = news.iter().map(|notice| Outgoing {
                id: id(notice),
                body: webhook::body(notice, name, &page, now).to_string(),
            });
            each.collect()
        }
        Way::Mail => {
            let first = news.first();
            let one = first.map(|first| Outgoing {
                id: id(first),
                body: json(&news),
            });
            one.into_iter().collect()
        }
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outbox_has_a_limit() {
        assert_eq!(room(Way::Webhook, 0), 200);
        assert_eq!(room(Way::Webhook, 990), 10);
        assert_eq!(room(Way::Mail, 999), MAX_NOTICES);
        for way in [Way::Webhook, Way::Mail] {
            assert_eq!(room(way, MAX_WAITING), 0);
            assert_eq!(room(way, MAX_WAITING + 5), 0);
        }
    }
}
