//! Assignments and plans that were read before.

use super::*;

#[test]
fn what_was_read_before_counts_where_it_is_of_the_file() {
    let file = parts().file();
    let read: Vec<_> = file
        .context
        .assignments
        .iter()
        .map(|one| one.read().unwrap())
        .collect();
    let known = Known {
        assignments: read.iter().collect(),
        plans: BTreeMap::new(),
    };
    assert_eq!(check_read(&file, &known, NOW), check(&file, NOW));
    let mut parts = parts();
    parts.rows[0].class = Class::Critical;
    let other = parts.file();
    let other = other.context.assignments[0].read().unwrap();
    for assignments in [vec![], vec![&other]] {
        let known = Known {
            assignments,
            ..Known::default()
        };
        let found = check_read(&file, &known, NOW);
        let says = |one: &Finding| one.rule == Rule::Readable && one.severity == Severity::Blocks;
        assert!(found.iter().any(says), "{found:?}");
    }
}

#[test]
fn a_plan_that_was_read_before_is_judged_as_if_it_was_read_now() {
    let mut parts = parts();
    parts.beside[0].1[0].slots = vec![slot(1, 60)];
    let file = parts.file();
    let tables = || std::iter::once(&file.plan).chain(&file.context.beside);
    let read: Vec<_> = tables().map(|table| table.read().unwrap()).collect();
    let assigned = file.context.assignments[0].read().unwrap();
    let of = |table: &Table<Approval>| table.signed.digest();
    let known = Known {
        assignments: vec![&assigned],
        plans: tables().map(of).zip(&read).collect(),
    };
    // What was read counts, and not the bytes beside it.
    let mut bare = file.clone();
    bare.plan.leaves.clear();
    bare.context.beside[0].leaves.clear();
    let found = check(&file, NOW);
    let says = |one: &Finding| one.rule == Rule::MinimumReady;
    assert!(found.iter().any(says), "{found:?}");
    assert_eq!(check_read(&bare, &known, NOW), found);
    let blocks = |one: &Finding| one.rule == Rule::Root && one.severity == Severity::Blocks;
    assert!(check(&bare, NOW).iter().any(blocks));
}
