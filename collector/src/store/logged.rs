//! A line of the log for each row of the audit log, once it is on disk: who did what to
//! what. The audit log proves it; this is where people look and what they search by id.

use super::audit::Head;
use super::change::{Actor, Note};

/// Most bytes of a row's details in the log: what is longer stands in the audit log, which
/// the number leads to.
const MAX_DETAIL: usize = 1_024;
/// What the collector does with each bundle of events, and says of each event by itself.
const BOOKKEEPING: [&str; 3] = ["journal.consume", "journal.end_early", "evidence.add"];

/// What a row is about, by what people search for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ids<'a> {
    machine: Option<&'a str>,
    plan: Option<&'a str>,
    job: Option<&'a str>,
    release: Option<&'a str>,
}

impl<'a> Ids<'a> {
    /// The ids that a row's subject is, by the noun of its action.
    fn of(action: &str, subject: &'a str) -> Self {
        let mut ids = Self::default();
        let noun = action.split('.').next().unwrap_or_default();
        let place = match noun {
            "machine" | "certificate" | "enrolment" | "handover" => &mut ids.machine,
            "plan" | "wave" => &mut ids.plan,
            // Jobs are made for a whole plan at once.
            "job" if action == "job.assign" => &mut ids.plan,
            "job" | "go" | "evidence" => &mut ids.job,
            "release" | "artifact" => &mut ids.release,
            _ => return ids,
        };
        *place = Some(subject);
        ids
    }
}

/// Logs what was committed; `head` is the audit log's end with it.
pub(super) fn committed(notes: &[Note], head: Head) {
    let before = head.seq.saturating_sub(notes.len() as u64);
    for (number, note) in (before + 1..).zip(notes) {
        line(number, note);
    }
}

fn line(audit: u64, note: &Note) {
    let Note {
        action, subject, ..
    } = note;
    if BOOKKEEPING.contains(action) {
        tracing::debug!(target: "audit", audit, event = action, subject, "changed");
        return;
    }
    let mut ids = Ids::of(action, subject);
    let of = note.job_of.as_ref();
    let of = of.map(|(plan, machine)| (plan.to_string(), machine.to_string()));
    if let Some((plan, machine)) = &of {
        ids.plan = Some(plan.as_str());
        ids.machine = Some(machine.as_str());
    }
    let (mut person, mut program, mut by) = (None, None, None);
    match &note.actor {
        Actor::Person(name) => person = Some(name.as_str()),
        Actor::Program(name) => program = Some(name.as_str()),
        other => by = Some(other.to_string()),
    }
    let detail = Some(shortened(&note.detail)).filter(|detail| *detail != "{}");
    let Ids {
        machine,
        plan,
        job,
        release,
    } = ids;
    tracing::info!(
        target: "audit",
        audit, event = action, subject, machine, plan, job, release, person, program, by, detail,
        "changed"
    );
}

/// The beginning of a text, whole characters.
fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_DETAIL);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_is_about_is_found_by_its_id() {
        for (action, expected) in [
            ("job.move", [None, None, Some("x"), None]),
            ("go.issue", [None, None, Some("x"), None]),
            ("job.assign", [None, Some("x"), None, None]),
            ("plan.move", [None, Some("x"), None, None]),
            ("wave.open", [None, Some("x"), None, None]),
            ("certificate.issue", [Some("x"), None, None, None]),
            ("release.add", [None, None, None, Some("x")]),
            ("site.add", [None; 4]),
        ] {
            let Ids {
                machine,
                plan,
                job,
                release,
            } = Ids::of(action, "x");
            assert_eq!([machine, plan, job, release], expected, "{action}");
        }
    }

    #[test]
    fn details_are_cut_between_characters() {
        assert_eq!(shortened("ä"), "ä");
        let long = "ä".repeat(MAX_DETAIL);
        assert_eq!(shortened(&long).len(), MAX_DETAIL);
        let odd = format!("x{long}");
        assert_eq!(shortened(&odd).len(), MAX_DETAIL - 1);
    }
}
