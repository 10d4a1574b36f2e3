//! A calendar that people subscribe to (RFC 5545, 3.1 and 3.3.11).

use patchward_common::time::UtcMs;

/// Longest line in octets, without its end.
const MAX_LINE: usize = 75;

/// An event to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its own id: the same for the same work, each time.
    pub uid: String,
    /// How often it was changed.
    pub sequence: u32,
    /// When it was last changed.
    pub changed: UtcMs,
    /// When it begins.
    pub start: UtcMs,
    /// When it ends.
    pub end: UtcMs,
    /// What it is.
    pub summary: String,
    /// More about it; lines end in `\n`.
    pub description: String,
    /// Where.
    pub location: String,
    /// Whether it is done.
    pub status: Status,
}

/// Whether what an event says is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Confirmed,
    /// Only where earlier work was missed.
    Tentative,
    /// Not any more, as things stand.
    Cancelled,
}

/// The calendar of `entries`, called `name`.
pub fn written(name: &str, entries: &[Entry]) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| fold(&mut out, name, value);
    line("BEGIN", "VCALENDAR");
    line("VERSION", "2.0");
    line("PRODID", "-//Patchward//approved work//EN");
    line("CALSCALE", "GREGORIAN");
    line("X-WR-CALNAME", &escaped(name));
    line("REFRESH-INTERVAL;VALUE=DURATION", "PT15M");
    line("X-PUBLISHED-TTL", "PT15M");
    for entry in entries {
        line("BEGIN", "VEVENT");
        line("UID", &escaped(&entry.uid));
        // Without a METHOD it is when the event was last revised (3.8.7.2).
        line("DTSTAMP", &utc(entry.changed));
        line("LAST-MODIFIED", &utc(entry.changed));
        line("SEQUENCE", &entry.sequence.to_string());
        line("DTSTART", &utc(entry.start));
        line("DTEND", &utc(entry.end));
        line("SUMMARY", &escaped(&entry.summary));
        line("DESCRIPTION", &escaped(&entry.description));
        line("LOCATION", &escaped(&entry.location));
        let status = match entry.status {
            Status::Confirmed => "CONFIRMED",
            Status::Tentative => "TENTATIVE",
            Status::Cancelled => "CANCELLED",
        };
        line("STATUS", status);
        // It is the machines that are busy, not who reads the calendar.
        line("TRANSP", "TRANSPARENT");
        line("CATEGORIES", "Patchward");
        line("END", "VEVENT");
    }
    line("END", "VCALENDAR");
    out
}

/// `20261224T180000Z`.
fn utc(at: UtcMs) -> String {
    let text = at.to_string();
    text.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

/// Text with its special characters escaped; others that are no text become spaces.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Writes a line; one that is too long goes on behind a space, between characters.
fn fold(out: &mut String, name: &str, value: &str) {
    let mut length = 0;
    for c in name.chars().chain([':']).chain(value.chars()) {
        if length + c.len_utf8() > MAX_LINE {
            out.push_str("\r\n ");
            length = 1;
        }
        out.push(c);
        length += c.len_utf8();
    }
    out.push_str("\r\n");
}
