//! A good pack proves its job; every damage done on purpose is found.

use super::*;
use crate::id::{BootId, Label, Nonce};
use crate::job::{
    CheckResult, Event, Measurement, ProductVersion, Reason, Start, State, StepEnd, StepOutcome,
    Verdict,
};
use crate::plan::{Table, build_approval};
use crate::time::{DAY_MS, Interval, MINUTE_MS};
use crate::trust::approval::{ApprovedRelease, Emergency, GroupMinimum, PlanLeaf, Rollback};
use crate::trust::assignment::{AssignmentLeaf, Mode};
use crate::trust::charter::{Charter, Registrar, RootKeys};
use crate::trust::placement::leaf_bytes;
use crate::trust::release::{
    Applicability, ArtifactRef, Kind, Provenance, Reboot, ReleaseDescription, TreeKind,
};
use crate::trust::roster::{
    Approvers, Class, GoKey, KeyKind, Person, PersonKey, SigningRole, Units,
};
use ed25519_dalek::SigningKey;

const NOW: UtcMs = UtcMs(1_800_000_000_000);
const ROOT: u8 = 1;
const REGISTRAR: u8 = 2;
const ANNA: u8 = 3;
const BEN: u8 = 4;
const GO: u8 = 5;
const MACHINE: u8 = 6;
const OTHER: u8 = 7;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(seed: u8) -> PublicKey {
    PublicKey::of(&key(seed))
}

fn machine(seed: u8) -> MachineId {
    MachineId(public(seed).id().0)
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

/// What a pack is made of, before anything is signed.
#[derive(Clone)]
pub(super) struct Parts {
    charter: Charter,
    roster: Roster,
    rows: Vec<AssignmentLeaf>,
    approval: Approval,
    leaves: Vec<PlanLeaf>,
    go: Go,
    start: Start,
    started: UtcMs,
    measured: Measurement,
    /// Signers of roster, assignment, approval, go and events.
    by: (u8, Vec<u8>, Vec<u8>, u8, u8),
}

fn approval() -> Approval {
    let artifact = ArtifactRef {
        path: "viewer/4.2.tar".into(),
        sha256: Digest([4; 32]),
        length: 10,
    };
    Approval {
        title: label("Viewer 4.2"),
        issued: NOW,
        expires: NOW,
        releases: vec![ApprovedRelease {
            repository: name("acme"),
            path: artifact.path.clone(),
            sha256: artifact.sha256,
            length: artifact.length,
            provenance: Provenance::Vendor,
            release: ReleaseDescription {
                product: name("viewer"),
                version: "4.2".into(),
                counter: 42,
                kind: Kind::Tree(TreeKind {
                    name: name("viewer"),
                    service: None,
                }),
                artifacts: vec![artifact],
                applies_to: Applicability {
                    from: Vec::new(),
                    os: Vec::new(),
                    architectures: vec!["all".into()],
                    models: Vec::new(),
                },
                stepping_stones: Vec::new(),
                reboot: Reboot::Machine,
                install_minutes: 10,
                recovery_minutes: 5,
                checks_before: Vec::new(),
                checks_after: vec![name("viewer-answers")],
                fixes: Vec::new(),
                users_will_notice: None,
            },
            install_minutes: 10,
            recovery_minutes: 5,
            rollback: Rollback::None,
        }],
        waves: 0,
        machines: 0,
        root: Digest([0; 32]),
        groups: vec![GroupMinimum {
            group: name("reading"),
            size: 2,
            minimum_ready: 1,
        }],
        beside: Vec::new(),
        failure_limit: 1,
        clears: Vec::new(),
        emergency: None,
    }
}

fn roster() -> Roster {
    let person = |seed: u8, id: &str| Person {
        id: name(id),
        name: label(id),
        roles: vec![SigningRole::Approver],
        units: Units::Only(vec![name("radiology")]),
        keys: vec![PersonKey {
            key: public(seed),
            kind: KeyKind::File,
            from: NOW,
            until: NOW.plus_ms(80 * DAY_MS),
        }],
    };
    Roster {
        number: 3,
        issued: NOW,
        expires: NOW.plus_ms(90 * DAY_MS),
        people: vec![person(ANNA, "anna"), person(BEN, "ben")],
        go_keys: vec![GoKey {
            collector: name("main"),
            key: public(GO),
            from: NOW,
            until: NOW.plus_ms(90 * DAY_MS),
        }],
        approvers: Approvers::default(),
    }
}

pub(super) fn parts() -> Parts {
    let slot = Interval::new(NOW.plus_ms(DAY_MS), NOW.plus_ms(DAY_MS + 60 * MINUTE_MS)).unwrap();
    let started = slot.start().plus_ms(5 * MINUTE_MS);
    let row = |seed: u8| AssignmentLeaf {
        machine: machine(seed),
        name: label(&format!("Station {seed}")),
        unit: name("radiology"),
        class: Class::Critical,
        groups: vec![name("reading")],
        model: name("station"),
        mode: Mode::Active,
    };
    let leaf = |seed: u8| PlanLeaf {
        machine: machine(seed),
        unit: name("radiology"),
        class: Class::Critical,
        groups: vec![name("reading")],
        wave: 0,
        slots: vec![slot],
    };
    let version = |version: &str| ProductVersion {
        product: name("viewer"),
        version: version.into(),
    };
    Parts {
        charter: Charter {
            number: 1,
            issued: NOW,
            expires: NOW.plus_ms(300 * DAY_MS),
            root: RootKeys {
                keys: vec![public(ROOT)],
                threshold: 1,
            },
            registrars: vec![Registrar {
                name: name("registrar"),
                key: public(REGISTRAR),
            }],
            vendors: Vec::new(),
        },
        roster: roster(),
        rows: vec![row(MACHINE), row(OTHER)],
        approval: approval(),
        leaves: vec![leaf(MACHINE), leaf(OTHER)],
        go: Go {
            job: JobId([0; 16]),
            machine: machine(MACHINE),
            boot: BootId([1; 16]),
            nonce: Nonce([8; 32]),
            clock: started,
        },
        start: Start {
            slot,
            boot: BootId([1; 16]),
            go: Digest([0; 32]),
            approved_by: vec![public(ANNA).id(), public(BEN).id()],
            roster: Digest([0; 32]),
            charter: Digest([0; 32]),
            assignment: Digest([0; 32]),
            versions_before: vec![version("4.1")],
            interlock: "idle".into(),
        },
        started,
        measured: Measurement {
            verdict: Verdict::Verified,
            versions_after: vec![version("4.2")],
            checks: vec![CheckResult {
                check: "viewer-answers".into(),
                passed: true,
                output: String::new(),
            }],
            boot: BootId([2; 16]),
        },
        by: (REGISTRAR, vec![ANNA, BEN], vec![ANNA, BEN], GO, MACHINE),
    }
}

impl Parts {
    pub(super) fn pack(&self) -> Pack {
        let (registrar, assigned_by, approved_by, go_by, _) = &self.by;
        let charter = Signed::new(&self.charter, &key(ROOT));
        let roster = Signed::new(&self.roster, &key(*registrar));
        let assignment = Assignment {
            number: 1,
            issued: NOW,
            machines: 0,
            root: Digest([0; 32]),
        };
        let mut assignment: Table<Assignment> =
            Table::build(assignment, self.rows.clone()).unwrap();
        let mut plan = build_approval(self.approval.clone(), self.leaves.clone()).unwrap();
        assigned_by
            .iter()
            .for_each(|seed| assignment.signed.cosign(&key(*seed)));
        approved_by
            .iter()
            .for_each(|seed| plan.signed.cosign(&key(*seed)));
        let approval = plan.signed.digest();
        let job = JobId::of(approval, machine(MACHINE));
        let go = Signed::new(
            &Go {
                job,
                ..self.go.clone()
            },
            &key(*go_by),
        );
        let start = Start {
            go: go.digest(),
            roster: roster.digest(),
            charter: charter.digest(),
            assignment: assignment.signed.digest(),
            ..self.start.clone()
        };
        let pack = Pack {
            made: NOW.plus_ms(2 * DAY_MS),
            audit_head: Digest([3; 32]),
            chain: CharterChain {
                root: self.charter.root.clone(),
                charters: vec![charter],
            },
            rosters: vec![roster],
            assignments: vec![assignment.signed.clone()],
            approvals: vec![plan.signed.clone()],
            gos: vec![go],
            metadata: Vec::new(),
            jobs: vec![JobEvidence {
                job,
                machine: machine(MACHINE),
                key: public(MACHINE),
                approval,
                leaf: proved(&plan),
                assignment: assignment.signed.digest(),
                row: proved(&assignment),
                events: self.events(job, approval, start),
            }],
            attested: Vec::new(),
        };
        assert_eq!(Pack::from_bytes(&pack.to_bytes()).unwrap(), pack);
        pack
    }

    /// The journal from event 7 on; event 9 is another job's.
    fn events(&self, job: JobId, approval: Digest, start: Start) -> Vec<Signed<JobEvent>> {
        let step = StepEnd {
            step: "unpack".into(),
            outcome: StepOutcome::Succeeded,
            output: String::new(),
        };
        let foreign = JobId([9; 16]);
        let at = |minutes: i64| self.started.plus_ms(minutes * MINUTE_MS);
        let said = [
            (at(-600), job, Event::Prepared),
            (at(0), job, Event::Started(start)),
            (
                at(1),
                foreign,
                Event::Refused(Reason::new("no slot of this machine is open now").into()),
            ),
            (at(2), job, Event::StepEnded(step)),
            (at(3), job, Event::RebootOrdered(BootId([1; 16]))),
            (at(6), job, Event::Measured(self.measured.clone())),
        ];
        let mut previous = Digest([7; 32]);
        let mut events = Vec::new();
        for (sequence, (at, job, event)) in (7u64..).zip(said) {
            let event = JobEvent {
                machine: machine(MACHINE),
                sequence,
                previous,
                at,
                job,
                approval: if job == foreign {
                    Digest([1; 32])
                } else {
                    approval
                },
                event,
            };
            let signed = Signed::new(&event, &key(self.by.4));
            previous = signed.digest();
            events.push(signed);
        }
        events
    }

    pub(super) fn root(&self) -> Digest {
        parts().charter.root.fingerprint()
    }
}

fn proved<D: crate::plan::Tabled>(table: &Table<D>) -> ProvedLeaf {
    let placed = table.placed().unwrap();
    let mine = placed
        .into_iter()
        .find(|one| one.machine == machine(MACHINE))
        .unwrap();
    ProvedLeaf {
        bytes: mine.leaf,
        proof: mine.proof,
    }
}

/// Signs an event anew after a change.
fn forge(pack: &mut Pack, at: usize, seed: u8, change: impl FnOnce(&mut JobEvent)) {
    let mut event = pack.jobs[0].events[at].peek().unwrap();
    change(&mut event);
    pack.jobs[0].events[at] = Signed::new(&event, &key(seed));
}

#[test]
fn a_good_pack_proves_its_job() {
    let parts = parts();
    let report = verify(&parts.pack(), parts.root());
    assert_eq!(report.findings, []);
    let job = &report.jobs[0];
    assert!(job.proved);
    assert_eq!(job.outcome, State::Verified);
    assert_eq!(job.approved_by, [label("anna"), label("ben")]);
    assert_eq!(job.before[0].version, "4.1");
    assert_eq!(job.after[0].version, "4.2");
    assert_eq!(job.started, Some(parts.started));
    assert_eq!(job.unit, Some(name("radiology")));
}

#[test]
fn a_truncated_pack_is_no_pack() {
    let bytes = parts().pack().to_bytes();
    for end in (0..bytes.len()).step_by(7) {
        assert!(Pack::from_bytes(&bytes[..end]).is_err());
    }
}

#[test]
fn a_rollback_and_a_withdrawal_are_told_as_they_are() {
    let mut parts = parts();
    parts.measured.verdict = Verdict::RolledBack(Reason::new("the check failed"));
    parts.measured.versions_after[0].version = "4.1".into();
    parts.measured.checks[0].passed = false;
    let report = verify(&parts.pack(), parts.root());
    assert_eq!(report.findings, []);
    assert!(matches!(report.jobs[0].outcome, State::RolledBack(_)));
    let mut pack = parts.pack();
    pack.jobs[0].events.truncate(2);
    let report = verify(&pack, parts.root());
    assert_eq!(report.findings, []);
    assert_eq!(report.jobs[0].outcome, State::Installing);
}

type PartsMutant = (&'static str, Rule, fn(&mut Parts));

const PARTS_MUTANTS: &[PartsMutant] = &[
    ("another root", Rule::Root, |p| {
        p.charter.root.keys.push(public(99))
    }),
    ("a stranger's roster", Rule::Roster, |p| p.by.0 = 99),
    ("an expired roster", Rule::Roster, |p| {
        p.roster.expires = p.started
    }),
    ("an expired charter", Rule::Roster, |p| {
        p.charter.expires = p.started
    }),
    ("a roster for ever", Rule::Roster, |p| {
        p.roster.expires = NOW.plus_ms(91 * DAY_MS)
    }),
    ("one key of two people", Rule::Roster, |p| {
        p.roster.people[1].keys = p.roster.people[0].keys.clone();
        p.by.2 = vec![ANNA];
        p.start.approved_by.truncate(1);
    }),
    ("a person who stands twice", Rule::Roster, |p| {
        p.roster.people[1].id = p.roster.people[0].id.clone();
    }),
    ("a go-key of a registrar", Rule::Roster, |p| {
        p.roster.go_keys[0].key = public(REGISTRAR);
        p.by.3 = REGISTRAR;
    }),
    ("a go-key of the hospital root", Rule::Roster, |p| {
        p.roster.go_keys[0].key = public(ROOT);
        p.by.3 = ROOT;
    }),
    ("an approval for ever", Rule::Approval, |p| {
        p.approval.issued = NOW.plus_ms(-100 * DAY_MS);
    }),
    ("a start in use", Rule::Interlock, |p| {
        p.start.interlock = "in_use: two sessions".into();
    }),
    ("a start with an unknown interlock", Rule::Interlock, |p| {
        p.start.interlock = String::new();
    }),
    ("one approver of two", Rule::ApprovalQuorum, |p| {
        p.by.2 = vec![ANNA];
        p.start.approved_by.truncate(1);
    }),
    ("one approver twice", Rule::ApprovalQuorum, |p| {
        p.by.2 = vec![ANNA, ANNA]
    }),
    (
        "a stranger beside one approver",
        Rule::ApprovalQuorum,
        |p| p.by.2 = vec![ANNA, 99],
    ),
    ("an approver of another unit", Rule::ApprovalQuorum, |p| {
        p.roster.people[1].units = Units::Only(vec![name("icu")]);
    }),
    ("a technician", Rule::ApprovalQuorum, |p| {
        p.roster.people[1].roles = vec![SigningRole::Technician];
    }),
    ("no file key", Rule::ApprovalQuorum, |p| {
        p.roster
            .people
            .iter_mut()
            .for_each(|one| one.keys[0].kind = KeyKind::Browser);
    }),
    ("a key that had run out", Rule::ApprovalQuorum, |p| {
        p.roster.people[1].keys[0].until = p.started;
    }),
    ("an emergency signed by one", Rule::ApprovalQuorum, |p| {
        p.rows
            .iter_mut()
            .for_each(|row| row.class = Class::Standard);
        p.leaves
            .iter_mut()
            .for_each(|leaf| leaf.class = Class::Standard);
        p.approval.emergency = Some(Emergency {
            reason: label("exploited"),
            freezes: Vec::new(),
        });
        p.by.2 = vec![ANNA];
        p.start.approved_by.truncate(1);
    }),
    ("an approver who did not sign", Rule::ApprovalQuorum, |p| {
        p.start.approved_by.push(public(99).id());
    }),
    ("an unsigned assignment", Rule::AssignmentQuorum, |p| {
        p.by.1 = Vec::new()
    }),
    ("an assignment by one", Rule::AssignmentQuorum, |p| {
        p.by.1 = vec![BEN]
    }),
    ("less time than declared", Rule::Approval, |p| {
        p.approval.releases[0].install_minutes = 1
    }),
    ("life support in two waves", Rule::Approval, |p| {
        p.rows
            .iter_mut()
            .for_each(|row| row.class = Class::LifeSupport);
        p.leaves
            .iter_mut()
            .for_each(|leaf| leaf.class = Class::LifeSupport);
        p.leaves[1].wave = 1;
    }),
    ("another class in the plan", Rule::Placement, |p| {
        p.leaves[0].class = Class::Standard
    }),
    ("another unit in the plan", Rule::Placement, |p| {
        p.leaves[0].unit = name("icu")
    }),
    ("a rehearsing machine that installed", Rule::Mode, |p| {
        p.rows[0].mode = Mode::Rehearse
    }),
    ("a start before the slot", Rule::Slot, |p| {
        p.started = p.start.slot.start().plus_ms(-1);
        p.go.clock = p.started;
    }),
    ("a start too late in the slot", Rule::Slot, |p| {
        p.started = p.start.slot.end().plus_ms(-25 * MINUTE_MS + 1);
        p.go.clock = p.started;
    }),
    ("another slot than the plan's", Rule::Slot, |p| {
        let slot = p.start.slot;
        p.start.slot = Interval::new(slot.start(), slot.end().plus_ms(DAY_MS)).unwrap();
    }),
    ("a go by a stranger", Rule::Go, |p| p.by.3 = 99),
    ("a go for another machine", Rule::Go, |p| {
        p.go.machine = machine(OTHER)
    }),
    ("a go for another boot", Rule::Go, |p| {
        p.go.boot = BootId([2; 16])
    }),
    ("a go from another time", Rule::Go, |p| {
        p.go.clock = p.started.plus_ms(-3 * MINUTE_MS)
    }),
    ("events by another key", Rule::EventSignature, |p| {
        p.by.4 = OTHER
    }),
    ("another version measured", Rule::Measurement, |p| {
        p.measured.versions_after[0].version = "4.1".into();
    }),
    ("nothing measured", Rule::Measurement, |p| {
        p.measured.versions_after.clear()
    }),
    ("a check that failed", Rule::Measurement, |p| {
        p.measured.checks[0].passed = false
    }),
    ("a check left out", Rule::Measurement, |p| {
        p.measured.checks.clear()
    }),
    ("no restart", Rule::Measurement, |p| {
        p.measured.boot = BootId([1; 16])
    }),
];

type PackMutant = (&'static str, Rule, fn(&mut Pack));

const PACK_MUTANTS: &[PackMutant] = &[
    ("no charter", Rule::Charter, |p| p.chain.charters.clear()),
    ("no roster", Rule::Roster, |p| p.rosters.clear()),
    ("no approval", Rule::Approval, |p| p.approvals.clear()),
    ("an approval of garbage", Rule::Approval, |p| {
        p.approvals.push(Signed::unsigned(b"garbage".to_vec()));
    }),
    ("an assignment of garbage", Rule::Assignment, |p| {
        p.assignments.push(Signed::unsigned(b"garbage".to_vec()));
    }),
    ("no go", Rule::Go, |p| p.gos.clear()),
    ("a job twice", Rule::Size, |p| {
        let twice = p.jobs[0].clone();
        p.jobs.push(twice);
    }),
    ("another machine", Rule::Identity, |p| {
        p.jobs[0].machine = machine(OTHER)
    }),
    ("another job", Rule::Identity, |p| {
        p.jobs[0].job = JobId([1; 16])
    }),
    ("a leaf with another slot", Rule::Placement, |p| {
        let mut leaf: PlanLeaf =
            crate::codec::decode_deterministic(&p.jobs[0].leaf.bytes, 10_000).unwrap();
        let slot = leaf.slots[0];
        leaf.slots[0] = Interval::new(slot.start(), slot.end().plus_ms(1)).unwrap();
        p.jobs[0].leaf.bytes = ByteBuf::from(leaf_bytes(&leaf));
    }),
    ("a row of another place", Rule::Assignment, |p| {
        p.jobs[0].row.proof.index ^= 1
    }),
    ("an event left out", Rule::EventChain, |p| {
        p.jobs[0].events.remove(3);
    }),
    ("another job's event left out", Rule::EventChain, |p| {
        p.jobs[0].events.remove(2);
    }),
    ("events moved", Rule::EventChain, |p| {
        p.jobs[0].events.swap(3, 4)
    }),
    (
        "an event rewritten by the machine later",
        Rule::EventChain,
        |p| {
            forge(p, 3, MACHINE, |event| event.at = event.at.plus_ms(1));
        },
    ),
    ("an event of another approval", Rule::EventChain, |p| {
        forge(p, 5, MACHINE, |event| event.approval = Digest([5; 32]));
    }),
    ("a first event that names another", Rule::EventChain, |p| {
        forge(p, 0, MACHINE, |event| event.sequence = 1);
    }),
    (
        "an event forged by the collector",
        Rule::EventSignature,
        |p| {
            forge(p, 5, GO, |_| {});
        },
    ),
    ("an event of another machine", Rule::EventSignature, |p| {
        forge(p, 5, MACHINE, |event| event.machine = machine(OTHER));
    }),
    ("verified without a start", Rule::Transition, |p| {
        p.jobs[0].events.drain(0..5);
    }),
    ("started twice", Rule::Transition, |p| {
        let Event::Started(start) = p.jobs[0].events[1].peek().unwrap().event else {
            return;
        };
        forge(p, 3, MACHINE, |event| event.event = Event::Started(start));
    }),
    ("one go for two starts", Rule::Go, |p| {
        let Event::Started(start) = p.jobs[0].events[1].peek().unwrap().event else {
            return;
        };
        forge(p, 3, MACHINE, |event| event.event = Event::Started(start));
    }),
    ("a rehearsal on an active machine", Rule::Mode, |p| {
        let Event::Started(start) = p.jobs[0].events[1].peek().unwrap().event else {
            return;
        };
        forge(p, 1, MACHINE, |event| {
            event.event = Event::WouldHaveStarted(start)
        });
    }),
];

#[test]
fn every_damaged_pack_is_found_out() {
    for (what, rule, damage) in PARTS_MUTANTS {
        let mut parts = parts();
        damage(&mut parts);
        assert_found(what, *rule, &verify(&parts.pack(), parts.root()));
    }
    for (what, rule, damage) in PACK_MUTANTS {
        let parts = parts();
        let mut pack = parts.pack();
        damage(&mut pack);
        assert_found(what, *rule, &verify(&pack, parts.root()));
    }
}

fn assert_found(what: &str, rule: Rule, report: &Report) {
    let found = &report.findings;
    assert!(
        found.iter().any(|f| f.rule == rule),
        "{what}: only {found:#?}"
    );
    assert!(!report.jobs.iter().all(|job| job.proved), "{what}");
}

#[test]
fn every_rule_has_a_pack_that_breaks_it() {
    use std::collections::BTreeSet;
    let tested: BTreeSet<Rule> = PARTS_MUTANTS
        .iter()
        .map(|mutant| mutant.1)
        .chain(PACK_MUTANTS.iter().map(|mutant| mutant.1))
        .collect();
    assert_eq!(tested.len(), Rule::Measurement as usize + 1);
}

#[test]
fn a_plan_of_many_units_may_carry_more_signatures_than_a_machine_accepts() {
    let mut parts = parts();
    parts.by.2 = (100..120).chain([ANNA, BEN]).collect();
    let report = verify(&parts.pack(), parts.root());
    assert_eq!(report.findings, []);
}
