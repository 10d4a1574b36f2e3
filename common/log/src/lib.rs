//! Where a program's log goes, and in which form. Agent, installer, notices and collector start
//! theirs here, so that all of them write one line for each event, with the same names of fields:
//! `machine`, `plan`, `job`, `release`, `person`, `request`.
//!
//! It is no part of `patchward-common`, because it writes, and needs no runtime, because the
//! installer has none.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::OnceLock;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

/// What is written where `RUST_LOG` does not say otherwise: what happened, and of libraries
/// only what went wrong.
const USUAL: &str = "info,quinn=warn,sqlx=warn";
/// What fields begin with in the journal: `journalctl PATCHWARD_JOB=...`.
const JOURNAL_PREFIX: &str = "PATCHWARD";

/// The form of a log: the setting `log` of all these programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Into the journal where systemd connects standard error with it, otherwise as text.
    #[default]
    Auto,
    /// Lines for people, on standard error.
    Text,
    /// A JSON object on each line, on standard error.
    Json,
    /// Into the journal, each field by its name.
    Journald,
}

/// The form that was started.
static STARTED: OnceLock<Form> = OnceLock::new();

/// Starts the log of this process. `program` is what the journal calls it.
///
/// # Errors
/// Where the journal was asked for by name and is not there, and where a log was started
/// before.
pub fn start(form: Form, program: &str) -> io::Result<()> {
    let (form, out) = match form {
        Form::Auto if is_in_journal() => match journal(program) {
            Ok(out) => (Form::Journald, out),
            // Its lines are still read from standard error.
            Err(_) => (Form::Text, text()),
        },
        Form::Auto | Form::Text => (Form::Text, text()),
        Form::Json => (Form::Json, json()),
        Form::Journald => (form, journal(program)?),
    };
    let started = tracing_subscriber::registry().with(out).with(filter());
    started.try_init().map_err(io::Error::other)?;
    let _ = STARTED.set(form);
    if form != Form::Text {
        // A program reads each line: a fault is one like all others.
        std::panic::set_hook(Box::new(|fault| {
            tracing::error!(%fault, "a fault of this program");
        }));
    }
    Ok(())
}

/// Says why a program ends: in the log, where programs read that, otherwise in words for the
/// person who started it.
pub fn ended(program: &str, problem: &str) {
    match STARTED.get() {
        Some(Form::Json | Form::Journald) => tracing::error!(problem, "it cannot go on"),
        _ => eprintln!("{program}: {problem}"),
    }
}

type Out = Box<dyn Layer<Registry> + Send + Sync>;

fn text() -> Out {
    let layer = fmt::layer().with_target(false).with_writer(io::stderr);
    layer.with_ansi(io::stderr().is_terminal()).boxed()
}

fn json() -> Out {
    let layer = fmt::layer().json().flatten_event(true);
    // The innermost span has the ids; its fields stand below `span`.
    let layer = layer.with_current_span(true).with_span_list(false);
    layer.with_writer(io::stderr).boxed()
}

fn journal(program: &str) -> io::Result<Out> {
    let layer = tracing_journald::layer()?.with_field_prefix(Some(JOURNAL_PREFIX.to_owned()));
    Ok(layer.with_syslog_identifier(program.to_owned()).boxed())
}

fn filter() -> Targets {
    let asked = std::env::var("RUST_LOG").ok();
    let asked = asked.and_then(|asked| asked.parse().ok());
    // A constant that a test reads; nothing filters out nothing.
    asked.or_else(|| USUAL.parse().ok()).unwrap_or_default()
}

/// Whether standard error is the stream that systemd names (systemd.exec(5), `JOURNAL_STREAM`):
/// who redirects it elsewhere wants the lines there.
fn is_in_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    let open = io::stderr().as_fd().try_clone_to_owned();
    let about = open.and_then(|open| File::from(open).metadata());
    about.is_ok_and(|about| names(&named, about.dev(), about.ino()))
}

/// Whether `DEVICE:INODE` in decimal names this file.
fn names(named: &str, device: u64, inode: u64) -> bool {
    let parts = named.split_once(':');
    parts.is_some_and(|(d, i)| d.parse() == Ok(device) && i.parse() == Ok(inode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn the_stream_that_systemd_names_is_known_by_device_and_inode() {
        assert!(names("9:12345", 9, 12_345));
        for other in ["", "9", "9:", ":12345", "9:12346", "8:12345", "x:y"] {
            assert!(!names(other, 9, 12_345), "{other}");
        }
    }

    #[test]
    fn what_is_usual_can_be_read() {
        let usual: Targets = USUAL.parse().unwrap();
        assert!(usual.would_enable("patchward_collector::serve", &Level::INFO));
        assert!(!usual.would_enable("patchward_collector::serve", &Level::DEBUG));
        assert!(!usual.would_enable("quinn", &Level::INFO));
        assert!(usual.would_enable("sqlx", &Level::WARN));
    }
}
