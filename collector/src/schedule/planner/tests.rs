//! What the planner makes always passes the plan check, which shares no code with it.

mod any;
mod mutants;
mod stated;

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
            quarantined: Vec::new(),
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
        excepted: BTreeMap::new(),
        allowed: BTreeMap::from([(name("radiology"), nights)]),
        frozen: BTreeMap::new(),
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
fn what_people_work_on_needs_no_agent_to_be_planned() {
    let mut machines: Vec<Candidate> = (1..=2).map(|m| candidate(m, "radiology", &[])).collect();
    for one in &mut machines {
        one.row.mode = Mode::Manual;
        one.facts.interlock_profile = None;
        one.facts.os = None;
        one.facts.versions.clear();
    }
    machines[1].row.model = name("kiosk");
    let planned = plan(&input(machines), NOW).unwrap();
    assert_eq!(planned.leaves.len(), 1);
    assert_eq!(planned.impossible[0].who, Owner::Vendor);
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
