use super::*;
use patchward_common::audit::Head;
use patchward_common::digest::Digest;
use patchward_common::evidence::{
    AttestedJob, AttestedWork, Finding, JobEvidence, JobReport, Pack, ProvedLeaf, Report, Rule,
};
use patchward_common::id::{JobId, Label, MachineId, Name};
use patchward_common::job::{ProductVersion, Reason, State};
use patchward_common::plan::CharterChain;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, ApprovedRelease, Emergency, Rollback};
use patchward_common::trust::charter::RootKeys;
use patchward_common::trust::placement::Proof;
use patchward_common::trust::release::{
    Applicability, ArtifactRef, Kind, Provenance, Reboot, ReleaseDescription, TreeKind,
};
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::{PublicKey, Signed};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

const NOW: UtcMs = UtcMs(1_795_400_000_000);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn approval(emergency: Option<Emergency>) -> Approval {
    Approval {
        title: label("Viewer 4.2"),
        issued: NOW,
        expires: NOW,
        releases: vec![ApprovedRelease {
            repository: name("acme"),
            path: "viewer".to_owned(),
            sha256: Digest([4; 32]),
            length: 10,
            provenance: Provenance::Attested,
            release: ReleaseDescription {
                product: name("viewer"),
                version: "4.2".to_owned(),
                counter: 42,
                kind: Kind::Tree(TreeKind {
                    name: name("viewer"),
                    service: None,
                }),
                artifacts: vec![ArtifactRef {
                    path: "viewer".to_owned(),
                    sha256: Digest([4; 32]),
                    length: 10,
                }],
                applies_to: Applicability {
                    from: Vec::new(),
                    os: Vec::new(),
                    architectures: Vec::new(),
                    models: Vec::new(),
                },
                stepping_stones: Vec::new(),
                reboot: Reboot::None,
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
        }],
        waves: 1,
        machines: 2,
        root: Digest([0; 32]),
        groups: Vec::new(),
        beside: Vec::new(),
        failure_limit: 1,
        clears: Vec::new(),
        emergency,
    }
}

fn read(version: &str) -> Vec<ProductVersion> {
    vec![ProductVersion {
        product: name("viewer"),
        version: version.to_owned(),
    }]
}

/// One job that a machine measured, in the state that is asked for, and one by hand.
fn pack(outcome: State, emergency: Option<Emergency>) -> (Pack, Report) {
    let approval = Signed::unsigned(patchward_common::codec::encode_deterministic(&approval(
        emergency,
    )));
    let plan = approval.digest();
    let leaf = ProvedLeaf {
        bytes: ByteBuf::new(),
        proof: Proof {
            index: 0,
            path: Vec::new(),
        },
    };
    let pack = Pack {
        made: NOW,
        audit_head: Digest([3; 32]),
        chain: CharterChain {
            root: RootKeys {
                keys: vec![PublicKey([1; 32])],
                threshold: 1,
            },
            charters: Vec::new(),
        },
        rosters: Vec::new(),
        assignments: Vec::new(),
        approvals: vec![approval],
        gos: Vec::new(),
        metadata: Vec::new(),
        jobs: vec![JobEvidence {
            job: JobId([1; 16]),
            machine: MachineId([1; 32]),
            key: PublicKey([1; 32]),
            approval: plan,
            leaf: leaf.clone(),
            assignment: Digest([2; 32]),
            row: leaf,
            events: Vec::new(),
        }],
        attested: vec![AttestedJob {
            job: JobId([2; 16]),
            machine: MachineId([2; 32]),
            name: name("ct-7"),
            unit: name("radiology"),
            approval: plan,
            outcome: State::Attested,
            records: vec![AttestedWork {
                recorded_by: "person:ada".to_owned(),
                at: NOW,
                done_by: Some(label("Eve of acme")),
                succeeded: true,
                before: read("4.1"),
                after: read("4.2"),
                work_order: label("WO-4711"),
                photo: None,
            }],
        }],
    };
    let report = Report {
        root: pack.chain.root.fingerprint(),
        made: NOW,
        audit_head: pack.audit_head,
        content: pack.content(),
        jobs: vec![JobReport {
            job: JobId([1; 16]),
            machine: MachineId([1; 32]),
            name: Some(label("=PC 1")),
            unit: Some(name("icu-3")),
            class: Some(Class::Critical),
            plan: Some(label("Viewer 4.2")),
            approved_by: vec![label("Ada Lund"), label("Ben Ito")],
            started: Some(NOW),
            slot: None,
            interlock: Some("idle, handed over".to_owned()),
            before: read("4.1"),
            after: read("4.2"),
            ended: Some(NOW.plus_ms(60_000)),
            outcome,
            proved: true,
        }],
        attested: pack.attested.clone(),
        metadata: Vec::new(),
        findings: Vec::new(),
    };
    (pack, report)
}

fn said(what: &str) -> Said {
    Said {
        what: what.to_owned(),
        by: "person:ben".to_owned(),
        at: NOW,
    }
}

fn asides(state: State) -> BTreeMap<JobId, Aside> {
    let aside = Aside {
        state,
        attempt: 2,
        approved_at: Some(NOW),
        returned: Some(said("returned to service")),
        decided: vec![said("second try allowed")],
    };
    BTreeMap::from([(JobId([1; 16]), aside)])
}

#[test]
fn a_row_says_who_what_when_and_what_was_not_as_usual() {
    let emergency = Emergency {
        reason: label("known exploited"),
        freezes: vec![label("Year end")],
    };
    let (pack, report) = pack(State::Verified, Some(emergency));
    let rows = rows(&pack, &report, &asides(State::InService));
    assert_eq!(rows.len(), 2);
    for (column, expected) in [
        ("machine", "=PC 1"),
        ("unit", "icu-3"),
        ("class", "critical"),
        ("release", "viewer 4.2"),
        ("provenance", "the hospital vouches (acme)"),
        ("before", "viewer 4.1"),
        ("after", "viewer 4.2"),
        ("approved_by", "Ada Lund, Ben Ito"),
        ("outcome", "verified, in service"),
        ("proof", "measured and signed by the machine"),
        ("returned_by", "person:ben"),
        ("interlock", "idle, handed over"),
        ("nonsense", ""),
    ] {
        assert_eq!(rows[0].cell(column), expected, "{column}");
    }
    for part in [
        "emergency approval: known exploited (overrides freeze Year end)",
        "attempt 2",
        "second try allowed by person:ben at ",
        "handed over by the ward",
    ] {
        let deviations = rows[0].cell("deviations");
        assert!(deviations.contains(part), "{part}: {deviations}");
    }
    let by_hand = &rows[1];
    assert_eq!(by_hand.cell("outcome"), "attested");
    assert_eq!(
        by_hand.cell("proof"),
        "a person's word: person:ada for Eve of acme, work order WO-4711"
    );
}

/// What is not proved is never told as if it were.
#[test]
fn a_row_does_not_say_more_than_its_pack() {
    let reason = Reason::new("the check failed");
    let (pack, mut report) = pack(State::RolledBack(reason), None);
    let row = rows(&pack, &report, &BTreeMap::new()).remove(0);
    assert_eq!(row.cell("outcome"), "rolled back");
    assert!(
        row.cell("deviations")
            .contains("rolled back: the check failed")
    );
    report.jobs[0].outcome = State::Assigned;
    report.jobs[0].started = None;
    let row = rows(&pack, &report, &asides(State::Missed)).remove(0);
    assert_eq!(row.cell("outcome"), "assigned; the collector says missed");
    assert_eq!(
        (row.cell("proof"), row.cell("ended")),
        ("it did not start", "")
    );
    for job in [None, Some(JobId([1; 16]))] {
        report.findings = vec![Finding {
            job,
            rule: Rule::Slot,
            text: "it started too late".to_owned(),
        }];
        let row = rows(&pack, &report, &BTreeMap::new()).remove(0);
        assert_eq!(row.cell("proof"), "NOT proved: it started too late");
    }
    report.attested[0].records.clear();
    let row = rows(&pack, &report, &BTreeMap::new()).remove(1);
    assert_eq!(row.cell("proof"), "nothing is recorded");
}

fn count(bytes: &[u8], what: &str) -> usize {
    let what = what.as_bytes();
    bytes.windows(what.len()).filter(|one| *one == what).count()
}

#[test]
fn table_and_paper_are_made_of_the_same_rows() {
    let (pack, report) = pack(State::Verified, None);
    let rows = rows(&pack, &report, &asides(State::Verified));
    let table = String::from_utf8(csv(&rows)).unwrap();
    assert!(table.starts_with("\u{feff}job,machine,unit,"), "{table}");
    assert!(table.contains(",'=PC 1,icu-3,critical,"), "{table}");
    assert_eq!(table.lines().count(), 3);
    let sheet = Sheet {
        made: NOW,
        chosen: "unit icu-3, from 2026-10-01".to_owned(),
        root: report.root,
        head: Head {
            seq: 4711,
            hash: report.audit_head,
        },
        content: report.content,
    };
    let bytes = pdf(&sheet, &rows);
    assert_eq!(bytes, pdf(&sheet, &rows));
    for what in [
        "Evidence of work on machines",
        "unit icu-3, from 2026-10-01. Made 2026-",
        "(4711:0303030303",
        &report.content.to_string(),
        "(=PC 1)",
        "(radiology)",
        "WO-4711",
        "1 were measured and signed by their machines. 1 were done by hand",
        "page 1 of 1",
    ] {
        assert!(count(&bytes, what) > 0, "{what}");
    }
}
