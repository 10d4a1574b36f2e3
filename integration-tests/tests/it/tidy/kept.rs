//! What proves a job is kept: no statement of the store removes it.

use super::source::sources;
use patchward_collector::evidence::archive::KEEP_MS;
use patchward_common::time::DAY_MS;
use std::collections::BTreeSet;

/// Tables of which a pack, a report or an archive is made, or by which they are found.
const PROVES: [&str; 20] = [
    "audit",
    "audit_head",
    "machines",
    "manual_machines",
    "manual_records",
    "documents",
    "signatures",
    "assignment_leaves",
    "jobs",
    "job_closings",
    "goes",
    "evidence",
    "outboxes",
    "journal_events",
    "wave_openings",
    "releases",
    "vendors",
    "artifacts",
    "accounts",
    "halts",
];

/// Removed with a plan that was never signed by enough, and so has no job: `plans.rs` says
/// so in the statement.
const OF_DRAFTS: [&str; 3] = ["plans", "plan_leaves", "plan_releases"];

/// The tables that a text removes rows of.
fn removed(text: &str) -> BTreeSet<&str> {
    let after = ["DELETE FROM ", "DROP TABLE ", "TRUNCATE "]
        .iter()
        .flat_map(|word| text.split(word).skip(1));
    after
        .filter_map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_')?;
            rest.get(..end)
        })
        .collect()
}

#[test]
fn nothing_that_proves_a_job_is_removed() {
    const { assert!(KEEP_MS >= 6 * 365 * DAY_MS, "six years at least") };
    let mut seen = 0;
    for source in sources() {
        if !source.path.starts_with("collector/src/store") || source.is_test() {
            continue;
        }
        seen += 1;
        let removed = removed(&source.text);
        let proves: Vec<_> = PROVES
            .iter()
            .filter(|one| removed.contains(**one))
            .collect();
        assert!(
            proves.is_empty(),
            "{} removes rows of {proves:?}, which prove jobs; they are kept for {} days",
            source.path,
            KEEP_MS / DAY_MS
        );
        if source.path != "collector/src/store/plans.rs" {
            let drafts = OF_DRAFTS.iter().any(|one| removed.contains(*one));
            assert!(!drafts, "{} removes plans", source.path);
        }
    }
    assert!(seen > 40, "only {seen} files of the store");
    let plans = sources()
        .iter()
        .find(|source| source.path == "collector/src/store/plans.rs")
        .expect("the store of plans");
    let statement = "DELETE FROM plans WHERE id = $1 AND state = 'draft'";
    assert!(plans.text.contains(statement), "only drafts are removed");
}

#[test]
fn a_statement_that_removes_is_found() {
    let text = "\"DELETE FROM jobs WHERE id = $1\", \"DELETE FROM plan_leaves\n WHERE\"";
    assert_eq!(removed(text), BTreeSet::from(["jobs", "plan_leaves"]));
}
