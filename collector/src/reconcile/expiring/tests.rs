//! What the log is told, and when it is told again.

use super::*;
use crate::item::expiry::{Life, STEPS, WHATS};
use patchward_common::time::DAY_MS;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// A line of the log: how loud it is, and its fields.
type Line = (Level, BTreeMap<&'static str, String>);

/// A log that a test reads.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Line>>>);

struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(BTreeMap::new());
        event.record(&mut fields);
        let line = (*event.metadata().level(), fields.0);
        self.0.lock().unwrap().push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn each_step_is_a_line_that_says_what_ends_when_and_what_to_do() {
    let ends = UtcMs(400 * DAY_MS);
    for what in WHATS {
        let expires = Expires {
            what,
            subject: "this-one".to_owned(),
            life: Life { from: None, ends },
        };
        for step in STEPS {
            let warning = Warning {
                expires: expires.clone(),
                step,
                since: ends,
                raise_at: ends,
            };
            let log = Log::default();
            tracing::subscriber::with_default(log.clone(), || line(&warning));
            let lines = log.0.lock().unwrap();
            let [(level, said)] = &lines[..] else {
                panic!("{what:?} {step:?}: {} lines", lines.len())
            };
            let (expected, message) = match step {
                Step::Quarter => (Level::INFO, "it ends soon"),
                Step::Month | Step::Week => (Level::WARN, "it ends soon"),
                Step::Over => (Level::ERROR, "it has ended"),
            };
            assert_eq!((*level, &*said["message"]), (expected, message), "{said:?}");
            assert_eq!(
                (&*said["what"], &*said["subject"]),
                (what.word(), "this-one")
            );
            assert_eq!(said["ends"], ends.to_string());
            assert_eq!(said["why"], warning.why());
            let days = (step != Step::Over).then(|| step.days().to_string());
            assert_eq!(said.get("days"), days.as_ref());
        }
    }
}

#[test]
fn an_import_that_ends_soon_again_is_no_news() {
    let one = |vendor: &str, ends: i64, step| (vendor.to_owned(), UtcMs(ends), step);
    let before = [one("acme", 1, Step::Week), one("other", 1, Step::Over)];
    let before = BTreeSet::from(before);
    for (now, is) in [
        (one("acme", 1, Step::Week), false),
        (one("acme", 2, Step::Week), false),
        (one("acme", 2, Step::Over), true),
        (one("other", 2, Step::Over), false),
        (one("other", 2, Step::Week), false),
        (one("new", 2, Step::Week), true),
    ] {
        assert_eq!(is_further(&before, &now), is, "{now:?}");
    }
}
