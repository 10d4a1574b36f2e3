//! Plans that break what people stated.

use super::*;
use crate::plan::{Confirmation, Duty, Precedence, StatedMember, Statement, Training};

/// One site with limits that are just kept, a server with its workstation, people who
/// were trained and who are there, and a member without an agent that is vouched for.
pub(super) fn stated() -> Stated {
    let training = |unit: &str, confirmed| Training {
        product: name("viewer"),
        version: "4.2".into(),
        unit: Some(name(unit)),
        what: label("the new toolbar"),
        confirmed,
    };
    let confirmed = Confirmation {
        by: label("A. Trainer"),
        at: NOW,
    };
    Stated {
        sites: BTreeMap::from([(name("radiology"), name("main"))]),
        minimums: BTreeMap::from([(name("reading"), 2)]),
        everywhere: Limits {
            parallel: Some(1),
            bytes_per_second: None,
        },
        limits: BTreeMap::from([(
            name("main"),
            Limits {
                parallel: Some(1),
                // Ten bytes in the hour before the first slot.
                bytes_per_second: Some(1),
            },
        )]),
        precedence: vec![Precedence {
            first: MachineId([1; 32]),
            next: MachineId([2; 32]),
        }],
        // In the intensive care unit nobody was trained, and nothing is installed.
        training: vec![
            training("icu", None),
            training("radiology", Some(confirmed)),
        ],
        duty: vec![
            Duty {
                unit: None,
                who: label("Technicians"),
                time: slot(13, 24 * 60),
            },
            Duty {
                unit: Some(name("radiology")),
                who: label("A. Technician"),
                time: slot(37, 38 * 60),
            },
        ],
        members: vec![StatedMember {
            group: name("reading"),
            asset: label("X-17"),
            statement: Some(Statement {
                by: label("A. Technician"),
                at: NOW,
                until: NOW.plus_ms(74 * HOUR_MS),
            }),
        }],
        stops: halted::stops_of_others(),
        halts: halted::halts_of_others(),
        vendor_policies: halted::policies_of_others(),
    }
}

/// Damages a plan or what was stated for it.
pub(super) const MUTANTS: &[PartsMutant] = {
    use Rule::*;
    use Severity::{Blocks, Warns};
    &[
        (
            "a workstation before its server",
            Blocks,
            ServerFirst,
            |p| {
                p.stated.precedence[0] = Precedence {
                    first: MachineId([2; 32]),
                    next: MachineId([1; 32]),
                };
            },
        ),
        ("a workstation within the gap", Blocks, ServerFirst, |p| {
            p.leaves[0].slots.truncate(1);
            p.leaves[1].wave = 0;
            p.leaves[1].slots[0] = slot(2, 60);
        }),
        ("more at once than the site allows", Blocks, Parallel, |p| {
            p.stated.everywhere.parallel = None;
            p.beside[0].1[0].slots = vec![slot(1, 60)];
        }),
        ("more at once than all may", Blocks, Parallel, |p| {
            p.stated.limits.clear();
            p.beside[0].1[0].slots = vec![slot(1, 60)];
        }),
        ("a line that is too slow", Warns, Staging, |p| {
            p.approval.releases[0].length = 3_601;
            p.approval.releases[0].release.artifacts[0].length = 3_601;
        }),
        ("too slow for the second", Warns, Staging, |p| {
            p.approval.releases[0].length = 3_600;
            p.approval.releases[0].release.artifacts[0].length = 3_600;
            p.leaves[1].slots[0] = slot(1, 60);
        }),
        ("nobody was trained", Blocks, Training, |p| {
            p.stated.training[1].confirmed = None;
        }),
        ("nobody was trained anywhere", Blocks, Training, |p| {
            p.stated.training[0].unit = None;
        }),
        ("nobody on duty", Warns, Duty, |p| p.stated.duty.clear()),
        ("nobody on duty after the last slot", Warns, Duty, |p| {
            p.stated.duty.pop();
        }),
        ("duty in another unit", Warns, Duty, |p| {
            p.stated.duty[1].unit = Some(name("icu"));
        }),
        ("duty that begins too late", Warns, Duty, |p| {
            p.stated.duty[0].time = slot(14, 24 * 60);
        }),
        ("a member nobody vouches for", Warns, StatedMember, |p| {
            p.stated.members[0].statement = None;
        }),
        ("a statement that ends early", Warns, StatedMember, |p| {
            if let Some(statement) = &mut p.stated.members[0].statement {
                statement.until = NOW.plus_ms(73 * HOUR_MS);
            }
        }),
    ]
};
