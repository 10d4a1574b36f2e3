//! Planning and the plan check, for fleets from a thousand machines up.

use super::report::{Figure, Reach, Report, Spread, clock};
use crate::fixture::{Hospital, label, name, sign};
use anyhow::{Context as _, ensure};
use patchward_collector::schedule::planner::{
    Candidate, GroupRule, PlanInput, Planned, Policy, Standing, plan, plan_again,
};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::check::{Finding, blocks, check};
use patchward_common::plan::{
    AssignmentFile, CharterChain, Context, MachineFacts, PlanFile, Stated,
};
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::assignment::{Assignment, Mode};
use std::collections::BTreeMap;

/// When the plans are made.
const NOW: UtcMs = UtcMs(1_800_000_000_000);
/// The fleet of the figures that were asked for.
const MACHINES: usize = 50_000;
/// Machines of one unit.
const PER_UNIT: usize = 100;
/// Coverage groups of one unit: 1,000 in all, as many as one approval may have.
const GROUPS_PER_UNIT: usize = 2;
/// Members of a group that must stay ready, of 50.
const MINIMUM_READY: u32 = 40;
/// Runs of each kind.
const RUNS: usize = 7;

/// Plans a hospital of 500 units whole, again after one change, and in other sizes.
pub fn run() -> anyhow::Result<Report> {
    let hospital = Hospital::new(1, NOW);
    let input = fleet(&hospital, 0, MACHINES)?;
    let (planned, peak_mb) = with_peak(|| Ok(plan(&input, NOW)?))?;
    ensure!(
        planned.leaves.len() == MACHINES,
        "not every machine has a slot"
    );
    let slots: usize = planned.leaves.iter().map(|leaf| leaf.slots.len()).sum();
    let memory = "the same, memory at most, input and plan in it";
    let mut figures = whole(&hospital, &input, &planned)?;
    let memory = Figure::one(memory, "MB", peak_mb, Reach::AtMost(200.0));
    figures.insert(1, memory);
    drop((input, planned));
    figures.extend(sizes(&hospital)?);
    Ok(Report {
        word: "plan",
        work: format!(
            "units of {PER_UNIT} machines in {GROUPS_PER_UNIT} coverage groups of which \
             {MINIMUM_READY} of 50 must stay ready, nightly windows of 150 minutes for 59 nights, \
             canaries 10 and waves ten times as large, a soak of a day, three spare slots: {slots} \
             slots for {MACHINES} machines; every plan is byte for byte the one before, machines \
             in reverse order too; a plan made again is byte for byte the one made anew; 100,000 \
             are two plans, the second with the first beside it"
        ),
        figures,
    })
}

/// The plan of the whole fleet, made, made again after one change, and checked.
fn whole(hospital: &Hospital, input: &PlanInput, planned: &Planned) -> anyhow::Result<Vec<Figure>> {
    let made = timed(|| Ok(plan(input, NOW)?), |made| same(planned, made))?;
    let mut changed = input.clone();
    changed.machines.reverse();
    same(planned, &plan(&changed, NOW)?)?;
    changed.machines[MACHINES / 2].row.mode = Mode::Observe;
    let anew = plan(&changed, NOW)?;
    let again = |input: &PlanInput| Ok(plan_again(planned, input, NOW)?);
    let one_less = timed(|| again(&changed), |made| same(&anew, made))?;
    changed = input.clone();
    let nights = changed.allowed.values_mut().next();
    nights.context("no unit")?.remove(2);
    let anew = plan(&changed, NOW)?;
    let one_night = timed(|| again(&changed), |made| same(&anew, made))?;
    let file = file(hospital, input, planned)?;
    let passes = |found: &Vec<Finding>| {
        ensure!(!blocks(found), "the plan check finds {found:?}");
        Ok(())
    };
    let checked = timed(|| Ok(check(&file, NOW)), passes)?;
    let ms = |what: &str, runs: Vec<f64>, most: f64| -> anyhow::Result<Figure> {
        let spread = Spread::of(runs)?;
        Ok(Figure::median(what, "ms", &spread, Reach::AtMost(most)))
    };
    Ok(vec![
        ms("plan 50,000 machines in 500 units", made, 500.0)?,
        ms("plan again after a machine left", one_less, 200.0)?,
        ms("plan again after a freeze in one unit", one_night, 200.0)?,
        ms("plan check of it", checked, 1_000.0)?,
    ])
}

/// Fleets of several sizes, and what each machine costs there.
fn sizes(hospital: &Hospital) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut smallest = None;
    for machines in [1_000, 10_000, MACHINES, 2 * MACHINES] {
        let first = fleet(hospital, 0, machines.min(MACHINES))?;
        let mut second = match machines > MACHINES {
            true => Some(fleet(hospital, MACHINES, machines - MACHINES)?),
            false => None,
        };
        if let Some(second) = &mut second {
            let planned = plan(&first, NOW)?;
            second.beside = vec![Standing {
                digest: planned.table.signed.digest(),
                approval: planned.approval,
                leaves: planned.leaves,
            }];
        }
        let plans = || {
            let first = plan(&first, NOW)?;
            let second = second.as_ref().map(|second| plan(second, NOW));
            Ok((first, second.transpose()?))
        };
        let runs = timed(plans, |_| Ok(()))?;
        let spread = Spread::of(runs)?;
        let size = machines as f64;
        let per_log = spread.median() / (size * size.log2());
        let part = per_log / *smallest.get_or_insert(per_log);
        figures.push(Figure::median(
            &format!("plan {machines} machines"),
            "ms",
            &spread,
            Reach::Shown,
        ));
        let what = format!("its time by n log n, part of that of 1000, {machines} machines");
        // Caches end somewhere; twice the time is another order.
        figures.push(Figure::one(&what, "", part, Reach::AtMost(2.0)));
    }
    Ok(figures)
}

fn same(one: &Planned, other: &Planned) -> anyhow::Result<()> {
    ensure!(one.table == other.table, "two plans of one fleet differ");
    Ok(())
}

/// Milliseconds of each run; what it made is looked at outside of them.
fn timed<T>(
    mut act: impl FnMut() -> anyhow::Result<T>,
    judge: impl Fn(&T) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<f64>> {
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let began = clock();
        let made = act()?;
        runs.push(began.elapsed().as_secs_f64() * 1e3);
        judge(&made)?;
    }
    Ok(runs)
}

/// What this process had in memory at most while it did something, in MB.
fn with_peak<T>(act: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, f64)> {
    // Resets the peak (proc(5)).
    std::fs::write("/proc/self/clear_refs", "5")?;
    let done = act()?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.split_whitespace().next());
    let kilobytes: f64 = kilobytes.context("no VmHWM")?.parse()?;
    Ok((done, kilobytes * 1_024.0 / 1e6))
}

/// Machines `first` to `first + count`.
fn fleet(hospital: &Hospital, first: usize, count: usize) -> anyhow::Result<PlanInput> {
    let mut release = hospital.release("2", 2, b"2");
    release.install_minutes = 5;
    let mut input = PlanInput {
        title: label("All stations"),
        releases: vec![release],
        machines: Vec::with_capacity(count),
        allowed: BTreeMap::new(),
        frozen: BTreeMap::new(),
        groups: BTreeMap::new(),
        beside: Vec::new(),
        excepted: BTreeMap::new(),
        placed: BTreeMap::new(),
        measured_minutes: BTreeMap::new(),
        stated: Stated::default(),
        policy: Policy {
            canaries: 10,
            growth: 10,
            soak_ms: DAY_MS,
            ..Policy::default()
        },
        clears: Vec::new(),
        emergency: None,
    };
    for number in first..first + count {
        let unit = number / PER_UNIT;
        let group = number % PER_UNIT % GROUPS_PER_UNIT;
        let unit = name(&format!("unit-{unit:04}"));
        let group = name(&format!("{unit}-group-{group}"));
        if !input.allowed.contains_key(&unit) {
            let nights = (1..60).map(|night| {
                let start = NOW.plus_ms(night * DAY_MS + 2 * HOUR_MS);
                Interval::new(start, start.plus_ms(150 * MINUTE_MS))
            });
            input
                .allowed
                .insert(unit.clone(), nights.collect::<Result<_, _>>()?);
        }
        let rule = input.groups.entry(group.clone()).or_insert(GroupRule {
            size: 0,
            minimum_ready: MINIMUM_READY,
        });
        rule.size += 1;
        input
            .machines
            .push(candidate(hospital, number, unit, group));
    }
    Ok(input)
}

fn candidate(hospital: &Hospital, number: usize, unit: Name, group: Name) -> Candidate {
    let machine = MachineId(Digest::of(&number.to_be_bytes()).0);
    let mut row = hospital.row(machine);
    row.name = label(&format!("Station {number}"));
    row.unit = unit;
    row.groups = vec![group];
    Candidate {
        row,
        facts: MachineFacts {
            machine,
            interlock_profile: Some(name("sessions")),
            os: Some("debian-12".into()),
            architecture: Some("x86_64".into()),
            versions: BTreeMap::from([(name("viewer"), "1".into())]),
            quarantined: Vec::new(),
        },
    }
}

/// The plan as it is handed to those who sign.
fn file(hospital: &Hospital, input: &PlanInput, planned: &Planned) -> anyhow::Result<PlanFile> {
    let assignment = Assignment {
        number: 1,
        issued: NOW,
        machines: 0,
        root: Digest::default(),
    };
    let rows = input.machines.iter().map(|one| one.row.clone()).collect();
    let mut assignment = AssignmentFile::build(assignment, rows)?;
    assignment.signed.cosign(&hospital.alice);
    Ok(PlanFile {
        plan: planned.table.clone(),
        context: Context {
            made: NOW,
            chain: CharterChain {
                root: hospital.root_keys(),
                charters: vec![sign(&hospital.charter(), &[&hospital.root])],
            },
            roster: sign(&hospital.roster(), &[&hospital.registrar]),
            assignments: vec![assignment],
            openings: input.allowed.clone(),
            beside: Vec::new(),
            metadata: BTreeMap::from([(name("acme"), NOW.plus_ms(90 * DAY_MS))]),
            machines: input.machines.iter().map(|one| one.facts.clone()).collect(),
            measured_minutes: BTreeMap::new(),
            soak_ms: input.policy.soak_ms,
            stated: Some(Stated::default()),
        },
    })
}
