use super::*;
use crate::digest::Digest;
use crate::job::{Measurement, Start};
use crate::time::Interval;
use proptest::prelude::*;

const BOOT: BootId = BootId([1; 16]);
const NEXT_BOOT: BootId = BootId([2; 16]);

fn step(name: &str, release: usize, disruptive: bool) -> Step {
    Step {
        name: name.to_owned(),
        release,
        argv: vec![],
        env: vec![],
        disruptive,
    }
}

fn plan(reboot: bool) -> Plan {
    Plan {
        boot: BOOT,
        reboot,
        steps: vec![
            step("0-unpack", 0, false),
            step("0-switch", 0, true),
            step("1-unpack", 1, false),
            step("1-switch", 1, true),
        ],
        back: vec![step("1-back", 1, true), step("0-back", 0, true)],
    }
}

fn measured(verdict: Verdict) -> Event {
    Event::Measured(Measurement {
        verdict,
        versions_after: vec![],
        checks: vec![],
        boot: BOOT,
    })
}

fn ended(step: &Step, outcome: StepOutcome) -> Event {
    Event::StepEnded(StepEnd {
        step: step.name.clone(),
        outcome,
        output: String::new(),
    })
}

/// The machine as a job finds it: what was launched stays launched over crashes.
#[derive(Default)]
struct World {
    boot: Option<BootId>,
    /// Steps that ran, with how they ended; a step is never run twice.
    ran: Vec<(String, StepOutcome)>,
    asked: usize,
    measured: usize,
}

/// What chance decides.
#[derive(Clone, Debug)]
struct Chance {
    /// How each step that runs goes wrong, in the order in which they run.
    fails: Vec<Option<StepOutcome>>,
    idle: Vec<bool>,
    good: bool,
    reboots: bool,
    /// At which turns the installer crashes after acting and before persisting, or after
    /// persisting; and whether the machine restarts with it.
    crashes: Vec<(bool, bool)>,
}

impl World {
    fn boot(&self) -> BootId {
        self.boot.unwrap_or(BOOT)
    }

    fn run(&mut self, step: &Step, chance: &Chance) -> Event {
        if let Some((_, outcome)) = self.ran.iter().find(|(name, _)| *name == step.name) {
            return ended(step, *outcome);
        }
        let failed = chance.fails.get(self.ran.len()).copied().flatten();
        let outcome = failed.unwrap_or(StepOutcome::Succeeded);
        self.ran.push((step.name.clone(), outcome));
        ended(step, outcome)
    }

    fn ask(&mut self, chance: &Chance) -> bool {
        self.asked += 1;
        chance.idle.get(self.asked - 1).copied().unwrap_or(true)
    }

    /// One turn; `None` where nothing is to be done now.
    fn act(&mut self, plan: &Plan, phase: &Phase, chance: &Chance) -> Option<Event> {
        Some(match phase.next(plan, self.boot()) {
            Effect::Run { step, asks } => {
                let began = self.ran.iter().any(|(name, _)| *name == step.name);
                if asks && !began && !self.ask(chance) {
                    return Some(Event::Withdrawn(Reason::new("in use")));
                }
                self.run(step, chance)
            }
            Effect::RunBack(step) => self.run(step, chance),
            Effect::Withdraw(reason) => Event::Withdrawn(reason),
            Effect::Recover(reason) => Event::RecoveryBegan(reason),
            Effect::AskToReboot if self.ask(chance) => Event::RebootOrdered(self.boot()),
            Effect::AskToReboot => Event::RebootPending(Reason::new("in use")),
            Effect::Reboot if chance.reboots => {
                self.boot = Some(NEXT_BOOT);
                return None;
            }
            Effect::Reboot => Event::RebootPending(Reason::new("it did not restart")),
            Effect::WaitForPerson => Event::RebootOrdered(self.boot()),
            Effect::Measure => {
                self.measured += 1;
                match chance.good {
                    true => measured(Verdict::Verified),
                    false => Event::RecoveryBegan(Reason::new("a check failed")),
                }
            }
            Effect::MeasureBack(reason) => {
                self.measured += 1;
                measured(Verdict::RolledBack(reason.clone()))
            }
            Effect::Settle => return None,
        })
    }
}

fn fold(plan: &Plan, journal: &[Event]) -> Phase {
    journal.iter().fold(plan.begin(), |phase, event| {
        phase.after(plan, event).expect("a journalled event fits")
    })
}

/// Every way in which a step does not succeed.
fn failure() -> impl Strategy<Value = StepOutcome> {
    prop_oneof![
        Just(StepOutcome::Failed(1)),
        Just(StepOutcome::TimedOut),
        Just(StepOutcome::Lost),
    ]
}

proptest! {
    #[test]
    fn with_crashes_anywhere_every_job_ends_and_nothing_runs_twice(
        reboot: bool,
        fails in prop::collection::vec(prop::option::weighted(0.2, failure()), 0..8),
        idle in prop::collection::vec(prop::bool::weighted(0.7), 0..4),
        good: bool,
        reboots in prop::bool::weighted(0.9),
        crashes in prop::collection::vec((prop::bool::weighted(0.3), prop::bool::weighted(0.2)), 0..24),
    ) {
        let plan = plan(reboot);
        let mut chance = Chance { fails, idle, good, reboots, crashes };
        let mut world = World::default();
        let mut journal: Vec<Event> = Vec::new();
        for turn in 0..64 {
            let phase = fold(&plan, &journal);
            if phase.next(&plan, world.boot()) == Effect::Settle {
                break;
            }
            let event = world.act(&plan, &phase, &chance);
            let (crashes, restarts) = chance.crashes.get(turn).copied().unwrap_or_default();
            if crashes {
                // It acted and could not persist; perhaps the whole machine went.
                if restarts {
                    world.boot = Some(NEXT_BOOT);
                }
                continue;
            }
            chance.reboots |= turn > 40;
            journal.extend(event);
        }
        let phase = fold(&plan, &journal);
        prop_assert_eq!(phase.next(&plan, world.boot()), Effect::Settle, "it did not end");
        let mut names: Vec<_> = world.ran.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), world.ran.len(), "a step ran twice");
        match phase {
            Phase::Ended { verdict: Verdict::Verified, .. } => prop_assert!(world.measured > 0),
            Phase::Ended { .. } => {
                let back = world.ran.iter().filter(|(name, _)| name.ends_with("-back")).count();
                prop_assert!(back > 0, "it was rolled back without the way back");
            }
            Phase::Withdrawn => {
                let disruptive = world.ran.iter().any(|(name, _)| name.ends_with("-switch"));
                prop_assert!(!disruptive, "it drew back after it had disturbed");
            }
            other => prop_assert!(false, "it ended in {:?}", other),
        }
    }
}

#[test]
fn a_phase_is_read_from_the_events_since_its_own_start() {
    let plan = plan(false);
    let started = Event::Started(Start {
        slot: Interval::new(UtcMs(0), UtcMs(1)).unwrap(),
        boot: BOOT,
        go: Digest::default(),
        approved_by: vec![],
        roster: Digest::default(),
        charter: Digest::default(),
        assignment: Digest::default(),
        versions_before: vec![],
        interlock: "idle".to_owned(),
    });
    let first = ended(&plan.steps[0], StepOutcome::Succeeded);
    let misfit = ended(&plan.steps[3], StepOutcome::Succeeded);
    let journal: Vec<_> = [
        started.clone(),
        Event::Withdrawn(Reason::new("in use")),
        started,
        misfit,
        first,
    ]
    .into_iter()
    .zip(1..)
    .map(|(event, sequence)| (sequence, UtcMs(0), event))
    .collect();
    let of = |sequence, events: &[(u64, UtcMs, Event)]| {
        let mut misfits = 0;
        let phase = Phase::of(&plan, sequence, events, |_| misfits += 1);
        (phase, misfits)
    };
    assert_eq!(of(3, &journal), (Some(Phase::Installing { next: 1 }), 1));
    assert_eq!(of(1, &journal[..2]), (Some(Phase::Withdrawn), 0));
    assert_eq!(of(3, &journal[..2]), (None, 0), "it never started");
    assert_eq!(of(2, &journal), (None, 0), "that is no start");
}

#[test]
fn the_first_disruptive_step_asks_and_no_later_one() {
    let plan = plan(false);
    let asks: Vec<bool> = (0..plan.steps.len())
        .map(|next| {
            let phase = Phase::Installing { next };
            matches!(phase.next(&plan, BOOT), Effect::Run { asks: true, .. })
        })
        .collect();
    assert_eq!(asks, [false, true, false, false]);
}

#[test]
fn the_way_back_covers_what_was_touched_only() {
    let plan = plan(false);
    let began = Event::RecoveryBegan(Reason::new("failed"));
    let early = Phase::Installing { next: 1 }.after(&plan, &began).unwrap();
    assert_eq!(early.next(&plan, BOOT), Effect::RunBack(&plan.back[1]));
    let late = Phase::Installing { next: 3 }.after(&plan, &began).unwrap();
    assert_eq!(late.next(&plan, BOOT), Effect::RunBack(&plan.back[0]));
}

#[test]
fn an_install_that_overruns_its_limit_goes_back_and_is_not_run_again() {
    let plan = plan(true);
    for (at, step) in plan.steps.iter().enumerate() {
        let installing = Phase::Installing { next: at };
        let overrun = ended(step, StepOutcome::TimedOut);
        let failing = installing.after(&plan, &overrun).unwrap();
        // Whatever the machine does meanwhile, the step is not tried a second time.
        for boot in [BOOT, NEXT_BOOT] {
            let Effect::Recover(reason) = failing.next(&plan, boot) else {
                panic!("{failing:?}");
            };
            let told = format!("step {} was ended at its longest run: ", step.name);
            assert_eq!(reason, Reason::new(told));
        }
        let succeeded = ended(step, StepOutcome::Succeeded);
        assert!(failing.clone().after(&plan, &succeeded).is_err(), "late");
        let began = Event::RecoveryBegan(Reason::new("overran"));
        let mut phase = failing.after(&plan, &began).unwrap();
        // A step back that overruns too ends nothing: what is there is measured.
        let mut backs = Vec::new();
        while let Effect::RunBack(back) = phase.next(&plan, BOOT) {
            backs.push(back.name.clone());
            let overrun = ended(back, StepOutcome::TimedOut);
            phase = phase.clone().after(&plan, &overrun).unwrap();
        }
        let all = ["1-back", "0-back"];
        assert_eq!(backs, all[1 - step.release..], "{}", step.name);
        let reason = Reason::new("overran");
        assert_eq!(phase.next(&plan, BOOT), Effect::MeasureBack(&reason));
    }
}

#[test]
fn a_restart_in_the_middle_goes_back_and_never_on() {
    let plan = plan(false);
    for (next, expected) in [(0, "withdraw"), (1, "recover"), (2, "recover")] {
        let phase = Phase::Installing { next };
        let found = match phase.next(&plan, NEXT_BOOT) {
            Effect::Withdraw(_) => "withdraw",
            Effect::Recover(_) => "recover",
            other => panic!("{other:?}"),
        };
        assert_eq!(found, expected, "step {next}");
    }
}

#[test]
fn events_that_do_not_fit_are_reported() {
    let plan = plan(true);
    let other = ended(&plan.steps[2], StepOutcome::Succeeded);
    for (phase, event) in [
        (plan.begin(), other),
        (plan.begin(), Event::RebootOrdered(BOOT)),
        (
            Phase::Installing { next: 2 },
            Event::Withdrawn(Reason::new("late")),
        ),
        (Phase::Withdrawn, measured(Verdict::Verified)),
    ] {
        assert!(phase.after(&plan, &event).is_err());
    }
}
