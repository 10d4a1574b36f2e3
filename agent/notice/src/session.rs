//! Notices in a desktop session, by its own service of notifications, with buttons for "not
//! now" (Desktop Notifications Specification 1.2).

use crate::config::Settings;
use crate::shown::{self, Told};
use crate::{clock, installer};
use anyhow::Context as _;
use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use patchward_common::id::JobId;
use patchward_common::notice::{Key, Lead, Notice, Screen, Text};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use zbus::{Connection, Variant};

/// What a button's key begins with; the reason follows.
const NOT_NOW: &str = "not-now:";
/// Urgency of what a person may miss, and of what stays until somebody saw it.
const NORMAL: u8 = 1;
const CRITICAL: u8 = 2;
/// The desktop decides how long it stays, and it stays.
const AS_USUAL: i32 = -1;
const STAYS: i32 = 0;

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications"
)]
trait Notifications {
    #[zbus(name = "GetCapabilities")]
    fn capabilities(&self) -> zbus::Result<Vec<String>>;

    #[expect(clippy::too_many_arguments, reason = "the specification has them")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Variant<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: &str) -> zbus::Result<()>;
}

/// Shows what is due, and takes "not now", until the session ends.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let bus = Connection::session()
        .await
        .context("the session's D-Bus cannot be reached; is this a desktop session?")?;
    let notifications = NotificationsProxy::new(&bus).await?;
    let mut actions = notifications.receive_action_invoked().await?;
    let mut desktop = Desktop {
        settings,
        notifications,
        told: Told::default(),
        shown: BTreeMap::new(),
    };
    let mut look = tokio::time::interval(Duration::from_secs(settings.look_seconds));
    loop {
        tokio::select! {
            _ = look.tick() => desktop.look().await,
            action = actions.next() => {
                let Some(action) = action else {
                    return Ok(()); // The session has ended.
                };
                if let Ok(said) = action.args() {
                    desktop.answer(*said.id(), said.action_key()).await;
                }
            }
        }
    }
}

/// One desktop.
struct Desktop<'a> {
    settings: &'a Settings,
    notifications: NotificationsProxy<'a>,
    told: Told,
    /// The newest notice of each job, by the number that the desktop gave it.
    shown: BTreeMap<JobId, u32>,
}

/// What is shown beside its words.
struct Manner {
    urgency: u8,
    stays: i32,
    can_hold: bool,
}

impl Desktop<'_> {
    async fn look(&mut self) {
        let screen = match shown::read(&self.settings.screen_file) {
            Ok(screen) => screen,
            Err(error) => return tracing::warn!(%error, "what is shown cannot be read"),
        };
        let now = clock::now();
        for notice in self.told.news(&screen, now) {
            let text = notice.text(&screen.call, &TimeZone::system(), now);
            let manner = manner(
                &notice,
                notice.not_now(self.settings.beyond_ms(), now).is_some(),
            );
            match self.show(job(notice.key()), &text, &manner).await {
                Ok(()) => self.told.note(notice.key()),
                // Desktops start their parts in any order; the next look tries again.
                Err(error) => tracing::debug!(%error, "the desktop shows nothing"),
            }
        }
    }

    async fn show(&mut self, job: JobId, text: &Text, manner: &Manner) -> zbus::Result<()> {
        let capabilities = self.notifications.capabilities().await?;
        let can = |what: &str| capabilities.iter().any(|capability| capability == what);
        let mut body = text.body.clone();
        let mut actions = Vec::new();
        if manner.can_hold && can("actions") {
            actions = buttons(&self.settings.not_now_reasons);
        } else if manner.can_hold {
            body.push_str(" Not now? Type patchward-notice not-now in a terminal.");
        }
        if can("body-markup") {
            body = escaped(&body);
        }
        let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
        let hints = HashMap::from([("urgency", Variant::from(manner.urgency))]);
        let before = self.shown.get(&job).copied().unwrap_or(0);
        let shown = self.notifications.notify(
            "Patchward",
            before,
            "dialog-warning",
            &text.summary,
            &body,
            &actions,
            hints,
            manner.stays,
        );
        self.shown.insert(job, shown.await?);
        Ok(())
    }

    /// A button was pressed: of ours, or of another program's notice.
    async fn answer(&mut self, id: u32, action: &str) {
        let found = self.shown.iter().find(|(_, shown)| **shown == id);
        let Some(job) = found.map(|(job, _)| *job) else {
            return;
        };
        let Some(reason) = action.strip_prefix(NOT_NOW) else {
            return;
        };
        let screen = shown::read(&self.settings.screen_file).unwrap_or_default();
        let text = match self.hold(&screen, job, reason) {
            Ok(text) => text,
            Err(error) => Text {
                summary: "\"Not now\" was not taken".to_owned(),
                body: format!("Why: {error:#}."),
            },
        };
        let manner = Manner {
            urgency: CRITICAL,
            stays: STAYS,
            can_hold: false,
        };
        if let Err(error) = self.show(job, &text, &manner).await {
            tracing::warn!(%error, "nobody sees what came of \"not now\"");
        }
    }

    fn hold(&self, screen: &Screen, job: JobId, reason: &str) -> anyhow::Result<Text> {
        let now = clock::now();
        let due = screen.due(now);
        let mut of_job = due.iter().filter(|notice| self::job(notice.key()) == job);
        let until = of_job.find_map(|notice| notice.not_now(self.settings.beyond_ms(), now));
        let until = until.context("it has begun, or no longer comes so soon")?;
        installer::hold(&self.settings.installer_socket, until, reason)?;
        Ok(patchward_common::notice::held(
            until,
            &screen.call,
            &TimeZone::system(),
        ))
    }
}

fn job(key: Key) -> JobId {
    match key {
        Key::Ahead(job, ..) | Key::Underway(job, _) | Key::Over(job, _) => job,
    }
}

fn manner(notice: &Notice<'_>, can_hold: bool) -> Manner {
    let is_far = matches!(notice.key(), Key::Ahead(_, _, Lead::Day | Lead::Hour));
    Manner {
        urgency: if is_far { NORMAL } else { CRITICAL },
        stays: if is_far { AS_USUAL } else { STAYS },
        can_hold,
    }
}

/// Key and label of each button.
fn buttons(reasons: &[String]) -> Vec<String> {
    let button = |reason: &String| {
        let label = format!("Not now: {}", reason.replace('_', " "));
        [format!("{NOT_NOW}{reason}"), label]
    };
    reasons.iter().flat_map(button).collect()
}

/// What a desktop shows as it stands here, though it reads markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_no_markup() {
        let text = escaped("<a href=\"x\">Viewer</a> & 4.2");
        assert_eq!(text, "&lt;a href=\"x\"&gt;Viewer&lt;/a&gt; &amp; 4.2");
    }

    #[test]
    fn each_reason_has_a_button() {
        let reasons = ["patient_waiting".to_owned(), "other".to_owned()];
        assert_eq!(
            buttons(&reasons),
            [
                "not-now:patient_waiting",
                "Not now: patient waiting",
                "not-now:other",
                "Not now: other"
            ]
        );
    }
}
