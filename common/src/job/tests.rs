//! The whole table of the job machine, and its diagram.

use super::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;

fn states() -> Vec<State> {
    let reason = || Reason::new("why");
    vec![
        State::Assigned,
        State::Staged,
        State::Armed,
        State::Deferred(reason()),
        State::Installing,
        State::RebootPending,
        State::Rebooting,
        State::Measuring,
        State::Recovering(reason()),
        State::Verified,
        State::Attested,
        State::InService,
        State::RolledBack(reason()),
        State::Failed(reason()),
        State::Missed,
        State::Stopped(reason()),
        State::Freed(reason()),
    ]
}

/// Every event, and for a measurement every verdict, with a word for each.
fn events() -> Vec<(String, Event)> {
    let reason = || Reason::new("why");
    let start = || Start {
        slot: Interval::new(UtcMs(0), UtcMs(1)).unwrap(),
        boot: BootId([1; 16]),
        go: Digest::default(),
        approved_by: Vec::new(),
        roster: Digest::default(),
        charter: Digest::default(),
        assignment: Digest::default(),
        versions_before: Vec::new(),
        interlock: "idle".into(),
    };
    let measured = |verdict| {
        Event::Measured(Measurement {
            verdict,
            versions_after: Vec::new(),
            checks: Vec::new(),
            boot: BootId([2; 16]),
        })
    };
    let plain = [
        Event::Prepared,
        Event::Refused(reason().into()),
        Event::WouldHaveStarted(start()),
        Event::Started(start()),
        Event::StepEnded(StepEnd {
            step: "unpack".into(),
            outcome: StepOutcome::Succeeded,
            output: String::new(),
        }),
        Event::RebootPending(reason()),
        Event::RebootOrdered(BootId([1; 16])),
        Event::RecoveryBegan(reason()),
        Event::Withdrawn(reason()),
        Event::Stopped(reason()),
    ];
    let verdicts = [
        ("measured: verified", Verdict::Verified),
        ("measured: rolled back", Verdict::RolledBack(reason())),
        ("measured: failed", Verdict::Failed(reason())),
    ];
    plain
        .into_iter()
        .map(|event| (event.word().to_owned(), event))
        .chain(verdicts.map(|(word, verdict)| (word.to_owned(), measured(verdict))))
        .collect()
}

/// Every step of the machine: from, by what, to.
fn steps() -> Vec<(&'static str, String, &'static str)> {
    let mut steps = Vec::new();
    for state in states() {
        for (word, event) in events() {
            if let Ok(after) = state.after(&event) {
                steps.push((state.word(), word, after.word()));
            }
        }
        for fact in Outside::ALL {
            let word = fact.word();
            if let Ok(after) = state.after_outside(fact) {
                steps.push((state.word(), word.to_owned(), after.word()));
            }
        }
    }
    steps
}

/// What time.md says of each state, written out: whatever is not here is unexpected.
const WAITING: &str = "prepared>staged refused>deferred would_have_started>deferred \
    started>installing stopped>stopped closed>stopped slots_over>missed \
    begun>installing";
const OPEN: &str = "reboot_pending>reboot_pending reboot_ordered>rebooting \
    recovery_began>recovering measured:verified>verified measured:rolled_back>rolled_back \
    measured:failed>failed";
/// What a person may say of a job that has begun.
const SAID: &str = "freed>freed";
/// How a person records the work of a manual job.
const BY_HAND: &str = "attested>attested not_done>failed";

fn expected(state: &str) -> String {
    match state {
        "assigned" | "armed" => WAITING.to_owned(),
        "staged" | "deferred" => format!("{WAITING} slot_ahead>armed"),
        "installing" => {
            format!("{OPEN} {SAID} {BY_HAND} step_ended>installing withdrawn>deferred")
        }
        "reboot_pending" | "rebooting" => {
            format!("{OPEN} {SAID} step_ended>{state} restarted>measuring")
        }
        "measuring" | "recovering" => format!("{OPEN} {SAID} step_ended>{state}"),
        // A person's word: the machine works on, or has measured.
        "freed" => {
            format!("{OPEN} {BY_HAND} step_ended>freed withdrawn>deferred retried>assigned")
        }
        "verified" | "attested" => "returned_to_service>in_service".to_owned(),
        // A person's word, as below: it may have started before it heard.
        "stopped" => "prepared>stopped refused>stopped would_have_started>stopped \
            started>installing stopped>stopped retried>assigned"
            .to_owned(),
        // The collector's guess; the machine may have started while it could not be heard.
        "missed" => "prepared>missed refused>missed would_have_started>missed \
            started>installing stopped>stopped"
            .to_owned(),
        "failed" => "retried>assigned".to_owned(),
        "in_service" | "rolled_back" => String::new(),
        other => panic!("time.md has no state {other}"),
    }
}

#[test]
fn the_machine_is_the_designs_and_total() {
    let steps = steps();
    for state in states() {
        let found: BTreeSet<String> = steps
            .iter()
            .filter(|(from, ..)| *from == state.word())
            .map(|(_, by, to)| format!("{}>{to}", by.replace(": ", ":").replace(' ', "_")))
            .collect();
        let expected = expected(state.word());
        let expected: BTreeSet<String> = expected.split_whitespace().map(str::to_owned).collect();
        assert_eq!(found, expected, "from {}", state.word());
    }
}

#[test]
fn every_state_is_reached() {
    let reached: BTreeSet<&str> = steps()
        .iter()
        .filter(|(from, _, to)| from != to)
        .map(|(_, _, to)| *to)
        .collect();
    let all: BTreeSet<&str> = states().iter().map(State::word).collect();
    let never: Vec<_> = all.difference(&reached).collect();
    assert!(never.is_empty(), "{never:?}");
}

#[test]
fn a_job_waits_is_open_or_is_final() {
    for state in states() {
        let waits = expected(state.word()).contains("slots_over");
        let kinds = [waits, state.is_open(), state.is_final()];
        let kinds = kinds.iter().filter(|is| **is).count();
        assert_eq!(kinds, 1, "{}", state.word());
    }
}

#[test]
fn once_started_a_job_ends_by_a_measurement_by_drawing_back_or_by_a_persons_word() {
    let open = |word: &str| {
        let state = states().into_iter().find(|state| state.word() == word);
        state.unwrap().is_open()
    };
    for (from, by, to) in steps() {
        if open(from) && !open(to) {
            let measured = by.starts_with("measured: ");
            let drew_back = by == "withdrawn";
            let said = ["freed", "attested", "not_done"].contains(&by.as_str());
            assert!(measured || drew_back || said, "{from} {by} {to}");
        }
        if to == "verified" {
            assert_eq!(by, "measured: verified", "only a measurement verifies");
        }
    }
}

#[test]
fn an_event_that_does_not_fit_is_named() {
    let unexpected = State::Verified.after(&Event::Prepared).unwrap_err();
    assert_eq!(unexpected.to_string(), "prepared does not follow verified");
}

/// The table as a state diagram in Mermaid. Steps that lead back to their own state
/// are left out.
fn diagram() -> String {
    let mut text = "```mermaid\nstateDiagram-v2\n    [*] --> assigned\n".to_owned();
    let mut drawn: Vec<(&str, &str, Vec<String>)> = Vec::new();
    for (from, by, to) in steps() {
        match drawn.iter_mut().find(|(f, t, _)| (*f, *t) == (from, to)) {
            _ if from == to => {}
            Some((.., words)) => words.push(by),
            None => drawn.push((from, to, vec![by])),
        }
    }
    for (from, to, words) in drawn {
        let words = words.join(", ").replace("measured: ", "measured ");
        writeln!(text, "    {from} --> {to} : {words}").unwrap();
    }
    for state in states().iter().filter(|state| state.is_final()) {
        writeln!(text, "    {} --> [*]", state.word()).unwrap();
    }
    text + "```\n"
}

#[test]
fn the_diagram_in_the_documentation_is_the_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/job-states.md");
    let page = std::fs::read_to_string(page).unwrap();
    let diagram = diagram();
    assert!(
        page.contains(&diagram),
        "docs/job-states.md must hold this diagram:\n{diagram}"
    );
}
