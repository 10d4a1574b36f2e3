//! Planners that break one rule each: the plan check finds every one, judging by what is
//! true and not by what the planner took for true.

use super::*;
use patchward_common::plan::check::Rule;

/// What a planner without faults works from.
#[derive(Clone)]
struct Truth {
    input: PlanInput,
    rules: Rules,
    now: UtcMs,
}

/// A hospital in which every rule binds: groups of which one or two may be down, limits, a
/// slow line, a server, a freeze, a plan beside this one, misfits.
fn truth() -> Truth {
    let groups: [&[&str]; 12] = [
        &["pair"],
        &["pair"],
        &["big"],
        &["big"],
        &["big"],
        &["big"],
        &["big"],
        &["big"],
        &["late"],
        &[],
        &[],
        &[],
    ];
    let machines = (1..).zip(groups);
    let mut machines: Vec<Candidate> = machines
        .map(|(number, groups)| candidate(number, "radiology", groups))
        .collect();
    for number in 13..=17 {
        machines.push(candidate(number, "icu", &[]));
    }
    // Without what comes after it, the server would come last.
    machines[9].row.class = Class::Critical;
    machines[12].row.mode = Mode::Observe;
    machines[13].facts.interlock_profile = None;
    machines[14].row.model = name("kiosk");
    machines[15]
        .facts
        .versions
        .insert(name("viewer"), "3.0".into());
    machines[16].facts.os = Some("debian-11".into());
    let mut input = input(machines);
    let rule = |size: u32, minimum_ready: u32| GroupRule {
        size,
        minimum_ready,
    };
    input.groups = BTreeMap::from([
        (name("pair"), rule(2, 1)),
        (name("big"), rule(7, 5)),
        (name("late"), rule(2, 1)),
    ]);
    // Three hours each night, but for the second.
    let nights = (0..60).filter(|night| *night != 1);
    let nights: Vec<Interval> = nights.map(|night| hours(2 + 24 * night, 180)).collect();
    input.allowed = BTreeMap::from([(name("radiology"), nights.clone()), (name("icu"), nights)]);
    input.policy.canaries = 4;
    input.policy.soak_ms = 3 * DAY_MS;
    input.measured_minutes = BTreeMap::from([(name("viewer"), 20)]);
    input.releases[0].release.artifacts[0].length = 36_000;
    input.releases[0].length = 36_000;
    let limits = Limits {
        parallel: Some(3),
        bytes_per_second: Some(2),
    };
    input.stated.limits = BTreeMap::from([(name("main"), limits)]);
    input.stated.everywhere.parallel = Some(4);
    input.stated.precedence = vec![Precedence {
        first: MachineId([10; 32]),
        next: MachineId([11; 32]),
    }];
    // Machine 18 is a member of the group of machine 9 by its newest row alone.
    let mut other = input.clone();
    other.machines = vec![candidate(18, "radiology", &[])];
    other.policy.spare_slots = 20;
    input.beside.push(standing(&plan(&other, NOW).unwrap()));
    other.machines = vec![candidate(19, "radiology", &["big"])];
    input.beside.push(standing(&plan(&other, NOW).unwrap()));
    input.placed = BTreeMap::from([(MachineId([18; 32]), vec![name("late")])]);
    Truth {
        input,
        rules: Rules::default(),
        now: NOW,
    }
}

/// What the plan check says of a plan of `mutant`, by what is true.
fn judged(truth: &Truth, planned: &Planned) -> Vec<(Rule, Severity)> {
    let mut all = truth.input.clone();
    all.machines.push(candidate(18, "radiology", &["late"]));
    all.machines.push(candidate(19, "radiology", &["big"]));
    let beside = truth.input.beside.iter();
    let table = |one: &Standing| Table::build(one.approval.clone(), one.leaves.clone()).unwrap();
    let file = file(&all, planned, beside.map(table).collect());
    let found = check(&file, NOW);
    found
        .into_iter()
        .map(|one| (one.rule, one.severity))
        .collect()
}

type Mutant = (&'static str, Rule, fn(&mut Truth));

const MUTANTS: &[Mutant] = {
    use Rule::*;
    &[
        ("one more of a group is down", MinimumReady, |t| {
            t.rules.more_at_once = 1;
        }),
        ("one less must stay ready", GroupStated, |t| {
            let rules = t.input.groups.values_mut();
            rules.for_each(|rule| rule.minimum_ready -= 1);
        }),
        ("a group counts one more", GroupSize, |t| {
            t.input.groups.values_mut().for_each(|rule| rule.size += 1);
        }),
        ("half the gap", Gap, |t| t.rules.gap_ms /= 2),
        ("a millisecond less than the gap", Gap, |t| {
            t.rules.gap_ms -= 1
        }),
        ("no gap", Gap, |t| t.rules.gap_ms = 0),
        ("no start allowance", SlotLength, |t| {
            t.rules.start_allowance_ms = 0;
        }),
        ("a minute less than the allowance", SlotLength, |t| {
            t.rules.start_allowance_ms -= MINUTE_MS;
        }),
        ("what was measured is forgotten", MeasuredRun, |t| {
            t.input.measured_minutes.clear();
        }),
        ("no soak", Soak, |t| t.input.policy.soak_ms = 0),
        ("an hour less soak", Soak, |t| {
            t.input.policy.soak_ms -= 25 * HOUR_MS;
        }),
        ("the freeze is forgotten", SlotAllowed, |t| {
            let units = t.input.allowed.values_mut();
            units.for_each(|times| times.push(hours(26, 180)));
        }),
        ("the window is an hour longer", SlotAllowed, |t| {
            let units = t.input.allowed.values_mut();
            let longer =
                |time: &Interval| Interval::new(time.start(), time.end().plus_ms(HOUR_MS)).unwrap();
            units.for_each(|times| *times = times.iter().map(longer).collect());
        }),
        ("the plan beside is forgotten", Beside, |t| {
            t.input.beside.clear();
        }),
        ("the plan beside is taken for over", Beside, |t| {
            t.input.beside[1].approval.expires = NOW;
        }),
        ("newest rows are forgotten", MinimumReady, |t| {
            t.input.placed.clear();
        }),
        ("servers are forgotten", ServerFirst, |t| {
            t.input.stated.precedence.clear();
        }),
        ("the site allows one more", Parallel, |t| {
            let limits = t.input.stated.limits.values_mut();
            limits.for_each(|limit| limit.parallel = Some(4));
        }),
        ("sites are forgotten", Parallel, |t| {
            t.input.stated.sites.clear();
        }),
        ("nothing is limited", Parallel, |t| {
            t.input.stated.limits.clear();
            t.input.stated.everywhere.parallel = None;
        }),
        ("the line is forgotten", Staging, |t| {
            let limits = t.input.stated.limits.values_mut();
            limits.for_each(|limit| limit.bytes_per_second = None);
        }),
        ("modes are not asked", Mode, |t| {
            let machines = t.input.machines.iter_mut();
            machines.for_each(|one| one.row.mode = super::Mode::Active);
        }),
        ("interlocks are not asked", Interlock, |t| {
            let profile = Some(name("sessions"));
            let machines = t.input.machines.iter_mut();
            machines.for_each(|one| one.facts.interlock_profile = profile.clone());
        }),
        ("models are not asked", Model, |t| {
            let machines = t.input.machines.iter_mut();
            machines.for_each(|one| one.row.model = name("m0"));
        }),
        ("versions are not asked", FromVersion, |t| {
            let machines = t.input.machines.iter_mut();
            machines.for_each(|one| {
                one.facts.versions.insert(name("viewer"), "4.1".into());
            });
        }),
        ("systems are not asked", Platform, |t| {
            let machines = t.input.machines.iter_mut();
            machines.for_each(|one| one.facts.os = Some("debian-12".into()));
        }),
        ("classes are not asked", AssignmentEqual, |t| {
            let machines = t.input.machines.iter_mut();
            machines.for_each(|one| one.row.class = Class::Critical);
        }),
        ("a clock that stands since last week", SlotPast, |t| {
            t.now = NOW.plus_ms(-7 * DAY_MS);
            let units = t.input.allowed.values_mut();
            units.for_each(|times| times.extend((2..7).map(|day| hours(-24 * day, 180))));
        }),
    ]
};

#[test]
fn the_plan_check_finds_every_planner_that_breaks_a_rule() {
    let truth = truth();
    let planned = make(&truth.input, &truth.rules, truth.now, None).unwrap();
    assert_eq!(planned.leaves.len(), 12, "{:#?}", planned.impossible);
    assert_eq!(judged(&truth, &planned), [], "without a fault");
    for (what, rule, break_it) in MUTANTS {
        let mut mutant = truth.clone();
        break_it(&mut mutant);
        let planned = make(&mutant.input, &mutant.rules, mutant.now, None)
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let found = judged(&truth, &planned);
        assert!(
            found.iter().any(|(one, _)| one == rule),
            "{what}: only {found:?}"
        );
    }
}

/// Every way to damage a finished plan's slots that takes a member's rest from its group.
#[test]
fn two_of_a_pair_at_once_are_found_wherever_they_are() {
    let truth = truth();
    let planned = make(&truth.input, &truth.rules, truth.now, None).unwrap();
    let pair = |leaf: &&PlanLeaf| leaf.groups.contains(&name("pair"));
    let slots: Vec<Vec<Interval>> = planned
        .leaves
        .iter()
        .filter(pair)
        .map(|l| l.slots.clone())
        .collect();
    for (at, slot) in slots[1].iter().enumerate() {
        for shift_minutes in [-43, -40, -39, -1, 0, 1, 39, 40, 43] {
            let mut leaves = planned.leaves.clone();
            let shifted = slot.start().plus_ms(shift_minutes * MINUTE_MS);
            let shifted = Interval::new(shifted, shifted.plus_ms(40 * MINUTE_MS)).unwrap();
            let first = leaves
                .iter_mut()
                .find(|leaf| leaf.groups.contains(&name("pair")));
            first.unwrap().slots[at.min(slots[0].len() - 1)] = shifted;
            let approval = with_leaves(planned.approval.clone(), &leaves);
            let (table, approval, leaves) =
                Table::build_with(approval, leaves, |leaf| ByteBuf::from(leaf_bytes(leaf)))
                    .unwrap();
            let damaged = Planned {
                table,
                approval,
                leaves,
                impossible: Vec::new(),
            };
            let found = judged(&truth, &damaged);
            let hit = |(rule, _): &(Rule, Severity)| matches!(rule, Rule::MinimumReady | Rule::Gap);
            assert!(
                found.iter().any(hit),
                "slot {at}, {shift_minutes} minutes: {found:?}"
            );
        }
    }
}
