//! A good plan passes; each rule finds its violation in a plan damaged on purpose.

mod halted;
mod members;
mod read;
mod stated;

use super::*;
use crate::id::Label;
use crate::plan::{
    AssignmentFile, CharterChain, Context, Limits, MachineFacts, Stated, build_approval,
};
use crate::time::{DAY_MS, HOUR_MS, Interval, MINUTE_MS};
use crate::trust::approval::{
    ApprovedRelease, GroupMinimum, PlanLeaf, Rollback as Way, RollbackRelease,
};
use crate::trust::assignment::{Assignment, AssignmentLeaf, Mode};
use crate::trust::charter::{Charter, Publisher, Registrar, RootKeys, VendorGrant};
use crate::trust::release::{
    Applicability, ArtifactRef, Kind, PackageManager, PackageRef, Packages, Provenance, Reboot,
    ReleaseDescription, TreeKind,
};
use crate::trust::roster::{
    Approvers, Class, GoKey, KeyKind, Person, PersonKey, Roster, SigningRole, Units,
};
use crate::trust::sign::{PublicKey, Signed};
use ed25519_dalek::SigningKey;
use serde_bytes::ByteBuf;

const NOW: UtcMs = UtcMs(1_800_000_000_000);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn slot(from_hours: i64, minutes: i64) -> Interval {
    let start = NOW.plus_ms(from_hours * HOUR_MS);
    Interval::new(start, start.plus_ms(minutes * MINUTE_MS)).unwrap()
}

/// Everything that a plan file is made of, before it is encoded and signed.
#[derive(Clone)]
struct Parts {
    charter: Charter,
    roster: Roster,
    rows: Vec<AssignmentLeaf>,
    approval: Approval,
    leaves: Vec<PlanLeaf>,
    beside: Vec<(Approval, Vec<PlanLeaf>)>,
    named_beside: bool,
    openings: BTreeMap<Name, Vec<Interval>>,
    metadata: BTreeMap<Name, UtcMs>,
    machines: Vec<MachineFacts>,
    measured_minutes: BTreeMap<Name, u32>,
    soak_ms: i64,
    stated: Stated,
    assignment_keys: Vec<u8>,
    roster_key: u8,
}

fn release() -> ApprovedRelease {
    let artifact = ArtifactRef {
        path: "viewer/4.2.tar".into(),
        sha256: Digest([4; 32]),
        length: 10,
    };
    ApprovedRelease {
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
                from: vec!["4.1".into()],
                os: vec!["debian-12".into()],
                architectures: vec!["x86_64".into()],
                models: vec![name("station")],
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
        rollback: Way::None,
    }
}

fn approval(title: &str) -> Approval {
    Approval {
        title: label(title),
        issued: NOW,
        expires: NOW,
        releases: vec![release()],
        waves: 0,
        machines: 0,
        root: Digest([0; 32]),
        groups: vec![GroupMinimum {
            group: name("reading"),
            size: 3,
            minimum_ready: 2,
        }],
        beside: Vec::new(),
        failure_limit: 1,
        clears: Vec::new(),
        emergency: None,
    }
}

fn packages() -> Kind {
    Kind::Packages(Packages {
        manager: PackageManager::Deb,
        packages: vec![PackageRef {
            name: "viewer".into(),
            version: "4.2".into(),
            artifact: Digest([4; 32]),
        }],
    })
}

/// The way back to an earlier version of the packages.
fn back_to(version: &str) -> Way {
    let mut earlier = release().release;
    earlier.kind = packages();
    earlier.version = version.into();
    earlier.counter = 1;
    Way::Release(Box::new(RollbackRelease {
        path: earlier.artifacts[0].path.clone(),
        release: earlier,
    }))
}

#[test]
fn packages_go_back_to_what_the_machines_have() {
    let mut parts = parts();
    parts.approval.releases[0].release.kind = packages();
    parts.approval.releases[0].rollback = back_to("4.1");
    let found = check(&parts.file(), NOW);
    assert!(found.iter().all(|f| f.rule != Rule::Rollback), "{found:?}");
}

#[test]
fn a_later_plan_that_names_this_one_is_not_in_its_way() {
    let mut file = parts().file();
    let mut later = approval("Later");
    later.beside = vec![file.plan.signed.digest()];
    let leaves = vec![leaf(3, 0, &[slot(3, 60)])];
    let named = build_approval(later.clone(), leaves.clone()).unwrap();
    file.context.beside.push(named);
    assert_eq!(check(&file, NOW), []);
    later.beside.clear();
    file.context.beside[1] = build_approval(later, leaves).unwrap();
    let found = check(&file, NOW);
    assert!(found.iter().any(|f| f.rule == Rule::Beside));
}

fn leaf(machine: u8, wave: u16, slots: &[Interval]) -> PlanLeaf {
    PlanLeaf {
        machine: MachineId([machine; 32]),
        unit: name("radiology"),
        class: Class::Standard,
        groups: vec![name("reading")],
        wave,
        slots: slots.to_vec(),
    }
}

/// Three reading stations, two of which must stay ready; one has a slot in a plan
/// beside this one.
fn parts() -> Parts {
    let row = |machine: u8| AssignmentLeaf {
        machine: MachineId([machine; 32]),
        name: label(&format!("station {machine}")),
        unit: name("radiology"),
        class: Class::Standard,
        groups: vec![name("reading")],
        model: name("station"),
        mode: Mode::Active,
    };
    let facts = |machine: u8| MachineFacts {
        machine: MachineId([machine; 32]),
        interlock_profile: Some(name("sessions")),
        os: Some("debian-12".into()),
        architecture: Some("x86_64".into()),
        versions: BTreeMap::from([(name("viewer"), "4.1".into())]),
        quarantined: vec![Digest([3; 32])],
    };
    let person = |seed: u8| Person {
        id: name(&format!("htm-{seed}")),
        name: label("An approver"),
        roles: vec![SigningRole::Approver],
        units: Units::All,
        keys: vec![PersonKey {
            key: PublicKey::of(&key(seed)),
            kind: KeyKind::File,
            from: NOW.plus_ms(-DAY_MS),
            until: NOW.plus_ms(DAY_MS * 300),
        }],
    };
    Parts {
        charter: Charter {
            number: 1,
            issued: NOW.plus_ms(-DAY_MS),
            expires: NOW.plus_ms(300 * DAY_MS),
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
                products: vec![name("viewer")],
                paths: vec!["viewer/".into()],
            }],
        },
        roster: Roster {
            number: 1,
            issued: NOW.plus_ms(-DAY_MS),
            expires: NOW.plus_ms(80 * DAY_MS),
            people: vec![person(11), person(12)],
            go_keys: Vec::new(),
            approvers: Approvers::default(),
        },
        rows: (1..=3).map(row).collect(),
        approval: approval("Viewer 4.2"),
        leaves: vec![
            leaf(1, 0, &[slot(1, 60), slot(49, 60)]),
            leaf(2, 1, &[slot(25, 60), slot(73, 60)]),
        ],
        beside: vec![(approval("Beside"), vec![leaf(3, 0, &[slot(3, 60)])])],
        named_beside: true,
        openings: BTreeMap::from([(
            name("radiology"),
            // Two that overlap: together they hold every slot.
            vec![slot(0, 40 * 60), slot(30, 100 * 60)],
        )]),
        metadata: BTreeMap::from([(name("acme"), NOW.plus_ms(200 * DAY_MS))]),
        machines: (1..=3).map(facts).collect(),
        measured_minutes: BTreeMap::from([(name("viewer"), 9)]),
        soak_ms: 20 * HOUR_MS,
        stated: stated::stated(),
        assignment_keys: vec![11],
        roster_key: 2,
    }
}

impl Parts {
    fn file(&self) -> PlanFile {
        let beside: Vec<_> = self
            .beside
            .iter()
            .map(|(approval, leaves)| build_approval(approval.clone(), leaves.clone()).unwrap())
            .collect();
        let mut approval = self.approval.clone();
        if self.named_beside {
            approval.beside = beside.iter().map(|table| table.signed.digest()).collect();
        }
        let assignment = Assignment {
            number: 1,
            issued: NOW,
            machines: 0,
            root: Digest([0; 32]),
        };
        let mut assignment: AssignmentFile = Table::build(assignment, self.rows.clone()).unwrap();
        for seed in &self.assignment_keys {
            assignment.signed.cosign(&key(*seed));
        }
        PlanFile {
            plan: build_approval(approval, self.leaves.clone()).unwrap(),
            context: Context {
                made: NOW,
                chain: CharterChain {
                    root: RootKeys {
                        keys: vec![PublicKey::of(&key(1))],
                        threshold: 1,
                    },
                    charters: vec![Signed::new(&self.charter, &key(1))],
                },
                roster: Signed::new(&self.roster, &key(self.roster_key)),
                assignments: vec![assignment],
                openings: self.openings.clone(),
                beside,
                metadata: self.metadata.clone(),
                machines: self.machines.clone(),
                measured_minutes: self.measured_minutes.clone(),
                soak_ms: self.soak_ms,
                stated: Some(self.stated.clone()),
            },
        }
    }
}

/// Writes the approval again after `change`, with the leaves as they are.
fn rewrite(file: &mut PlanFile, change: impl FnOnce(&mut Approval)) {
    let mut approval = file.plan.signed.peek().unwrap();
    change(&mut approval);
    file.plan.signed = Signed::unsigned(crate::codec::encode_deterministic(&approval));
}

#[test]
fn a_good_plan_has_no_finding() {
    assert_eq!(check(&parts().file(), NOW), []);
}

#[test]
fn a_file_survives_its_encoding() {
    let file = parts().file();
    let bytes = file.to_bytes();
    assert_eq!(PlanFile::from_bytes(&bytes).unwrap(), file);
    for end in 0..bytes.len() {
        assert!(
            PlanFile::from_bytes(&bytes[..end]).is_err(),
            "cut at {end} was read"
        );
    }
    let other = crate::plan::file::to_bytes("patchward/plan-file.2", &file);
    assert!(matches!(
        PlanFile::from_bytes(&other),
        Err(crate::plan::FileError::Format { .. })
    ));
}

type PartsMutant = (&'static str, Severity, Rule, fn(&mut Parts));

/// Damages what the plan is made of; the file around it is whole.
const PARTS_MUTANTS: &[PartsMutant] = {
    use Rule::*;
    use Severity::{Blocks, Warns};
    &[
        ("roster by a stranger", Blocks, Authority, |p| {
            p.roster_key = 99
        }),
        ("roster expired", Blocks, Authority, |p| {
            p.roster.expires = NOW
        }),
        ("roster for ever", Blocks, Authority, |p| {
            p.roster.expires = NOW.plus_ms(100 * DAY_MS);
        }),
        ("one key for two people", Blocks, Authority, |p| {
            p.roster.people[1].keys = p.roster.people[0].keys.clone();
        }),
        ("a go-key that keeps the roster", Blocks, Authority, |p| {
            p.roster.go_keys = vec![GoKey {
                collector: name("collector"),
                key: PublicKey::of(&key(2)),
                from: NOW,
                until: NOW.plus_ms(DAY_MS),
            }];
        }),
        (
            "charter grants a path that leads out",
            Blocks,
            Authority,
            |p| {
                p.charter.vendors[0].paths.push("../".into());
            },
        ),
        ("charter expired", Blocks, Authority, |p| {
            p.charter.expires = NOW
        }),
        ("assignment unsigned", Blocks, Authority, |p| {
            p.assignment_keys.clear()
        }),
        (
            "assignment of a critical machine signed by one",
            Blocks,
            Authority,
            |p| {
                p.rows[0].class = Class::Critical;
                p.leaves[0].class = Class::Critical;
            },
        ),
        ("one approver where two are needed", Warns, Approvers, |p| {
            p.rows[0].class = Class::Critical;
            p.leaves[0].class = Class::Critical;
            p.roster.people.truncate(1);
        }),
        ("approver's key has run out", Warns, Approvers, |p| {
            p.roster
                .people
                .iter_mut()
                .for_each(|person| person.keys[0].until = NOW);
        }),
        ("no release", Blocks, Release, |p| {
            p.approval.releases.clear()
        }),
        ("another first artifact", Blocks, Release, |p| {
            p.approval.releases[0].length = 11
        }),
        ("less time than declared", Blocks, Release, |p| {
            p.approval.releases[0].install_minutes = 9;
        }),
        ("less recovery than declared", Blocks, Release, |p| {
            p.approval.releases[0].recovery_minutes = 4;
        }),
        ("foreign repository", Blocks, Vendor, |p| {
            p.approval.releases[0].repository = name("other");
        }),
        ("attested by a vendor", Blocks, Vendor, |p| {
            p.approval.releases[0].provenance = Provenance::Attested;
        }),
        (
            "the hospital's own called the vendor's",
            Blocks,
            Vendor,
            |p| {
                p.charter.vendors[0].publisher = Publisher::Custodian;
            },
        ),
        ("foreign product", Blocks, Vendor, |p| {
            p.charter.vendors[0].products.clear()
        }),
        ("foreign path", Blocks, Vendor, |p| {
            p.charter.vendors[0].paths = vec!["pump/".into()];
        }),
        ("path that only begins alike", Blocks, Vendor, |p| {
            p.charter.vendors[0].paths = vec!["view".into()];
        }),
        ("machine without assignment", Blocks, Assigned, |p| {
            p.rows.remove(1);
            p.approval.groups[0].size = 2;
            p.approval.groups[0].minimum_ready = 1;
        }),
        ("another class", Blocks, AssignmentEqual, |p| {
            p.leaves[0].class = Class::Critical
        }),
        ("another unit", Blocks, AssignmentEqual, |p| {
            p.leaves[0].unit = name("icu");
        }),
        ("group left out", Blocks, AssignmentEqual, |p| {
            p.leaves[0].groups.clear()
        }),
        ("observing machine", Blocks, Mode, |p| {
            p.rows[0].mode = crate::trust::assignment::Mode::Observe;
        }),
        ("rehearsing machine", Warns, Mode, |p| {
            p.rows[0].mode = crate::trust::assignment::Mode::Rehearse;
        }),
        ("no interlock profile", Blocks, Interlock, |p| {
            p.machines[0].interlock_profile = None;
        }),
        ("nothing reported", Blocks, Interlock, |p| {
            p.machines.clear()
        }),
        ("model not validated", Blocks, Model, |p| {
            p.rows[0].model = name("kiosk")
        }),
        ("version unknown", Blocks, FromVersion, |p| {
            p.machines[0].versions.clear()
        }),
        ("version too old", Blocks, FromVersion, |p| {
            p.machines[0].versions.insert(name("viewer"), "3.0".into());
        }),
        ("other system", Blocks, Platform, |p| {
            p.machines[0].os = Some("debian-11".into());
        }),
        ("other architecture", Blocks, Platform, |p| {
            p.machines[0].architecture = Some("aarch64".into());
        }),
        ("no slot", Blocks, SlotOrder, |p| p.leaves[0].slots.clear()),
        ("too many slots", Blocks, SlotOrder, |p| {
            p.openings = BTreeMap::from([(name("radiology"), vec![slot(0, 60 * 24 * 90)])]);
            p.leaves[0].slots = (0..65).map(|n| slot(200 + 2 * n, 60)).collect();
        }),
        ("slots in disorder", Blocks, SlotOrder, |p| {
            p.leaves[0].slots.reverse()
        }),
        ("slots overlap", Blocks, SlotOrder, |p| {
            p.leaves[0].slots = vec![slot(48, 90), slot(49, 60)];
        }),
        ("outside every opening", Blocks, SlotAllowed, |p| {
            p.leaves[0].slots.push(slot(200, 60));
        }),
        ("no opening in the unit", Blocks, SlotAllowed, |p| {
            p.openings.clear()
        }),
        ("a freeze took the night", Blocks, SlotAllowed, |p| {
            let night = vec![slot(0, 90), slot(2, 100 * 60)];
            p.openings = BTreeMap::from([(name("radiology"), night)]);
        }),
        ("every slot has passed", Blocks, SlotPast, |p| {
            p.openings = BTreeMap::from([(name("radiology"), vec![slot(-40, 140 * 60)])]);
            p.leaves[0].slots = vec![slot(-30, 60)];
        }),
        ("a slot has passed", Warns, SlotPast, |p| {
            p.openings = BTreeMap::from([(name("radiology"), vec![slot(-40, 140 * 60)])]);
            p.leaves[0].slots.insert(0, slot(-30, 60));
        }),
        ("slot too short", Blocks, SlotLength, |p| {
            p.leaves[0].slots[0] = slot(1, 29)
        }),
        ("restart not reckoned", Blocks, SlotLength, |p| {
            p.leaves[0].slots[0] = slot(1, 35);
            p.approval.releases[0].release.reboot = Reboot::Machine;
        }),
        ("measured longer here", Blocks, MeasuredRun, |p| {
            p.measured_minutes.insert(name("viewer"), 11);
        }),
        ("two at once in this plan", Blocks, MinimumReady, |p| {
            p.leaves[1].slots[0] = slot(49, 60);
        }),
        ("two at once over two plans", Blocks, MinimumReady, |p| {
            p.beside[0].1[0].slots = vec![slot(1, 60)];
        }),
        ("a primary and its backup", Blocks, MinimumReady, |p| {
            p.rows.truncate(2);
            p.beside.clear();
            p.approval.groups[0].size = 2;
            p.approval.groups[0].minimum_ready = 1;
            p.leaves[1].slots[0] = slot(49, 60);
        }),
        ("everyone must stay ready", Blocks, MinimumReady, |p| {
            p.approval.groups[0].minimum_ready = 3;
        }),
        ("the stricter plan counts", Blocks, MinimumReady, |p| {
            p.approval.groups[0].minimum_ready = 1;
            p.leaves[1].slots[0] = slot(49, 60);
        }),
        ("no gap", Blocks, Gap, |p| {
            p.leaves[1].slots[1] = slot(50, 60)
        }),
        ("gap of less than two bounds", Blocks, Gap, |p| {
            let start = NOW.plus_ms(50 * HOUR_MS + 4 * MINUTE_MS - 1);
            p.leaves[1].slots[1] = Interval::new(start, start.plus_ms(HOUR_MS)).unwrap();
        }),
        ("group not stated", Blocks, GroupStated, |p| {
            p.approval.groups.clear()
        }),
        ("group stated twice", Blocks, GroupStated, |p| {
            let twice = p.approval.groups[0].clone();
            p.approval.groups.push(twice);
        }),
        ("minimum above size", Blocks, GroupStated, |p| {
            p.approval.groups[0].minimum_ready = 4;
        }),
        ("no minimum", Warns, GroupStated, |p| {
            p.approval.groups[0].minimum_ready = 0
        }),
        ("a lower minimum than is set", Blocks, GroupStated, |p| {
            p.stated.minimums.insert(name("reading"), 3);
        }),
        ("group larger than assigned", Blocks, GroupSize, |p| {
            p.approval.groups[0].size = 4
        }),
        ("group smaller than assigned", Warns, GroupSize, |p| {
            p.approval.groups[0].size = 2;
            p.approval.groups[0].minimum_ready = 1;
        }),
        ("packages without a way back", Warns, Rollback, |p| {
            p.approval.releases[0].release.kind = packages();
        }),
        ("packages that go back elsewhere", Warns, Rollback, |p| {
            p.approval.releases[0].release.kind = packages();
            p.approval.releases[0].rollback = back_to("4.0");
        }),
        ("plan beside not named", Blocks, Beside, |p| {
            p.named_beside = false
        }),
        ("hole between waves", Blocks, WaveNumber, |p| {
            p.leaves[1].wave = 2
        }),
        ("no soak", Blocks, Soak, |p| {
            p.leaves[1].slots[0] = slot(5, 60);
        }),
        ("soak shorter than a job", Warns, Soak, |p| {
            p.soak_ms = MINUTE_MS
        }),
        ("life support in two waves", Blocks, LifeSupportWave, |p| {
            p.rows[0].class = Class::LifeSupport;
            p.leaves[0].class = Class::LifeSupport;
        }),
        ("more than 100 days", Blocks, Expiry, |p| {
            p.approval.issued = NOW.plus_ms(-98 * DAY_MS)
        }),
        ("metadata ends early", Warns, MetadataExpiry, |p| {
            p.metadata.insert(name("acme"), NOW.plus_ms(DAY_MS));
        }),
        ("metadata unknown", Warns, MetadataExpiry, |p| {
            p.metadata.clear()
        }),
        ("roster ends early", Warns, RosterExpiry, |p| {
            p.roster.expires = NOW.plus_ms(DAY_MS);
        }),
        ("no failure limit", Blocks, FailureLimit, |p| {
            p.approval.failure_limit = 0
        }),
        (
            "a failure limit that nothing reaches",
            Warns,
            FailureLimit,
            |p| {
                p.approval.failure_limit = 3;
            },
        ),
    ]
};

type FileMutant = (&'static str, Rule, fn(&mut PlanFile));

/// Damages the finished file.
const FILE_MUTANTS: &[FileMutant] = {
    use Rule::*;
    &[
        ("approval of garbage", Readable, |f| {
            f.plan.signed = Signed::unsigned(b"\xffgarbage".to_vec());
        }),
        ("leaf of garbage", Readable, |f| {
            f.plan.leaves[0] = ByteBuf::from(b"garbage".to_vec());
        }),
        ("leaf with another slot", Root, |f| {
            let mut leaf = leaf(1, 0, &[slot(1, 60)]);
            leaf.slots[0] = slot(2, 60);
            f.plan.leaves[0] = ByteBuf::from(crate::trust::placement::leaf_bytes(&leaf));
        }),
        ("leaf left out", Root, |f| {
            f.plan.leaves.pop();
        }),
        ("leaf left out and counted so", Root, |f| {
            f.plan.leaves.pop();
            rewrite(f, |a| a.machines = 1);
        }),
        ("no leaf", Root, |f| f.plan.leaves.clear()),
        ("leaves swapped", LeafOrder, |f| f.plan.leaves.reverse()),
        ("leaf twice", LeafOrder, |f| {
            f.plan.leaves[1] = f.plan.leaves[0].clone()
        }),
        ("assignment row swapped", Readable, |f| {
            f.context.assignments[0].leaves.reverse()
        }),
        ("no assignment", Assigned, |f| f.context.assignments.clear()),
        ("no charter", Authority, |f| {
            f.context.chain.charters.clear()
        }),
        ("another root", Authority, |f| {
            f.context.chain.root.keys = vec![PublicKey::of(&key(77))];
        }),
        ("plan beside missing", Beside, |f| f.context.beside.clear()),
        ("plan beside damaged", Root, |f| {
            f.context.beside[0].leaves[0] = f.plan.leaves[0].clone();
        }),
        ("lives on after its last slot", Expiry, |f| {
            rewrite(f, |a| a.expires = a.expires.plus_ms(DAY_MS));
        }),
        ("ends before its last slot", Expiry, |f| {
            rewrite(f, |a| a.expires = NOW.plus_ms(30 * HOUR_MS));
        }),
        ("more waves than machines fill", WaveNumber, |f| {
            rewrite(f, |a| a.waves = 3)
        }),
        ("no wave", WaveNumber, |f| rewrite(f, |a| a.waves = 0)),
    ]
};

#[test]
fn every_damaged_plan_is_found_out() {
    for (what, severity, rule, damage) in PARTS_MUTANTS
        .iter()
        .chain(stated::MUTANTS)
        .chain(halted::MUTANTS)
    {
        let mut parts = parts();
        damage(&mut parts);
        let found = check(&parts.file(), NOW);
        let hit = found
            .iter()
            .find(|f| f.rule == *rule && f.severity == *severity);
        assert!(hit.is_some(), "{what}: only {found:#?}");
    }
    for (what, rule, damage) in FILE_MUTANTS {
        let mut file = parts().file();
        damage(&mut file);
        let found = check(&file, NOW);
        let hit = found
            .iter()
            .find(|f| f.rule == *rule && f.severity == Severity::Blocks);
        assert!(hit.is_some(), "{what}: only {found:#?}");
    }
}

#[test]
fn an_expired_plan_is_not_signed() {
    let file = parts().file();
    let late = check(&file, NOW.plus_ms(79 * DAY_MS));
    assert!(
        late.iter()
            .any(|f| f.rule == Rule::Expiry && f.severity == Severity::Blocks)
    );
}

#[test]
fn a_plan_beside_that_has_expired_does_not_count() {
    let mut parts = parts();
    parts.beside[0].1[0].slots = vec![slot(-2, 60)];
    parts.named_beside = false;
    assert_eq!(check(&parts.file(), NOW), []);
}

#[test]
fn an_earlier_release_of_the_plan_is_the_version_that_the_next_one_finds() {
    let mut parts = parts();
    let mut stone = release();
    stone.release.version = "4.1".into();
    stone.release.counter = 41;
    stone.release.applies_to.from = vec!["4.0".into()];
    parts.approval.releases.insert(0, stone);
    for machine in &mut parts.machines {
        machine.versions.insert(name("viewer"), "4.0".into());
    }
    assert_eq!(check(&parts.file(), NOW), []);
    parts.approval.releases.reverse();
    let found = check(&parts.file(), NOW);
    assert!(found.iter().any(|f| f.rule == Rule::FromVersion));
}

#[test]
fn every_rule_has_a_plan_that_breaks_it() {
    use std::collections::BTreeSet;
    let tested: BTreeSet<Rule> = PARTS_MUTANTS
        .iter()
        .chain(stated::MUTANTS)
        .chain(halted::MUTANTS)
        .map(|mutant| mutant.2)
        .chain(FILE_MUTANTS.iter().map(|mutant| mutant.1))
        .collect();
    // The last rule of the list; an enum's discriminants count from 0.
    assert_eq!(tested.len(), Rule::VendorPolicy as usize + 1);
}
