//! What logind's answers mean, as `busctl --json=short` gives them.
//!
//! The error says what is wrong with an answer. It is never "nobody": whoever asks takes
//! it for unknown.

use crate::time::{MINUTE_MS, UtcMs};
use serde_json::Value;

/// Who blocks sleep, shutdown or idleness, in an answer to `ListInhibitors`: (what, who, why, mode, uid, pid).
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
pub fn listed(answer: &Value) -> Result<Vec<(String, String)>, String> {
    let row = |row| Ok((text(row, 2)?.to_owned(), text(row, 4)?.to_owned()));
    rows(answer)?.iter().map(row).collect()
}

/// Whether a session with these properties is somebody at work. A session that was idle
/// for `idle_minutes` is not; with 0 every one is.
pub fn is_used(answer: &Value, idle_minutes: i64, now: UtcMs) -> Result<bool, String> {
    let property = |name: &str| {
        let value = answer.pointer(&format!("/data/0/{name}/data"));
        value.ok_or_else(|| format!("logind does not tell {name}"))
    };
    let class = property("Class")?.as_str().unwrap_or_default();
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
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn logind_sessions_count_by_class_state_and_idleness() {
        let now = UtcMs(100 * MINUTE_MS);
        let session = |class: &str, state: &str, idle: bool, since_minutes: i64| {
            json!({"type": "a{sv}", "data": [{
                "Class": {"type": "s", "data": class},
                "State": {"type": "s", "data": state},
                "IdleHint": {"type": "b", "data": idle},
                "IdleSinceHint": {"type": "t", "data": since_minutes * MINUTE_MS * 1_000},
            }]})
        };
        for (answer, idle_minutes, used) in [
            (session("user", "active", false, 0), 0, true),
            (session("user", "active", true, 10), 0, true),
            (session("user", "active", true, 10), 15, false),
            (session("user", "active", true, 90), 15, true),
            (session("user", "active", false, 10), 15, true),
            (session("user", "closing", false, 0), 0, false),
            (session("greeter", "active", false, 0), 0, false),
            (session("manager", "active", false, 0), 0, false),
        ] {
            assert_eq!(is_used(&answer, idle_minutes, now), Ok(used), "{answer}");
        }
        assert!(is_used(&json!({"data": [{}]}), 0, now).is_err());
        let sessions =
            json!({"type": "a(susso)", "data": [[["1", 1000, "nurse", "seat0", "/s/1"]]]});
        assert_eq!(
            listed(&sessions),
            Ok(vec![("nurse".to_owned(), "/s/1".to_owned())])
        );
        assert!(listed(&json!({"data": [[["1"]]]})).is_err());
        let inhibitors =
            |mode: &str| json!({"data": [[["sleep:shutdown", "PACS", "transfer", mode, 0, 1]]]});
        assert_eq!(inhibitor(&inhibitors("delay")), Ok(None));
        assert!(
            inhibitor(&inhibitors("block"))
                .unwrap()
                .unwrap()
                .contains("PACS")
        );
    }
}
