//! Assignments that were read before.

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
    let read: Vec<&ReadAssignment> = read.iter().collect();
    assert_eq!(check_read(&file, &read, NOW), check(&file, NOW));
    let mut parts = parts();
    parts.rows[0].class = Class::Critical;
    let other = parts.file();
    let other = other.context.assignments[0].read().unwrap();
    for read in [&[][..], &[&other]] {
        let found = check_read(&file, read, NOW);
        let says = |one: &Finding| one.rule == Rule::Readable && one.severity == Severity::Blocks;
        assert!(found.iter().any(says), "{found:?}");
    }
}
