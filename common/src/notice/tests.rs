use super::*;
use crate::id::BootId;
use crate::id::Name;
use crate::job::phase::Plan;
use crate::job::{Measurement, Reason};
use jiff::tz::TimeZone;

/// 2026-11-23T02:14:00Z, a Monday.
const START: UtcMs = UtcMs(1_795_400_040_000);
const JOB: JobId = JobId([1; 16]);

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn slot(hours: i64) -> Interval {
    Interval::new(START, START.plus_ms(hours * HOUR_MS)).unwrap()
}

fn planned() -> Planned {
    Planned {
        job: JOB,
        title: label("Viewer 4.2"),
        slots: vec![
            slot(2),
            Interval::new(START.plus_ms(DAY_MS), START.plus_ms(DAY_MS + 2 * HOUR_MS)).unwrap(),
        ],
        longest_run_ms: 40 * MINUTE_MS,
        noticed: vec![label("the toolbar is at the left")],
    }
}

fn screen() -> Screen {
    Screen {
        call: Call::try_from("clinical engineering, 4711".to_owned()).unwrap(),
        planned: vec![planned()],
        ..Screen::default()
    }
}

fn underway(stage: Stage) -> Screen {
    Screen {
        underway: Some(Underway {
            job: JOB,
            title: label("Viewer 4.2"),
            since: START,
            until: START.plus_ms(40 * MINUTE_MS),
            slot: slot(2),
            stage,
        }),
        ..screen()
    }
}

/// The lead by which a start is told so many minutes before it.
fn lead(screen: &Screen, minutes: i64) -> Option<(i64, Lead)> {
    let now = START.plus_ms(-minutes * MINUTE_MS);
    match screen.due(now)[..] {
        [] => None,
        [Notice::Ahead { start, lead, .. }] => Some((start.since_ms(START) / MINUTE_MS, lead)),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn a_start_is_told_a_day_an_hour_and_ten_minutes_before() {
    let screen = screen();
    for (minutes, expected) in [
        (1_441, None),
        (1_440, Some((0, Lead::Day))),
        (61, Some((0, Lead::Day))),
        (60, Some((0, Lead::Hour))),
        (11, Some((0, Lead::Hour))),
        (10, Some((0, Lead::TenMinutes))),
        (1, Some((0, Lead::TenMinutes))),
        (0, Some((0, Lead::Now))),
        (-80, Some((0, Lead::Now))),
        // What is left of the slot is too short: the next one counts.
        (-81, Some((1_440, Lead::Day))),
        (-1_440, Some((1_440, Lead::Now))),
        (-1_521, None),
    ] {
        assert_eq!(lead(&screen, minutes), expected, "{minutes} minutes before");
    }
}

#[test]
fn a_hold_moves_what_is_told() {
    let hold = |minutes| {
        Some(Hold {
            until: START.plus_ms(minutes * MINUTE_MS),
            reason: Name::new("procedure").unwrap(),
        })
    };
    let with = |minutes| Screen {
        hold: hold(minutes),
        ..screen()
    };
    // It ends within the slot, and the job fits behind it.
    assert_eq!(lead(&with(60), 5), Some((60, Lead::Day)));
    assert_eq!(lead(&with(60), -50), Some((60, Lead::TenMinutes)));
    assert_eq!(lead(&with(60), -70), Some((60, Lead::Now)));
    // It does not fit any more.
    assert_eq!(lead(&with(81), 5), None);
    assert_eq!(lead(&with(81), -10), Some((1_440, Lead::Day)));
    // It was over before.
    assert_eq!(lead(&with(-5), 0), Some((0, Lead::Now)));
}

#[test]
fn not_now_reaches_beyond_the_start_or_is_not_offered() {
    let screen = screen();
    let until = |minutes: i64, beyond_ms| {
        let now = START.plus_ms(-minutes * MINUTE_MS);
        let until = screen.due(now)[0].not_now(beyond_ms, now)?;
        Some(until.since_ms(START) / HOUR_MS)
    };
    assert_eq!(until(10, 2 * HOUR_MS), Some(2));
    assert_eq!(until(600, 2 * HOUR_MS), Some(2));
    assert_eq!(until(601, 2 * HOUR_MS), None, "no hold reaches so far");
    assert_eq!(until(-60, 2 * HOUR_MS), Some(3));
    for stage in [Stage::Works, Stage::WaitsForRestart] {
        let screen = underway(stage);
        assert_eq!(screen.due(START)[0].not_now(HOUR_MS, START), None);
    }
}

#[test]
fn while_it_is_worked_on_nothing_else_is_told_and_nobody_comes_in() {
    for (stage, after_its_slot) in [(Stage::Works, true), (Stage::WaitsForRestart, false)] {
        let screen = underway(stage);
        let due = screen.due(START);
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].key(), Key::Underway(JOB, stage));
        assert!(screen.refuses(START) && screen.refuses(START.plus_ms(2 * HOUR_MS - 1)));
        // A restart that cannot come before another slot keeps nobody out until then.
        assert_eq!(screen.refuses(START.plus_ms(2 * HOUR_MS)), after_its_slot);
    }
    assert!(!screen().refuses(START));
    assert_eq!(screen().refusal(&TimeZone::UTC, START), None);
}

#[test]
fn a_job_refuses_logins_from_its_start_to_its_measurement() {
    let approval = approval();
    let at = |phase: &Phase| {
        let found = Underway::of(
            JOB,
            &approval,
            START.plus_ms(approval.install_ms()),
            slot(2),
            phase,
        );
        found.map(|found| (found.stage, found.since))
    };
    let plan = Plan {
        boot: BootId([1; 16]),
        reboot: false,
        steps: Vec::new(),
        back: Vec::new(),
    };
    assert_eq!(at(&plan.begin()), Some((Stage::Works, START)));
    assert_eq!(
        at(&Phase::RebootPending),
        Some((Stage::WaitsForRestart, START))
    );
    let recovers = Phase::Recovering {
        reason: Reason::new("it broke"),
        touched: 0,
        next: 0,
    };
    assert_eq!(at(&recovers), Some((Stage::Works, START)));
    assert_eq!(at(&Phase::Withdrawn), None);
    let ended = Phase::Ended {
        verdict: Verdict::Verified,
        touched: 0,
    };
    assert_eq!(at(&ended), None);
}

fn approval() -> Approval {
    Approval {
        title: label("Viewer 4.2"),
        issued: START,
        expires: START.plus_ms(DAY_MS),
        releases: Vec::new(),
        waves: 1,
        machines: 1,
        root: crate::digest::Digest::default(),
        groups: Vec::new(),
        beside: Vec::new(),
        failure_limit: 1,
        clears: Vec::new(),
        emergency: None,
    }
}

#[test]
fn what_came_of_it_is_told_for_a_shift() {
    let verdicts = [
        (Verdict::Verified, Found::New),
        (Verdict::RolledBack(Reason::new("a")), Found::Before),
        (Verdict::Failed(Reason::new("a")), Found::Neither),
    ];
    for (verdict, found) in verdicts {
        let mut history = History::default();
        history.events.push((1, START.plus_ms(-1), Event::Prepared));
        assert_eq!(Over::of(JOB, &label("a"), &history), None);
        let measured = Event::Measured(Measurement {
            verdict,
            versions_after: Vec::new(),
            checks: Vec::new(),
            boot: BootId([1; 16]),
        });
        history.events.push((2, START, measured));
        let over = Over::of(JOB, &label("a"), &history).unwrap();
        assert_eq!((over.at, over.found), (START, found));
        let mut screen = Screen::default();
        screen.take_over(Some(over.clone()));
        screen.take_over(None);
        let older = Over {
            at: START.plus_ms(-1),
            ..over
        };
        screen.take_over(Some(older));
        let keys = |now| -> Vec<Key> { screen.due(now).iter().map(Notice::key).collect() };
        assert_eq!(keys(START), [Key::Over(JOB, START)]);
        assert_eq!(keys(START.plus_ms(12 * HOUR_MS)), []);
        assert_eq!(keys(START.plus_ms(-1)), [], "a clock that was set back");
    }
}

#[test]
fn notices_read_as_people_speak() {
    let chicago = TimeZone::get("America/Chicago").unwrap();
    let said = |screen: &Screen, minutes: i64| {
        let now = START.plus_ms(-minutes * MINUTE_MS);
        let text = screen.due(now)[0].text(&screen.call, &chicago, now);
        (text.summary, text.body)
    };
    let call = "Call clinical engineering, 4711.";
    let body = format!(
        "Viewer 4.2: between Sun 22 Nov 20:14 and Sun 22 Nov 22:14, once nobody uses it. It takes \
         40 minutes at most; until it is done, this computer is not for clinical use and nobody \
         can log in. You will notice: the toolbar is at the left. {call}"
    );
    for (minutes, summary) in [
        (1_440, "This computer may be updated on Sun 22 Nov 20:14"),
        (45, "This computer may be updated in 45 minutes"),
        (1, "This computer may be updated in 1 minute"),
        (0, "This computer may be updated at any moment"),
    ] {
        assert_eq!(said(&screen(), minutes), (summary.to_owned(), body.clone()));
    }
    let (summary, body) = said(&underway(Stage::Works), 0);
    assert_eq!(
        summary,
        "This computer is being updated: not for clinical use"
    );
    let works = "Viewer 4.2: since Sun 22 Nov 20:14, running until Sun 22 Nov 20:54 at the latest. \
                 Not for clinical use until then: use another computer.";
    assert_eq!(body, format!("{works} {call}"));
    let refusal = underway(Stage::Works).refusal(&chicago, START);
    let refused = format!("Patchward: {summary}.\n{works} {call}\n");
    assert_eq!(refusal, Some(refused));
    let (_, body) = said(&underway(Stage::WaitsForRestart), 0);
    assert!(body.contains("Save your work and log out"), "{body}");
    for (found, words) in [
        (Found::New, "returns it to service"),
        (Found::Before, "as it was before"),
        (Found::Neither, "use another computer"),
    ] {
        let over = Over {
            job: JOB,
            title: label("Viewer 4.2"),
            at: START,
            found,
        };
        let screen = Screen {
            over: Some(over),
            ..screen()
        };
        let (_, body) = said(&screen, 0);
        let begins = "Viewer 4.2: measured Sun 22 Nov 20:14. ";
        assert!(body.starts_with(begins) && body.contains(words), "{body}");
    }
    let held = held(START, &screen().call, &chicago);
    assert!(
        held.summary.ends_with("before Sun 22 Nov 20:14"),
        "{held:?}"
    );
}

#[test]
fn whom_to_call_is_one_line_or_nothing() {
    for (text, is_taken) in [
        ("", true),
        ("IT, 4711", true),
        ("a\nb", false),
        ("\u{1b}[2J", false),
    ] {
        let call = Call::try_from(text.to_owned());
        assert_eq!(call.is_ok(), is_taken, "{text:?}");
        if let Ok(call) = call {
            assert_eq!(String::from(call), text);
        }
    }
}
