//! What the planner makes always passes the plan check, which shares no code with it.

mod mutants;

use super::*;
use ed25519_dalek::SigningKey;
use patchward_common::id::{Label, MachineId};
use patchward_common::plan::check::{Severity, check};
use patchward_common::plan::{
    AssignmentFile, CharterChain, Context, Duty, Limits, MachineFacts, PlanFile, Precedence, Stated,
};
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, MINUTE_MS};
use patchward_common::trust::approval::Rollback;
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf, Mode};
use patchward_common::trust::charter::{Charter, Publisher, Registrar, RootKeys, VendorGrant};
use patchward_common::trust::release::{
    Applicability, ArtifactRef, Kind, Provenance, Reboot, ReleaseDescription, TreeKind,
};
use patchward_common::trust::roster::{
    Approvers, Class, KeyKind, Person, PersonKey, Roster, SigningRole, Units,
};
use patchward_common::trust::sign::{PublicKey, Signed};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOW: UtcMs = UtcMs(1_800_000_000_000);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn hours(from: i64, length_minutes: i64) -> Interval {
    let start = NOW.plus_ms(from * HOUR_MS);
    Interval::new(start, start.plus_ms(length_minutes * MINUTE_MS)).unwrap()
}

fn release(product: &str, reboot: Reboot) -> ApprovedRelease {
    let artifact = ArtifactRef {
        path: format!("{product}/4.2.tar"),
        sha256: Digest::of(product.as_bytes()),
        length: 10,
    };
    ApprovedRelease {
        repository: name("acme"),
        path: artifact.path.clone(),
        sha256: artifact.sha256,
        length: artifact.length,
        provenance: Provenance::Vendor,
        release: ReleaseDescription {
            product: name(product),
            version: "4.2".into(),
            counter: 42,
            kind: Kind::Tree(TreeKind {
                name: name(product),
                service: None,
            }),
            artifacts: vec![artifact],
            applies_to: Applicability {
                from: vec!["4.1".into(), "absent".into()],
                os: vec!["debian-12".into()],
                architectures: vec!["x86_64".into()],
                models: vec![name("m0"), name("m1"), name("m2")],
            },
            stepping_stones: Vec::new(),
            reboot,
            install_minutes: 10,
            recovery_minutes: 5,
            checks_before: Vec::new(),
            checks_after: Vec::new(),
            fixes: Vec::new(),
            users_will_notice: None,
        },
        install_minutes: 10,
        recovery_minutes: 5,
        rollback: Rollback::None,
    }
}

fn candidate(machine: u8, unit: &str, groups: &[&str]) -> Candidate {
    let machine = MachineId([machine; 32]);
    Candidate {
        row: AssignmentLeaf {
            machine,
            name: label(&format!("station {}", machine.0[0])),
            unit: name(unit),
            class: Class::Standard,
            groups: groups.iter().map(|group| name(group)).collect(),
            model: name("m0"),
            mode: Mode::Active,
        },
        facts: MachineFacts {
            machine,
            interlock_profile: Some(name("sessions")),
            os: Some("debian-12".into()),
            architecture: Some("x86_64".into()),
            versions: BTreeMap::from([(name("viewer"), "4.1".into())]),
        },
    }
}

/// Nightly openings of an hour in one unit.
fn input(machines: Vec<Candidate>) -> PlanInput {
    let nights = (0..60).map(|night| hours(2 + 24 * night, 60)).collect();
    let mut groups: BTreeMap<Name, GroupRule> = BTreeMap::new();
    for group in machines.iter().flat_map(|candidate| &candidate.row.groups) {
        let rule = groups.entry(group.clone()).or_insert(GroupRule {
            size: 0,
            minimum_ready: 1,
        });
        rule.size += 1;
    }
    PlanInput {
        title: label("Viewer 4.2"),
        releases: vec![release("viewer", Reboot::None)],
        machines,
        allowed: BTreeMap::from([(name("radiology"), nights)]),
        groups,
        beside: Vec::new(),
        placed: BTreeMap::new(),
        stated: Stated {
            sites: BTreeMap::from([
                (name("radiology"), name("main")),
                (name("icu"), name("main")),
            ]),
            ..Stated::default()
        },
        measured_minutes: BTreeMap::new(),
        policy: Policy::default(),
        clears: Vec::new(),
        emergency: None,
    }
}

/// What the collector would hand to the signers.
fn file(input: &PlanInput, planned: &Planned, beside: Vec<Table<Approval>>) -> PlanFile {
    let charter = Charter {
        number: 1,
        issued: NOW,
        expires: NOW.plus_ms(400 * DAY_MS),
        root: RootKeys {
            keys: vec![PublicKey::of(&key(1))],
            threshold: 1,
        },
        registrars: vec![Registrar {
            name: name("registrar"),
            key: PublicKey::of(&key(2)),
        }],
        vendors: vec![VendorGrant {
            vendor: name("acme"),
            publisher: Publisher::Vendor,
            repository: name("acme"),
            root: Digest([9; 32]),
            products: vec![name("viewer"), name("driver")],
            paths: vec!["viewer/".into(), "driver/".into()],
        }],
    };
    let person = |seed: u8| Person {
        id: name(&format!("htm-{seed}")),
        name: label("An approver"),
        roles: vec![SigningRole::Approver],
        units: Units::All,
        keys: vec![PersonKey {
            key: PublicKey::of(&key(seed)),
            kind: KeyKind::File,
            from: NOW,
            until: NOW.plus_ms(400 * DAY_MS),
        }],
    };
    let roster = Roster {
        number: 1,
        issued: NOW,
        expires: NOW.plus_ms(90 * DAY_MS),
        people: vec![person(3), person(4)],
        go_keys: Vec::new(),
        approvers: Approvers::default(),
    };
    let rows = input.machines.iter().map(|c| c.row.clone()).collect();
    let assignment = Assignment {
        number: 1,
        issued: NOW,
        machines: 0,
        root: Digest([0; 32]),
    };
    let mut assignment = AssignmentFile::build(assignment, rows).unwrap();
    assignment.signed.cosign(&key(3));
    assignment.signed.cosign(&key(4));
    PlanFile {
        plan: planned.table.clone(),
        context: Context {
            made: NOW,
            chain: CharterChain {
                root: charter.root.clone(),
                charters: vec![Signed::new(&charter, &key(1))],
            },
            roster: Signed::new(&roster, &key(2)),
            assignments: vec![assignment],
            openings: input.allowed.clone(),
            beside,
            metadata: BTreeMap::from([(name("acme"), NOW.plus_ms(400 * DAY_MS))]),
            machines: input.machines.iter().map(|c| c.facts.clone()).collect(),
            measured_minutes: input.measured_minutes.clone(),
            soak_ms: input.policy.soak_ms,
            stated: Some(stated(input)),
        },
    }
}

/// What people stated: as the input has it, with somebody always there afterwards.
fn stated(input: &PlanInput) -> Stated {
    let mut stated = input.stated.clone();
    stated.duty.push(Duty {
        unit: None,
        who: label("Technicians"),
        time: hours(0, 60 * 24 * 200),
    });
    let minimums = input.groups.iter();
    stated.minimums = minimums
        .map(|(group, rule)| (group.clone(), rule.minimum_ready))
        .collect();
    stated
}

fn standing(planned: &Planned) -> Standing {
    Standing {
        digest: planned.table.signed.digest(),
        approval: planned.approval.clone(),
        leaves: planned.leaves.clone(),
    }
}

fn firsts(planned: &Planned) -> Vec<(u8, u16, i64)> {
    let mut firsts: Vec<_> = planned
        .leaves
        .iter()
        .map(|leaf| {
            let hours = leaf.slots[0].start().since_ms(NOW) / HOUR_MS;
            (leaf.machine.0[0], leaf.wave, hours)
        })
        .collect();
    firsts.sort_by_key(|(_, wave, hours)| (*wave, *hours));
    firsts
}

#[test]
fn waves_grow_and_wait_for_the_soak() {
    let machines = (1..=10).map(|m| candidate(m, "radiology", &[])).collect();
    let input = input(machines);
    let planned = plan(&input, NOW).unwrap();
    let by_wave: Vec<(u16, i64)> = firsts(&planned).iter().map(|f| (f.1, f.2)).collect();
    let mut expected = vec![(0, 2)];
    expected.extend([(1, 50); 4]);
    expected.extend([(2, 98); 5]);
    assert_eq!(by_wave, expected);
    // Nothing binds them: each has the whole opening, and spare ones in later nights.
    assert!(planned.leaves.iter().all(|leaf| {
        leaf.slots.len() == 4 && leaf.slots.iter().all(|s| s.length_ms() == HOUR_MS)
    }));
    assert_eq!(check(&file(&input, &planned, Vec::new()), NOW), []);
}

#[test]
fn canaries_are_the_least_critical_and_most_representative() {
    let mut machines: Vec<Candidate> = (1..=6).map(|m| candidate(m, "radiology", &[])).collect();
    machines[0].row.class = Class::Critical;
    machines[1].row.model = name("m1");
    let planned = plan(&input(machines), NOW).unwrap();
    let canary = firsts(&planned)[0].0;
    assert!((3..=6).contains(&canary), "{canary}");
}

#[test]
fn a_primary_and_its_backup_follow_one_another() {
    let machines = vec![
        candidate(1, "radiology", &["pair"]),
        candidate(2, "radiology", &["pair"]),
    ];
    let mut input = input(machines);
    input.policy.canaries = 2;
    // Room for both in one night, with the gap; then a minute less.
    input.allowed = BTreeMap::from([(name("radiology"), vec![hours(2, 64), hours(26, 64)])]);
    let planned = plan(&input, NOW).unwrap();
    assert_eq!(check(&file(&input, &planned, Vec::new()), NOW), []);
    assert!(planned.leaves.iter().all(|leaf| leaf.slots.len() == 2));
    input.allowed = BTreeMap::from([(name("radiology"), vec![hours(2, 63), hours(26, 63)])]);
    let planned = plan(&input, NOW).unwrap();
    let firsts: Vec<i64> = firsts(&planned).iter().map(|f| f.2).collect();
    assert_eq!(firsts, [2, 26]);
    assert_eq!(check(&file(&input, &planned, Vec::new()), NOW), []);
}

#[test]
fn a_plan_beside_takes_its_place() {
    let first = vec![
        candidate(1, "radiology", &["pair"]),
        candidate(2, "radiology", &["pair"]),
    ];
    let mut other = input(first.clone());
    other.machines.truncate(1);
    let other = plan(&other, NOW).unwrap();
    let mut input = input(first);
    input.machines.remove(0);
    input.beside.push(standing(&other));
    let planned = plan(&input, NOW).unwrap();
    assert_eq!(planned.approval.beside, [other.table.signed.digest()]);
    // Its nights are taken up to the fourth: 30 minutes, the gap, and 26 left.
    assert_eq!(firsts(&planned), [(2, 0, 98)]);
    // A standing plan that forgives is bound by the stricter of the two.
    input.groups.insert(
        name("pair"),
        GroupRule {
            size: 2,
            minimum_ready: 0,
        },
    );
    let again = plan(&input, NOW).unwrap();
    assert_eq!(firsts(&again), [(2, 0, 98)]);
}

#[test]
fn what_cannot_be_planned_says_why_and_who_can_change_it() {
    let mut machines: Vec<Candidate> = (1..=11).map(|m| candidate(m, "radiology", &[])).collect();
    machines[1].row.mode = Mode::Observe;
    machines[2].facts.interlock_profile = None;
    machines[3].row.model = name("kiosk");
    machines[4]
        .facts
        .versions
        .insert(name("viewer"), "3.0".into());
    machines[5].facts.versions.clear();
    machines[6]
        .facts
        .versions
        .insert(name("viewer"), "4.2".into());
    machines[7].row.unit = name("icu");
    machines[8].row.unit = name("lab");
    machines[9].row.groups = vec![name("alone")];
    machines[10].facts.os = Some("debian-11".into());
    let mut input = input(machines);
    input.groups.insert(
        name("alone"),
        GroupRule {
            size: 1,
            minimum_ready: 1,
        },
    );
    input
        .allowed
        .insert(name("lab"), vec![hours(2, 29), hours(26, 29)]);
    let planned = plan(&input, NOW).unwrap();
    assert_eq!(planned.leaves.len(), 1);
    let found: Vec<(u8, Owner)> = planned
        .impossible
        .iter()
        .map(|one| (one.machine.0[0], one.who))
        .collect();
    use Owner::{Htm, It, Nobody, Vendor};
    assert_eq!(
        found,
        [
            (2, Htm),
            (3, It),
            (4, Vendor),
            (5, Vendor),
            (6, It),
            (7, Nobody),
            (8, Htm),
            (9, Htm),
            (10, Htm),
            (11, Vendor)
        ]
    );
    let reason = |machine: u8| {
        let one = planned
            .impossible
            .iter()
            .find(|one| one.machine.0[0] == machine);
        one.unwrap().reason.clone()
    };
    assert_eq!(reason(8), Reason::NoWindow(name("icu")));
    assert_eq!(reason(9), Reason::WindowTooShort { need_minutes: 30 });
    assert_eq!(reason(10), Reason::GroupFull(name("alone")));
}

#[test]
fn a_plan_for_nobody_is_an_error_with_every_reason() {
    let mut empty = input(Vec::new());
    assert!(matches!(plan(&empty, NOW), Err(PlanError::Empty)));
    empty.machines = vec![candidate(1, "icu", &[])];
    let Err(PlanError::Impossible(reasons)) = plan(&empty, NOW) else {
        panic!("there is no window in icu");
    };
    assert_eq!(reasons[0].reason, Reason::NoWindow(name("icu")));
    empty.releases.clear();
    assert!(matches!(plan(&empty, NOW), Err(PlanError::Empty)));
    let twice = input(vec![
        candidate(1, "radiology", &[]),
        candidate(1, "radiology", &[]),
    ]);
    assert!(matches!(plan(&twice, NOW), Err(PlanError::Table(_))));
}

#[test]
fn life_support_has_one_wave_and_a_plan_of_its_own() {
    let mut machines: Vec<Candidate> = (1..=6).map(|m| candidate(m, "radiology", &[])).collect();
    machines[0].row.class = Class::LifeSupport;
    let mixed = plan(&input(machines.clone()), NOW).unwrap();
    assert_eq!(mixed.impossible[0].reason, Reason::LifeSupportApart);
    for machine in &mut machines {
        machine.row.class = Class::LifeSupport;
    }
    let input = input(machines);
    let apart = plan(&input, NOW).unwrap();
    assert_eq!(apart.approval.waves, 1);
    assert_eq!(check(&file(&input, &apart, Vec::new()), NOW), []);
}

#[test]
fn a_run_measured_longer_lengthens_install_and_slots() {
    let mut input = input(vec![candidate(1, "radiology", &[])]);
    input.measured_minutes.insert(name("viewer"), 41);
    let error = plan(&input, NOW).unwrap_err();
    assert!(matches!(error, PlanError::Impossible(_)));
    input.measured_minutes.insert(name("viewer"), 40);
    let planned = plan(&input, NOW).unwrap();
    assert_eq!(planned.approval.releases[0].install_minutes, 40);
}

#[test]
fn servers_come_before_their_workstations() {
    let machines: Vec<Candidate> = (1..=9).map(|m| candidate(m, "radiology", &[])).collect();
    let mut input = input(machines);
    let pair = |first: u8, next: u8| Precedence {
        first: MachineId([first; 32]),
        next: MachineId([next; 32]),
    };
    // The server is the most critical; yet it is no later than what needs it.
    input.machines[8].row.class = Class::Critical;
    input.stated.precedence = vec![pair(9, 1), pair(9, 2), pair(1, 3)];
    let planned = plan(&input, NOW).unwrap();
    assert_eq!(check(&file(&input, &planned, Vec::new()), NOW), []);
    let wave = |machine: u8| firsts(&planned).iter().find(|f| f.0 == machine).unwrap().1;
    assert!(
        wave(9) <= wave(1) && wave(1) <= wave(3),
        "{:?}",
        firsts(&planned)
    );
    // All in one wave: one night after the other, as each has its whole opening.
    input.policy.canaries = 9;
    let together = plan(&input, NOW).unwrap();
    assert_eq!(check(&file(&input, &together, Vec::new()), NOW), []);
    let night = |machine: u8| firsts(&together).iter().find(|f| f.0 == machine).unwrap().2;
    assert_eq!((night(9), night(1), night(3)), (2, 26, 50));
    // A server that cannot be planned holds up what comes after it, and that alone.
    input.machines[8].row.mode = Mode::Observe;
    let without = plan(&input, NOW).unwrap();
    let held_up: Vec<_> = without
        .impossible
        .iter()
        .map(|one| one.machine.0[0])
        .collect();
    assert_eq!(held_up, [1, 2, 3, 9]);
    assert_eq!(
        without.impossible[0].reason,
        Reason::ServerNotPlanned(label("station 9"))
    );
    // One that is done holds up nobody.
    input.machines[8]
        .facts
        .versions
        .insert(name("viewer"), "4.2".into());
    assert_eq!(plan(&input, NOW).unwrap().impossible.len(), 1);
    input.stated.precedence = vec![pair(1, 2), pair(2, 1), pair(2, 3), pair(4, 4)];
    let circle = plan(&input, NOW).unwrap();
    let reasons: Vec<_> = circle.impossible.iter().map(|one| &one.reason).collect();
    assert_eq!(reasons[..4], [&Reason::ServerCircle; 4]);
}

#[test]
fn sites_and_hospital_limit_what_goes_on_at_once() {
    let machines = (1..=6).map(|m| candidate(m, "radiology", &[])).collect();
    let mut input = input(machines);
    input.policy.canaries = 6;
    let limit = |parallel: u32| Limits {
        parallel: Some(parallel),
        bytes_per_second: None,
    };
    input.stated.limits = BTreeMap::from([(name("main"), limit(2))]);
    let nights = |input: &PlanInput| -> Vec<i64> {
        let planned = plan(input, NOW).unwrap();
        assert_eq!(check(&file(input, &planned, Vec::new()), NOW), []);
        firsts(&planned).iter().map(|first| first.2).collect()
    };
    // An hour holds two jobs of 30 minutes, one after the other: no clock is between them.
    assert_eq!(nights(&input), [2, 2, 2, 2, 26, 26]);
    input.stated.everywhere = limit(1);
    assert_eq!(nights(&input), [2, 2, 26, 26, 50, 50]);
    input.stated.everywhere = limit(0);
    let Err(PlanError::Impossible(reasons)) = plan(&input, NOW) else {
        panic!("nothing is allowed");
    };
    assert_eq!(reasons[0].reason, Reason::NothingAllowed);
}

#[test]
fn first_slots_wait_for_the_bytes() {
    let machines = (1..=3).map(|m| candidate(m, "radiology", &[])).collect();
    let mut input = input(machines);
    input.policy.canaries = 3;
    input.releases[0].release.artifacts[0].length = 3_600 * 20;
    input.releases[0].length = 3_600 * 20;
    let line = |bytes_per_second: u64| Limits {
        parallel: None,
        bytes_per_second: Some(bytes_per_second),
    };
    // One machine in 20 hours: the first night is too early for all.
    input.stated.limits = BTreeMap::from([(name("main"), line(1))]);
    let planned = plan(&input, NOW).unwrap();
    assert_eq!(check(&file(&input, &planned, Vec::new()), NOW), []);
    let nights: Vec<i64> = firsts(&planned).iter().map(|first| first.2).collect();
    assert_eq!(nights, [26, 50, 74]);
    // In the plan's order, what the horizon does not hold is left out.
    input.policy.horizon_ms = 40 * HOUR_MS;
    let planned = plan(&input, NOW).unwrap();
    let reasons: Vec<_> = planned.impossible.iter().map(|one| &one.reason).collect();
    assert_eq!(reasons, [&Reason::LineTooSlow; 2]);
}

#[test]
fn several_releases_need_one_restart() {
    let mut input = input(vec![candidate(1, "radiology", &[])]);
    input.releases.push(release("driver", Reboot::Machine));
    input.releases[0].release.reboot = Reboot::Machine;
    input.machines[0]
        .facts
        .versions
        .insert(name("driver"), "4.1".into());
    // Twice 15 minutes, one restart of ten, and the allowance: 55 minutes.
    input.allowed = BTreeMap::from([(name("radiology"), vec![hours(2, 55)])]);
    let planned = plan(&input, NOW).unwrap();
    assert_eq!(check(&file(&input, &planned, Vec::new()), NOW), []);
    input.allowed = BTreeMap::from([(name("radiology"), vec![hours(2, 54)])]);
    assert!(plan(&input, NOW).is_err());
}

#[test]
fn an_opening_that_goes_on_has_spare_slots_too() {
    let mut input = input(vec![
        candidate(1, "radiology", &["pair"]),
        candidate(2, "radiology", &["pair"]),
    ]);
    input.allowed = BTreeMap::from([(name("radiology"), vec![hours(0, 24 * 60 * 20)])]);
    let planned = plan(&input, NOW).unwrap();
    assert_eq!(check(&file(&input, &planned, Vec::new()), NOW), []);
    assert!(planned.leaves.iter().all(|leaf| leaf.slots.len() == 4));
}

#[test]
fn a_minimum_above_the_size_names_the_fix() {
    let mut input = input(vec![candidate(1, "radiology", &["pair"])]);
    input.groups.insert(
        name("pair"),
        GroupRule {
            size: 1,
            minimum_ready: 2,
        },
    );
    let Err(PlanError::Impossible(reasons)) = plan(&input, NOW) else {
        panic!("the minimum cannot be kept");
    };
    let text = reasons[0].reason.to_string();
    assert!(
        text.contains("2 members") && text.contains("group edit"),
        "{text}"
    );
    assert_eq!(reasons[0].who, Owner::Htm);
}

#[test]
fn a_plan_beside_counts_for_members_by_their_newest_row() {
    let first = vec![
        candidate(1, "radiology", &[]),
        candidate(2, "radiology", &["pair"]),
    ];
    let mut other = input(first);
    other.machines.truncate(1);
    let other = plan(&other, NOW).unwrap();
    let mut input = input(vec![candidate(2, "radiology", &["pair"])]);
    input.groups.insert(
        name("pair"),
        GroupRule {
            size: 2,
            minimum_ready: 1,
        },
    );
    input.beside = vec![standing(&other)];
    assert_eq!(firsts(&plan(&input, NOW).unwrap())[0].2, 2);
    input.placed = BTreeMap::from([(MachineId([1; 32]), vec![name("pair")])]);
    assert_eq!(firsts(&plan(&input, NOW).unwrap())[0].2, 98);
}

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
