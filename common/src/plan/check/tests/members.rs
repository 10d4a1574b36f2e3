//! Who is a member of a group: rows of the assignments that too few signed count for none.

use super::*;

/// A table of `rows` beside the signed one, signed by `seeds`.
fn another_table(file: &mut PlanFile, number: u64, rows: Vec<AssignmentLeaf>, seeds: &[u8]) {
    let assignment = Assignment {
        number,
        issued: NOW,
        machines: 0,
        root: Digest([0; 32]),
    };
    let mut table: AssignmentFile = Table::build(assignment, rows).unwrap();
    seeds
        .iter()
        .for_each(|seed| table.signed.cosign(&key(*seed)));
    file.context.assignments.push(table);
}

/// Ten members of the plan's group that nobody has.
fn invented() -> Vec<AssignmentLeaf> {
    let real = parts().rows.remove(0);
    let one = |machine: u8| AssignmentLeaf {
        machine: MachineId([machine; 32]),
        ..real.clone()
    };
    (50..60).map(one).collect()
}

/// A collector that wants all stations down at once needs a larger group.
#[test]
fn invented_members_do_not_make_a_group_larger() {
    let mut parts = parts();
    parts.approval.groups[0].size = 13;
    parts.beside[0].0.groups[0].size = 13;
    parts.leaves[1].slots = parts.leaves[0].slots.clone();
    parts.leaves[1].wave = 0;
    parts.stated.precedence.clear();
    parts.stated.everywhere = Limits::default();
    parts.stated.limits.clear();
    for (what, seeds) in [("nobody", &[][..]), ("a stranger", &[99])] {
        let mut file = parts.file();
        another_table(&mut file, 2, invented(), seeds);
        let found = check(&file, NOW);
        for rule in [Rule::Authority, Rule::GroupSize] {
            let hit = found
                .iter()
                .any(|f| f.rule == rule && f.severity == Severity::Blocks);
            assert!(hit, "signed by {what}: {rule:?} is not in {found:#?}");
        }
    }
    // Signed for what they are, they are members.
    let mut file = parts.file();
    another_table(&mut file, 2, invented(), &[11]);
    assert_eq!(check(&file, NOW), []);
}

/// Nothing measures it; its slots, its group and what it is validated for count as ever.
#[test]
fn what_people_work_on_needs_no_agent_and_keeps_every_other_rule() {
    let mut parts = parts();
    parts.rows[0].mode = Mode::Manual;
    parts.machines.remove(0);
    let found = check(&parts.file(), NOW);
    let rules: Vec<_> = found.iter().map(|f| (f.rule, f.severity)).collect();
    assert_eq!(rules, [(Rule::Mode, Severity::Warns)]);
    parts.rows[0].model = name("kiosk");
    parts.approval.releases[0].release.applies_to.models = vec![name("station")];
    parts.leaves[1].slots = parts.leaves[0].slots.clone();
    let found = check(&parts.file(), NOW);
    for rule in [Rule::Model, Rule::MinimumReady] {
        let hit = found.iter().any(|f| f.rule == rule);
        assert!(hit, "{rule:?} is not in {found:#?}");
    }
}

#[test]
fn a_row_that_too_few_signed_replaces_none() {
    let moved = |groups: Vec<Name>| {
        let mut row = parts().rows.remove(2);
        row.groups = groups;
        vec![row]
    };
    // Above the signed row: blocked, and the signed one stands.
    let mut file = parts().file();
    another_table(&mut file, 2, moved(vec![name("reading")]), &[]);
    let found = check(&file, NOW);
    let rules: Vec<Rule> = found.iter().map(|f| f.rule).collect();
    assert_eq!(rules, [Rule::Authority], "{found:#?}");
    // Of a machine that has no part in the plan any more: nothing leans on it.
    let mut file = parts().file();
    another_table(&mut file, 2, moved(Vec::new()), &[]);
    assert_eq!(check(&file, NOW), []);
    // Below the signed row, as when an approver has left since: it is history.
    let mut file = parts().file();
    another_table(&mut file, 0, moved(vec![name("reading")]), &[]);
    assert_eq!(check(&file, NOW), []);
    // One is too few for a critical row.
    let mut critical = moved(vec![name("reading")]);
    critical[0].class = Class::Critical;
    for (seeds, blocked) in [(&[11][..], true), (&[11, 12], false)] {
        let mut file = parts().file();
        another_table(&mut file, 2, critical.clone(), seeds);
        assert_eq!(blocks(&check(&file, NOW)), blocked, "{seeds:?}");
    }
}

#[test]
fn one_machine_counts_once_over_two_plans() {
    let mut parts = parts();
    // The plan beside works on station 1 in the very slot that this plan has.
    parts.beside[0].1 = vec![leaf(1, 0, &[slot(1, 60)])];
    assert_eq!(check(&parts.file(), NOW), []);
}
