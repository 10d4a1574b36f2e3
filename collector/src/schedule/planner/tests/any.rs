//! Whatever the fleet: what is planned passes the plan check, and is the same however it
//! was gathered.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Shape {
    machines: Vec<(u8, u8, u8, u8, u8)>,
    minimums: [u32; 3],
    nights: Vec<(i64, i64)>,
    policy: (u32, u32, i64, u32),
    reboot: bool,
    measured: u32,
    split: usize,
    /// Limits of site and hospital, bytes per second, pairs of servers and workstations.
    stated: (u32, u32, u64, Vec<(u8, u8)>),
}

fn shape() -> impl Strategy<Value = Shape> {
    let machine = (0u8..2, 0u8..8, 0u8..4, 0u8..12, 0u8..4);
    let night = (0i64..24 * 20, 10i64..180);
    (
        prop::collection::vec(machine, 1..24),
        [0u32..6, 0u32..6, 0u32..6],
        prop::collection::vec(night, 1..40),
        (0u32..4, 0u32..4, 0i64..72, 0u32..6),
        any::<bool>(),
        0u32..20,
        0usize..24,
        (
            1u32..8,
            1u32..12,
            1u64..40,
            prop::collection::vec((1u8..24, 1u8..24), 0..6),
        ),
    )
        .prop_map(
            |(machines, minimums, nights, policy, reboot, measured, split, stated)| Shape {
                machines,
                minimums,
                nights,
                policy,
                reboot,
                measured,
                split,
                stated,
            },
        )
}

/// A fleet of two units and three groups, with misfits.
fn fleet(shape: &Shape) -> PlanInput {
    let machines = shape.machines.iter().enumerate();
    let machines: Vec<Candidate> = machines
        .map(|(at, (unit, groups, model, misfit, class))| {
            let unit = ["radiology", "icu"][usize::from(*unit)];
            let member = |bit: u8| groups >> bit & 1 == 1;
            let groups: Vec<&str> = [(0, "a"), (1, "b"), (2, "c")]
                .into_iter()
                .filter(|(bit, _)| member(*bit))
                .map(|(_, group)| group)
                .collect();
            let mut one = candidate(at as u8 + 1, unit, &groups);
            one.row.model = name(&format!("m{model}"));
            one.row.class = [
                Class::Standard,
                Class::Standard,
                Class::Critical,
                Class::LifeSupport,
            ][usize::from(*class)];
            match misfit {
                0 => one.row.mode = Mode::Observe,
                1 => one.facts.interlock_profile = None,
                2 => one.facts.versions.clear(),
                3 => one.facts.architecture = None,
                _ => {}
            }
            one
        })
        .collect();
    let mut input = input(machines);
    for (group, minimum) in ["a", "b", "c"].into_iter().zip(shape.minimums) {
        if let Some(rule) = input.groups.get_mut(&name(group)) {
            rule.minimum_ready = minimum.min(rule.size);
        }
    }
    let nights: Vec<Interval> = shape
        .nights
        .iter()
        .map(|(from, length)| hours(*from, *length))
        .collect();
    let (even, odd) = (nights.iter().step_by(2), nights.iter().skip(1).step_by(2));
    input.allowed = BTreeMap::from([
        (name("radiology"), even.copied().collect()),
        (name("icu"), odd.copied().collect()),
    ]);
    let (canaries, growth, soak_hours, spare_slots) = shape.policy;
    input.policy = Policy {
        canaries,
        growth,
        soak_ms: soak_hours * HOUR_MS,
        spare_slots,
        ..Policy::default()
    };
    if shape.reboot {
        input.releases[0].release.reboot = Reboot::Machine;
    }
    input.measured_minutes = BTreeMap::from([(name("viewer"), shape.measured)]);
    let (site, everywhere, rate, pairs) = &shape.stated;
    let some = |limit: u32| Some(limit).filter(|limit| limit % 3 != 0);
    input.stated.everywhere.parallel = some(*everywhere);
    let limits = Limits {
        parallel: some(*site),
        bytes_per_second: Some(*rate).filter(|rate| rate % 4 != 0),
    };
    input.stated.limits = BTreeMap::from([(name("main"), limits)]);
    input.releases[0].release.artifacts[0].length = 40_000;
    input.releases[0].length = 40_000;
    let pairs = pairs.iter().map(|(first, next)| Precedence {
        first: MachineId([*first; 32]),
        next: MachineId([*next; 32]),
    });
    input.stated.precedence = pairs.collect();
    input
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_planned_passes_the_plan_check(shape in shape()) {
        let all = fleet(&shape);
        // Two plans after one another over the same groups.
        let mut first = all.clone();
        first.machines.truncate(shape.split);
        let before = plan(&first, NOW).ok();
        let mut second = all.clone();
        second.machines.drain(..shape.split.min(second.machines.len()));
        let mut tables = Vec::new();
        if let Some(before) = &before {
            second.beside.push(standing(before));
            tables.push(before.table.clone());
            let file = file(&all, before, Vec::new());
            let found = check(&file, NOW);
            prop_assert!(found.iter().all(|f| f.severity == Severity::Warns), "{found:#?}");
        }
        match plan(&second, NOW) {
            Ok(planned) => {
                let found = check(&file(&all, &planned, tables), NOW);
                prop_assert!(found.iter().all(|f| f.severity == Severity::Warns), "{found:#?}");
                let listed = planned.leaves.len() + planned.impossible.len();
                prop_assert_eq!(listed, second.machines.len());
            }
            Err(PlanError::Impossible(reasons)) => {
                prop_assert_eq!(reasons.len(), second.machines.len());
            }
            Err(PlanError::Empty) => prop_assert!(second.machines.is_empty()),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    /// Counted here, apart from planner and plan check.
    #[test]
    fn minimum_ready_gap_and_soak_hold(shape in shape()) {
        let input = fleet(&shape);
        let Ok(planned) = plan(&input, NOW) else { return Ok(()) };
        let gap_ms = 4 * MINUTE_MS;
        for (group, rule) in &input.groups {
            let members = planned.leaves.iter().filter(|leaf| leaf.groups.contains(group));
            let members: Vec<&PlanLeaf> = members.collect();
            for slot in members.iter().flat_map(|leaf| &leaf.slots) {
                let covers = |other: &Interval| {
                    other.start() <= slot.start() && slot.start() < other.end().plus_ms(gap_ms)
                };
                let open = members.iter().filter(|leaf| leaf.slots.iter().any(covers));
                let may = rule.size.saturating_sub(rule.minimum_ready) as usize;
                prop_assert!(open.count() <= may, "{} at {}", group, slot.start());
            }
        }
        let firsts = |wave: u16| {
            let leaves = planned.leaves.iter().filter(move |leaf| leaf.wave == wave);
            leaves.map(|leaf| leaf.slots[0].start())
        };
        for wave in 1..planned.approval.waves {
            let last = firsts(wave - 1).max().unwrap();
            let earliest = last.plus_ms(input.policy.soak_ms);
            prop_assert!(firsts(wave).all(|first| first >= earliest));
        }
    }

    #[test]
    fn the_same_fleet_gives_the_same_plan_in_any_order(
        shape in shape(),
        order in Just((0..24).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let mut input = fleet(&shape);
        let rest = input.machines.split_off(shape.split.min(input.machines.len()));
        let before = plan(&input, NOW).ok();
        input.machines = rest;
        input.beside.extend(before.as_ref().map(standing));
        let mut permuted = input.clone();
        let mut machines: Vec<_> = order.iter().filter_map(|at| input.machines.get(*at)).collect();
        permuted.machines = machines.drain(..).cloned().collect();
        permuted.stated.precedence.reverse();
        permuted.allowed.values_mut().for_each(|times| times.reverse());
        permuted.beside.iter_mut().for_each(|other| other.leaves.reverse());
        let (one, other) = (plan(&input, NOW).ok(), plan(&permuted, NOW).ok());
        let bytes = |planned: &Option<Planned>| planned.as_ref().map(|p| p.table.clone());
        prop_assert_eq!(bytes(&one), bytes(&other));
        let reasons = |planned: Option<Planned>| planned.map(|p| p.impossible);
        prop_assert_eq!(reasons(one), reasons(other));
    }

    #[test]
    fn a_plan_made_again_is_the_plan_made_anew(shape in shape(), gone in 0usize..24) {
        let input = fleet(&shape);
        let Ok(before) = plan(&input, NOW) else { return Ok(()) };
        let mut changed = input.clone();
        if gone < changed.machines.len() {
            changed.machines.remove(gone);
        }
        let anew = plan(&changed, NOW).ok().map(|p| p.table);
        let again = plan_again(&before, &changed, NOW).ok().map(|p| p.table);
        prop_assert_eq!(anew, again);
    }
}
