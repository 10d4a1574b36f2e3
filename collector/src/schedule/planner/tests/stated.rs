//! What people stated, and the ways in which a plan is refused or bounded by it.

use super::*;

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
fn what_a_vendor_does_not_let_us_install_is_listed_with_whose_move_it_is() {
    use patchward_common::plan::{VendorAllows, VendorPolicy};
    let machines = (1..=2).map(|m| candidate(m, "radiology", &[])).collect();
    let mut input = input(machines);
    input.machines[1].row.mode = Mode::Manual;
    input.machines[1].facts.versions.clear();
    let model = input.machines[0].row.model.clone();
    let policy = |product: Option<&str>, allows| VendorPolicy {
        model: model.clone(),
        product: product.map(name),
        allows,
        because: "CSUP-2.2".into(),
    };
    let left_out = |policies: Vec<VendorPolicy>| {
        let mut input = input.clone();
        input.stated.vendor_policies = policies;
        let impossible = match plan(&input, NOW) {
            Ok(planned) => planned.impossible,
            Err(PlanError::Impossible(impossible)) => impossible,
            Err(error) => panic!("{error}"),
        };
        let of_vendor = impossible
            .into_iter()
            .filter(|one| matches!(one.reason, Reason::VendorPolicy(_)));
        of_vendor
            .map(|one| (one.machine.0[0], one.who))
            .collect::<Vec<_>>()
    };
    let (htm, vendor) = (Owner::Htm, Owner::Vendor);
    for (allows, expected) in [
        (VendorAllows::Install, vec![]),
        (VendorAllows::StageOnly, vec![(1, htm)]),
        (VendorAllows::VendorService, vec![(1, vendor)]),
        (VendorAllows::ReportOnly, vec![(1, vendor), (2, vendor)]),
    ] {
        assert_eq!(left_out(vec![policy(None, allows)]), expected, "{allows:?}");
    }
    // What is said of the product counts more than what is said of all others.
    let strict = policy(None, VendorAllows::ReportOnly);
    let named = policy(Some("viewer"), VendorAllows::Install);
    assert_eq!(left_out(vec![strict.clone(), named]), []);
    let other = VendorPolicy {
        model: name("another-model"),
        ..strict
    };
    assert_eq!(left_out(vec![other]), []);
}

#[test]
fn what_went_wrong_on_a_machine_is_not_planned_there_again() {
    let machines = (1..=3).map(|m| candidate(m, "radiology", &[])).collect();
    let mut input = input(machines);
    let sha256 = input.releases[0].sha256;
    input.machines[1].facts.quarantined = vec![Digest([77; 32]), sha256];
    let planned = plan(&input, NOW).unwrap();
    let found: Vec<_> = planned.impossible.iter().map(|one| &one.reason).collect();
    let reason = Reason::Quarantined {
        product: name("viewer"),
        version: "4.2".into(),
    };
    assert_eq!(
        (found, planned.impossible[0].who),
        (vec![&reason], Owner::Htm)
    );
    assert_eq!(check(&file(&input, &planned, Vec::new()), NOW), []);
    // HTM has judged it.
    input.clears = vec![sha256];
    let planned = plan(&input, NOW).unwrap();
    assert_eq!(planned.impossible, []);
    assert_eq!(check(&file(&input, &planned, Vec::new()), NOW), []);
}

#[test]
fn what_freezes_take_is_told_by_their_names() {
    let mut input = input(vec![
        candidate(1, "icu", &[]),
        candidate(2, "radiology", &[]),
    ]);
    input.policy.canaries = 2;
    let frozen = |minutes: i64, count: usize| Frozen {
        longest_ms: minutes * MINUTE_MS,
        by: (0..count).map(|n| label(&format!("go-live-{n}"))).collect(),
    };
    let reason = |input: &PlanInput| plan(input, NOW).unwrap().impossible[0].reason.clone();
    input.frozen.insert(name("icu"), frozen(30, 5));
    let told = reason(&input);
    assert!(matches!(told, Reason::Frozen { .. }), "{told:?}");
    let told = told.to_string();
    assert!(
        told.contains("go-live-0, go-live-1, go-live-2 and 2 more"),
        "{told}"
    );
    // Something is left, and it is too short.
    input.allowed.insert(name("icu"), vec![hours(2, 29)]);
    assert!(matches!(reason(&input), Reason::Frozen { .. }));
    // Its windows are too short without any freeze.
    input.frozen.insert(name("icu"), frozen(29, 1));
    assert_eq!(reason(&input), Reason::WindowTooShort { need_minutes: 30 });
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

#[test]
fn a_machine_that_is_left_as_it_is_is_left_out_and_named() {
    let mut input = input(vec![
        candidate(1, "radiology", &[]),
        candidate(2, "radiology", &[]),
    ]);
    let until = NOW.plus_ms(DAY_MS);
    input.excepted.insert(MachineId([2; 32]), until);
    let planned = plan(&input, NOW).unwrap();
    assert_eq!(planned.leaves.len(), 1);
    let left = &planned.impossible[0];
    assert_eq!(
        (left.machine, &left.reason, left.who),
        (
            MachineId([2; 32]),
            &Reason::Excepted(until),
            Owner::Security
        )
    );
}
