use super::*;

#[test]
fn an_emergency_is_not_left_out_for_older_plans() {
    let slot = |start: i64| Interval::new(UtcMs(start), UtcMs(start + 10)).unwrap();
    let now = UtcMs(100);
    let plan = |n: u8, starts: &[i64]| {
        let slots = starts.iter().map(|start| slot(*start)).collect();
        (Digest([n; 32]), slots)
    };
    let few = vec![plan(1, &[50]), plan(2, &[500])];
    assert_eq!(soonest(few, now), [Digest([1; 32]), Digest([2; 32])]);
    // Sixteen of next month, one that is over, and the emergency's, which came last.
    let mut many: Vec<_> = (1..=16).map(|n| plan(n, &[10, 9_000])).collect();
    many.push(plan(17, &[50]));
    many.push(plan(18, &[95, 8_000]));
    let given = soonest(many, now);
    assert_eq!(given.len(), MAX_APPROVALS);
    assert_eq!(given[MAX_APPROVALS - 1], Digest([18; 32]));
    assert!(!given.contains(&Digest([17; 32])));
    assert!(!given.contains(&Digest([1; 32])), "the oldest of equals");
}
