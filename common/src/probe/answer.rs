//! What a probe's answer means.

use super::{MAX_OUTPUT_BYTES, PROBE_LIMIT_MS, VersionFrom};
use crate::component::MAX_FIELD_BYTES;
use crate::id::Name;
use crate::trust::check::Interlock;

/// How a run of a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// By itself.
    Exited {
        /// Its exit status; `None` where a signal ended it.
        status: Option<i32>,
        /// What it wrote to standard output, at most [`MAX_OUTPUT_BYTES`].
        output: Vec<u8>,
        /// What it wrote to standard error, for people: no answer is read from it. Empty
        /// where that was not kept.
        errors: Vec<u8>,
    },
    /// It took longer than [`PROBE_LIMIT_MS`] and was killed.
    TimedOut,
    /// It wrote more than [`MAX_OUTPUT_BYTES`] and was killed.
    TooMuchOutput,
    /// It could not be started.
    NotStarted(String),
}

/// Whether the machine's application is ready for work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is.
    Ready,
    /// It says that it is not.
    NotReady,
    /// It cannot be told, for this reason; counts as not ready.
    Unknown(String),
}

/// Why a run says nothing.
fn silence(ran: &Ran) -> Result<&[u8], String> {
    match ran {
        Ran::Exited {
            status: Some(0),
            output,
            ..
        } => Ok(output),
        Ran::Exited {
            status: Some(status),
            ..
        } => Err(format!("ended with status {status}")),
        Ran::Exited { status: None, .. } => Err("was ended by a signal".to_owned()),
        Ran::TimedOut => Err(format!("took longer than {PROBE_LIMIT_MS} ms")),
        Ran::TooMuchOutput => Err(format!("wrote more than {MAX_OUTPUT_BYTES} bytes")),
        Ran::NotStarted(why) => Err(format!("could not be started: {why}")),
    }
}

/// The interlock by a command's answer: `idle` or `in_use` alone on the first line, and
/// exit status 0. All else is unknown, so that a program that is missing, crashes or was
/// replaced never says `idle`.
pub fn interlock(probe: &Name, ran: &Ran) -> Interlock {
    let unknown = |why: String| Interlock::Unknown(format!("{probe} {why}"));
    match silence(ran) {
        Err(why) => unknown(why),
        Ok(output) => match first_line(output) {
            Some("idle") => Interlock::Idle,
            Some("in_use") => Interlock::InUse(probe.to_string()),
            _ => unknown("says neither idle nor in_use on its first line".to_owned()),
        },
    }
}

/// The interlock by a lock on a file: held means in use.
pub fn is_held(probe: &Name, held: Result<bool, String>) -> Interlock {
    match held {
        Ok(false) => Interlock::Idle,
        Ok(true) => Interlock::InUse(probe.to_string()),
        Err(why) => Interlock::Unknown(format!("{probe} {why}")),
    }
}

/// Readiness by a command's exit status: 0 is ready, any other is not.
pub fn readiness(ran: &Ran) -> Readiness {
    match (ran, silence(ran)) {
        (_, Ok(_)) => Readiness::Ready,
        (
            Ran::Exited {
                status: Some(_), ..
            },
            Err(_),
        ) => Readiness::NotReady,
        (_, Err(why)) => Readiness::Unknown(why),
    }
}

/// The version in a command's answer; the error says why there is none.
pub fn version(from: &VersionFrom, ran: &Ran) -> Result<String, String> {
    let output = silence(ran)?;
    let found = match from {
        VersionFrom::FirstLine => first_line(output).map(str::to_owned),
        VersionFrom::Prefix(prefix) => after_prefix(output, prefix),
        VersionFrom::Json(pointer) => return at_pointer(output, pointer).and_then(fit),
    };
    fit(found.ok_or_else(|| match from {
        VersionFrom::Prefix(prefix) => format!("has no line that starts with {prefix:?}"),
        _ => "has no text on its first line".to_owned(),
    })?)
}

fn fit(version: String) -> Result<String, String> {
    if version.is_empty() || version.len() > MAX_FIELD_BYTES {
        return Err(format!(
            "gives a version of {} bytes; 1 to {MAX_FIELD_BYTES} are allowed",
            version.len()
        ));
    }
    if version.chars().any(char::is_control) {
        return Err("gives a version with control characters".to_owned());
    }
    Ok(version)
}

fn first_line(output: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(output).ok()?;
    text.lines().next().map(str::trim)
}

fn after_prefix(output: &[u8], prefix: &str) -> Option<String> {
    let text = std::str::from_utf8(output).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(prefix))?;
    rest.split_whitespace().next().map(str::to_owned)
}

fn at_pointer(output: &[u8], pointer: &str) -> Result<String, String> {
    let json: serde_json::Value =
        serde_json::from_slice(output).map_err(|error| format!("is not JSON: {error}"))?;
    match json.pointer(pointer) {
        Some(serde_json::Value::String(text)) => Ok(text.trim().to_owned()),
        Some(serde_json::Value::Number(number)) if !number.is_f64() => Ok(number.to_string()),
        Some(_) => Err(format!("has no text at {pointer:?}")),
        None => Err(format!("has nothing at {pointer:?}")),
    }
}
