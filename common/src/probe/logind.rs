//! What logind's answers mean, as `busctl --json=short` gives them.
//!
//! The error says what is wrong with an answer. It is never "nobody": whoever asks takes
//! it for unknown.

use crate::id::Name;
use crate::time::{MINUTE_MS, UtcMs};
use crate::trust::check::Interlock;
use serde_json::Value;

/// Logind's name on the system's bus.
const SERVICE: &str = "org.freedesktop.login1";
const MANAGER: [&str; 4] = [
    "call",
    SERVICE,
    "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager",
];

/// The interlock by what logind says. `ask` puts one question, in the words of `busctl`; an
/// answer that fails or makes no sense is unknown.
pub fn interlock(
    probe: &Name,
    idle_minutes: i64,
    kiosk: &[String],
    now: UtcMs,
    ask: impl Fn(&[&str]) -> Result<Value, String>,
) -> Interlock {
    match used_by(idle_minutes, kiosk, now, ask) {
        Ok(None) => Interlock::Idle,
        Ok(Some(use_)) => Interlock::InUse(use_),
        Err(why) => Interlock::Unknown(format!("{probe}: {why}")),
    }
}

/// Who uses the machine; `None` for nobody.
fn used_by(
    idle_minutes: i64,
    kiosk: &[String],
    now: UtcMs,
    ask: impl Fn(&[&str]) -> Result<Value, String>,
) -> Result<Option<String>, String> {
    let manager = |question| ask(&[&MANAGER[..], &[question]].concat());
    if let Some(who) = inhibitor(&manager("ListInhibitors")?)? {
        return Ok(Some(who));
    }
    for (user, path) in listed(&manager("ListSessions")?)? {
        if kiosk.contains(&user) {
            continue;
        }
        let all = ask(&[
            "call",
            SERVICE,
            &path,
            "org.freedesktop.DBus.Properties",
            "GetAll",
            "s",
            "org.freedesktop.login1.Session",
        ])?;
        if is_used(&all, idle_minutes, now)? {
            return Ok(Some(format!("{user} is logged in")));
        }
    }
    Ok(None)
}

/// Who blocks sleep, shutdown or idleness, in an answer to `ListInhibitors`: (what, who, why, mode, uid, pid).
///
/// # Errors
/// An answer of another shape.
pub fn inhibitor(answer: &Value) -> Result<Option<String>, String> {
    for row in rows(answer)? {
        let (what, who, mode) = (text(row, 0)?, text(row, 1)?, text(row, 3)?);
        let matters = |part| ["shutdown", "sleep", "idle"].contains(&part);
        if mode.starts_with("block") && what.split(':').any(matters) {
            return Ok(Some(format!("{who} blocks {what}")));
        }
    }
    Ok(None)
}

/// Sessions as (user, object path), in an answer to `ListSessions`: (id, uid, user, seat, path).
///
/// # Errors
/// An answer of another shape.
pub fn listed(answer: &Value) -> Result<Vec<(String, String)>, String> {
    let row = |row| Ok((text(row, 2)?.to_owned(), text(row, 4)?.to_owned()));
    rows(answer)?.iter().map(row).collect()
}

/// Whether a session with these properties is somebody at work. A session that was idle
/// for `idle_minutes` is not; with 0 every one is.
///
/// # Errors
/// An answer of another shape.
pub fn is_used(answer: &Value, idle_minutes: i64, now: UtcMs) -> Result<bool, String> {
    let property = |name: &str| {
        let value = answer.pointer(&format!("/data/0/{name}/data"));
        value.ok_or_else(|| format!("logind does not tell {name}"))
    };
    let class = property("Class")?.as_str();
    let class = class.ok_or_else(|| "logind gave a class of another shape".to_owned())?;
    let is_closing = property("State")?.as_str() == Some("closing");
    if !class.starts_with("user") || is_closing {
        return Ok(false);
    }
    if idle_minutes == 0 || property("IdleHint")?.as_bool() != Some(true) {
        return Ok(true);
    }
    let since_us = property("IdleSinceHint")?.as_i64().unwrap_or(i64::MAX);
    Ok(now.since_ms(UtcMs(since_us / 1_000)) < idle_minutes * MINUTE_MS)
}

/// The first of the answer's values, a list.
fn rows(answer: &Value) -> Result<&Vec<Value>, String> {
    let rows = answer.pointer("/data/0").and_then(Value::as_array);
    rows.ok_or_else(|| "logind gave an answer of another shape".to_owned())
}

fn text(row: &Value, at: usize) -> Result<&str, String> {
    let text = row.get(at).and_then(Value::as_str);
    text.ok_or_else(|| "logind gave a row of another shape".to_owned())
}

#[cfg(test)]
mod tests;
