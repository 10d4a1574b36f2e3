use super::*;
use patchward_common::job::Reason;

const NOW: UtcMs = UtcMs(1_000_000_000);
const JOB: JobId = JobId([1; 16]);

fn slot(from_minute: i64, to_minute: i64) -> Interval {
    let at = |minute| NOW.plus_ms(minute * MINUTE_MS);
    Interval::new(at(from_minute), at(to_minute)).unwrap()
}

fn seen(state: State) -> Seen {
    Seen {
        job: JOB,
        state,
        slots: vec![slot(-60, -30), slot(-1, 60), slot(600, 660)],
        longest_run_ms: 30 * MINUTE_MS,
        is_fetched: true,
        tried_at: None,
        not_before: UtcMs(0),
    }
}

fn deferred(step: Step) -> State {
    State::Deferred(Reason {
        step: Some(step),
        text: "because".into(),
    })
}

fn of(job: Seen) -> Next {
    next(&[job], true, NOW)
}

#[test]
fn a_job_is_fetched_prepared_and_started_in_its_slot() {
    let mut job = seen(State::Assigned);
    job.is_fetched = false;
    assert_eq!(of(job.clone()), Next::Do(Effect::Fetch(JOB)));
    job.is_fetched = true;
    assert_eq!(of(job.clone()), Next::Do(Effect::Prepare(JOB)));
    for state in [State::Staged, State::Armed, deferred(Step::Interlock)] {
        job.state = state;
        assert_eq!(of(job.clone()), Next::Do(Effect::Start(JOB)));
    }
    // What failed before the go is prepared again, not started.
    for step in [Step::Roster, Step::Vendor, Step::Artifacts] {
        job.state = deferred(step);
        assert_eq!(of(job.clone()), Next::Do(Effect::Prepare(JOB)));
    }
}

#[test]
fn outside_a_slot_nothing_starts() {
    let mut job = seen(State::Staged);
    job.slots = vec![slot(-60, 0), slot(10, 60)];
    assert_eq!(of(job.clone()), Next::Wait(10 * MINUTE_MS));
    // Open, but too short for the longest run.
    job.slots = vec![slot(-60, 29)];
    assert_eq!(of(job.clone()), Next::Nothing);
    job.slots = vec![slot(-60, 30)];
    assert_eq!(of(job.clone()), Next::Do(Effect::Start(JOB)));
    job.slots = vec![slot(-60, -1)];
    for state in [State::Assigned, State::Staged] {
        job.state = state;
        assert_eq!(of(job.clone()), Next::Nothing);
    }
}

#[test]
fn a_refused_start_is_tried_again_in_time() {
    let mut job = seen(deferred(Step::Interlock));
    job.tried_at = Some(NOW.plus_ms(-30 * SECOND_MS));
    let idle = |is_idle| next(std::slice::from_ref(&job), is_idle, NOW);
    assert_eq!(idle(true), Next::Do(Effect::Start(JOB)));
    assert_eq!(idle(false), Next::Wait(OPEN_SLOT_MS));
    job.not_before = NOW.plus_ms(5_000);
    assert_eq!(next(&[job], true, NOW), Next::Wait(5_000));
}

#[test]
fn one_job_at_a_time() {
    let waiting = seen(State::Staged);
    for open in [State::Installing, State::Measuring, State::Rebooting] {
        let open = Seen {
            job: JobId([2; 16]),
            ..seen(open)
        };
        let jobs = [waiting.clone(), open];
        assert_eq!(next(&jobs, true, NOW), Next::Wait(LOOK_MS));
    }
    let pending = Seen {
        job: JobId([2; 16]),
        ..seen(State::RebootPending)
    };
    let jobs = [waiting, pending.clone()];
    assert_eq!(
        next(&jobs, true, NOW),
        Next::Do(Effect::Reboot(pending.job))
    );
}

#[test]
fn what_is_over_is_left_alone() {
    for state in [
        State::Verified,
        State::InService,
        State::Missed,
        State::Failed(Reason::new("x")),
        State::RolledBack(Reason::new("x")),
        State::Stopped(Reason::new("x")),
        State::Freed(Reason::new("x")),
    ] {
        assert_eq!(of(seen(state)), Next::Nothing);
    }
    assert_eq!(next(&[], true, NOW), Next::Nothing);
}

/// A fetch that fails is not tried in a loop.
#[test]
fn failures_wait() {
    let mut job = seen(State::Assigned);
    job.is_fetched = false;
    job.tried_at = Some(NOW);
    assert_eq!(of(job), Next::Wait(AGAIN_PREPARE_MS));
}
