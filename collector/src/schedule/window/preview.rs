//! The next openings of a window, for people to see what they wrote.

use super::{BadWindow, Kind, Window, civil};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use patchward_common::time::{DAY_MS, Interval, UtcMs};
use serde::Serialize;

/// How far a preview looks: a yearly window shows its next 20 openings.
pub const HORIZON_MS: i64 = 7_600 * DAY_MS;

/// One opening as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// When it is.
    pub opening: Interval,
    /// Local start with weekday and the zone's abbreviation.
    pub local_start: String,
    /// Local end.
    pub local_end: String,
    /// Whether a clock change falls into it or moved its start.
    pub clock_change: bool,
    /// Whether its end is only where the look ahead ends.
    pub stays_open: bool,
}

impl Window {
    /// The next `count` openings that end after `now`. Fewer where there are fewer
    /// within about twenty years, or where they lie too close together to be listed.
    pub fn preview(&self, now: UtcMs, count: usize) -> Result<Vec<Preview>, BadWindow> {
        let mut span_ms = 40 * DAY_MS;
        let (mut openings, mut seen_until) = (Vec::new(), now);
        loop {
            let horizon_ms = span_ms.min(HORIZON_MS);
            let Ok(range) = Interval::new(now, now.plus_ms(horizon_ms)) else {
                return Ok(Vec::new());
            };
            let is_last = match self.openings(range) {
                Ok(found) => {
                    (openings, seen_until) = (found, range.end());
                    openings.len() >= count || horizon_ms == HORIZON_MS
                }
                // They lie close together and merge: what is near must do.
                Err(_) if !openings.is_empty() => true,
                Err(error) => return Err(error),
            };
            if is_last {
                let next = openings.into_iter().take(count);
                return next.map(|opening| self.show(opening, seen_until)).collect();
            }
            span_ms = span_ms.saturating_mul(4);
        }
    }

    fn show(&self, opening: Interval, seen_until: UtcMs) -> Result<Preview, BadWindow> {
        let zone = match &self.0 {
            Kind::Once(_, zone) => zone.clone(),
            Kind::Recurring(window) => window.zone.clone(),
        };
        let moved = match &self.0 {
            Kind::Once(..) => begins_in_a_change(&zone, opening.start()),
            Kind::Recurring(window) => window
                .starts(opening)?
                .any(|start| start.clock_change && opening.contains(start.instant)),
        };
        let within = offset(&zone, opening.start()) != offset(&zone, opening.end());
        Ok(Preview {
            opening,
            local_start: local(&zone, opening.start()),
            local_end: local(&zone, opening.end()),
            clock_change: moved || within,
            // A single one that lies across the end has its own end.
            stays_open: seen_until <= opening.end() && opening.length_ms() >= DAY_MS,
        })
    }
}

/// Whether a time is the end of a gap, or has a local time that exists twice: what was
/// asked for may have been another.
fn begins_in_a_change(zone: &TimeZone, at: UtcMs) -> bool {
    let Ok(timestamp) = Timestamp::from_millisecond(at.0) else {
        return false;
    };
    let local = zone.to_datetime(timestamp);
    let is_ambiguous = civil::resolve(zone, local).is_some_and(|start| start.clock_change);
    is_ambiguous || offset(zone, at.plus_ms(-1)) != offset(zone, at)
}

/// A window that opens once, in words.
pub(super) fn once(interval: Interval, zone: &TimeZone) -> String {
    let (start, end) = (interval.start(), interval.end());
    if *zone == TimeZone::UTC {
        return format!("once, from {start} to {end}");
    }
    let (start, end) = (local(zone, start), local(zone, end));
    format!("once, from {start} to {end}")
}

fn offset(zone: &TimeZone, at: UtcMs) -> Option<i32> {
    let timestamp = Timestamp::from_millisecond(at.0).ok()?;
    Some(zone.to_offset(timestamp).seconds())
}

fn local(zone: &TimeZone, at: UtcMs) -> String {
    match Timestamp::from_millisecond(at.0) {
        Ok(timestamp) => timestamp
            .to_zoned(zone.clone())
            .strftime("%a %Y-%m-%d %H:%M %Z")
            .to_string(),
        Err(_) => at.to_string(),
    }
}
