//! The words of notices. Every part that is not ours is a [`Label`](crate::id::Label), which
//! has no control characters: a terminal may show it as it is.

use super::{Call, Found, Lead, Notice, Planned, Screen, Stage, Underway};
use crate::time::{DAY_MS, MINUTE_MS, UtcMs};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What the text begins with that refuses logins: what begins otherwise is not ours.
pub const REFUSAL_BEGINS: &str = "Patchward: ";

/// A notice in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub summary: String,
    /// What more there is to say, in sentences.
    pub body: String,
}

impl Notice<'_> {
    /// This notice, with times as they are in `zone`.
    pub fn text(&self, call: &Call, zone: &TimeZone, now: UtcMs) -> Text {
        let (summary, body) = match self {
            Self::Ahead {
                planned,
                start,
                end,
                lead,
            } => ahead(planned, (*start, *end), *lead, zone, now),
            Self::Underway(underway) => (underway_summary(underway), underway.body(zone)),
            Self::Over(over) => {
                let (summary, then) = over_words(over.found);
                let at = local(over.at, zone);
                (
                    summary.to_owned(),
                    format!("{}: measured {at}. {then}", over.title),
                )
            }
        };
        let body = format!("{body}{}", called(call));
        Text { summary, body }
    }
}

fn ahead(
    planned: &Planned,
    (start, end): (UtcMs, UtcMs),
    lead: Lead,
    zone: &TimeZone,
    now: UtcMs,
) -> (String, String) {
    let (begins, ends) = (local(start, zone), local(end, zone));
    let ahead_minutes = up(start.since_ms(now));
    let summary = match lead {
        Lead::Now => "This computer may be updated at any moment".to_owned(),
        Lead::TenMinutes | Lead::Hour => {
            format!("This computer may be updated in {}", minutes(ahead_minutes))
        }
        Lead::Day => format!("This computer may be updated on {begins}"),
    };
    let longest = minutes(up(planned.longest_run_ms));
    let mut body = format!(
        "{}: between {begins} and {ends}, once nobody uses it. It takes {longest} at most; until \
         it is done, this computer is not for clinical use and nobody can log in.",
        planned.title
    );
    for noticed in &planned.noticed {
        body.push_str(&format!(" You will notice: {noticed}."));
    }
    (summary, body)
}

fn underway_summary(underway: &Underway) -> String {
    match underway.stage {
        Stage::Works => "This computer is being updated: not for clinical use",
        Stage::WaitsForRestart => "This computer waits for a restart: not for clinical use",
    }
    .to_owned()
}

impl Underway {
    fn body(&self, zone: &TimeZone) -> String {
        let (since, until) = (local(self.since, zone), local(self.until, zone));
        match self.stage {
            Stage::Works => format!(
                "{}: since {since}, running until {until} at the latest. Not for clinical use \
                 until then: use another computer.",
                self.title
            ),
            Stage::WaitsForRestart => format!(
                "{}: installed, and not checked yet. Save your work and log out: it restarts once \
                 nobody uses it. Not for clinical use until then.",
                self.title
            ),
        }
    }
}

fn over_words(found: Found) -> (&'static str, &'static str) {
    match found {
        Found::New => (
            "The update of this computer is done",
            "Clinical engineering returns it to service for patients.",
        ),
        Found::Before => (
            "The update of this computer was undone",
            "It is as it was before, and measured so.",
        ),
        Found::Neither => (
            "The update of this computer failed: not for clinical use",
            "A person has to look at it first: use another computer.",
        ),
    }
}

impl Screen {
    /// The text with which new logins are refused, where they are.
    pub fn refusal(&self, zone: &TimeZone, now: UtcMs) -> Option<String> {
        let underway = self.underway.as_ref().filter(|_| self.refuses(now))?;
        let (body, called) = (underway.body(zone), called(&self.call));
        let summary = underway_summary(underway);
        Some(format!("{REFUSAL_BEGINS}{summary}.\n{body}{called}\n"))
    }
}

/// What "not now" came to.
pub fn held(until: UtcMs, call: &Call, zone: &TimeZone) -> Text {
    let until = local(until, zone);
    Text {
        summary: format!("Nothing starts on this computer before {until}"),
        body: format!(
            "Nothing starts on this computer before {until}. What has begun goes on to a safe \
             end.{}",
            called(call)
        ),
    }
}

fn called(call: &Call) -> String {
    let call = call.0.as_ref();
    call.map_or_else(String::new, |call| format!(" Call {call}."))
}

/// `Tue 24 Nov 02:14`, as the clock on the wall has it.
fn local(at: UtcMs, zone: &TimeZone) -> String {
    match Timestamp::from_millisecond(at.0) {
        Ok(instant) => {
            let there = instant.to_zoned(zone.clone());
            there.strftime("%a %-d %b %H:%M").to_string()
        }
        Err(_) => at.to_string(),
    }
}

/// Whole minutes, rounded up, at most those of a day.
fn up(ms: i64) -> i64 {
    ms.clamp(0, DAY_MS).saturating_add(MINUTE_MS - 1) / MINUTE_MS
}

fn minutes(count: i64) -> String {
    match count {
        1 => "1 minute".to_owned(),
        120.. => format!("{} hours", (count + 59) / 60),
        _ => format!("{count} minutes"),
    }
}
