//! The documents of the hospital of these tests, and its keys from fixed seeds.

use super::vendor_root;
use crate::digest::Digest;
use crate::id::{Label, MachineId, Name};
use crate::time::{DAY_MS, HOUR_MS, Interval, UtcMs};
use crate::trust::approval::{
    Approval, ApprovedRelease, GroupMinimum, PlanLeaf, Rollback, RollbackRelease,
};
use crate::trust::assignment::{AssignmentLeaf, Mode};
use crate::trust::charter::{Charter, Publisher, Registrar, RootKeys, VendorGrant};
use crate::trust::release::{
    Applicability, ArtifactRef, Kind, Provenance, Reboot, ReleaseDescription, TreeKind,
};
use crate::trust::roster::{
    Approvers, Class, GoKey, KeyKind, Person, PersonKey, Roster, SigningRole, Units,
};
use crate::trust::sign::{Document, PublicKey, Signed};
use crate::trust::watermark::Watermark;
use ed25519_dalek::SigningKey;

/// Inside the machine's second slot.
pub(in crate::trust::check::tests) const NOW: UtcMs = UtcMs(1_800_000_000_000);
pub(in crate::trust::check::tests) const MACHINE: MachineId = MachineId([5; 32]);
pub(in crate::trust::check::tests) const OTHER_MACHINE: MachineId = MachineId([6; 32]);

// Seeds of keys. The root's threshold is two of three.
pub(in crate::trust::check::tests) const ROOTS: [u8; 3] = [1, 2, 3];
pub(in crate::trust::check::tests) const REGISTRAR: u8 = 10;
/// Approver everywhere, with a file key.
pub(in crate::trust::check::tests) const ANNA: u8 = 20;
/// Anna's second key.
pub(in crate::trust::check::tests) const ANNA_BROWSER: u8 = 21;
/// Approver everywhere, with a browser key.
pub(in crate::trust::check::tests) const BEN: u8 = 22;
/// Approver of radiology only, with a file key.
pub(in crate::trust::check::tests) const CARL: u8 = 23;
/// Technician of ICU-3.
pub(in crate::trust::check::tests) const TINA: u8 = 24;
/// Approver of ICU-3, with a file key.
pub(in crate::trust::check::tests) const DORA: u8 = 25;
/// Approver everywhere, but her key's time is over.
pub(in crate::trust::check::tests) const OLGA: u8 = 26;
pub(in crate::trust::check::tests) const GO: u8 = 30;
pub(in crate::trust::check::tests) const VENDOR: u8 = 40;
pub(in crate::trust::check::tests) const STRANGER: u8 = 99;

pub(in crate::trust::check::tests) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(in crate::trust::check::tests) fn public(seed: u8) -> PublicKey {
    PublicKey::of(&key(seed))
}

pub(in crate::trust::check::tests) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(in crate::trust::check::tests) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub(in crate::trust::check::tests) fn slot(from_ms: i64, to_ms: i64) -> Interval {
    Interval::new(NOW.plus_ms(from_ms), NOW.plus_ms(to_ms)).unwrap()
}

pub(in crate::trust::check::tests) fn sign<T: Document>(document: &T, seeds: &[u8]) -> Signed<T> {
    let mut signed = Signed::unsigned(crate::codec::encode_deterministic(document));
    seeds.iter().for_each(|seed| signed.cosign(&key(*seed)));
    signed
}

pub(super) fn watermark() -> Watermark {
    let root = RootKeys {
        keys: ROOTS.map(public).to_vec(),
        threshold: 2,
    };
    let mut watermark = Watermark::new(MACHINE, root);
    watermark.counters.insert(name("viewer"), 41);
    watermark.time = NOW.plus_ms(-HOUR_MS);
    watermark
}

pub(super) fn charter() -> Charter {
    Charter {
        number: 1,
        issued: NOW.plus_ms(-30 * DAY_MS),
        expires: NOW.plus_ms(300 * DAY_MS),
        root: watermark().root,
        registrars: vec![Registrar {
            name: name("rita"),
            key: public(REGISTRAR),
        }],
        vendors: vec![VendorGrant {
            vendor: name("acme"),
            publisher: Publisher::Vendor,
            repository: name("acme"),
            root: Digest::of(&vendor_root()),
            products: vec![name("viewer")],
            paths: vec!["viewer/".into()],
        }],
    }
}

pub(super) fn person(id: &str, role: SigningRole, units: Units, seeds: &[(u8, KeyKind)]) -> Person {
    Person {
        id: name(id),
        name: label(id),
        roles: vec![role],
        units,
        keys: seeds
            .iter()
            .map(|&(seed, kind)| PersonKey {
                key: public(seed),
                kind,
                from: NOW.plus_ms(-30 * DAY_MS),
                until: NOW.plus_ms(if seed == OLGA { 0 } else { 60 * DAY_MS }),
            })
            .collect(),
    }
}

pub(super) fn roster() -> Roster {
    use KeyKind::{Browser, File};
    use SigningRole::{Approver, Technician};
    let only = |unit| Units::Only(vec![name(unit)]);
    Roster {
        number: 7,
        issued: NOW.plus_ms(-DAY_MS),
        expires: NOW.plus_ms(60 * DAY_MS),
        people: vec![
            person(
                "anna",
                Approver,
                Units::All,
                &[(ANNA, File), (ANNA_BROWSER, Browser)],
            ),
            person("ben", Approver, Units::All, &[(BEN, Browser)]),
            person("carl", Approver, only("radiology"), &[(CARL, File)]),
            person("tina", Technician, only("icu-3"), &[(TINA, File)]),
            person("dora", Approver, only("icu-3"), &[(DORA, File)]),
            person("olga", Approver, Units::All, &[(OLGA, File)]),
        ],
        go_keys: vec![GoKey {
            collector: name("main"),
            key: public(GO),
            from: NOW.plus_ms(-30 * DAY_MS),
            until: NOW.plus_ms(60 * DAY_MS),
        }],
        approvers: Approvers::default(),
    }
}

pub(super) fn row(machine: MachineId) -> AssignmentLeaf {
    AssignmentLeaf {
        machine,
        name: label("Nurses' station 2"),
        unit: name("icu-3"),
        class: Class::Critical,
        groups: vec![name("icu-stations")],
        model: name("optistation"),
        mode: Mode::Active,
    }
}

pub(super) fn leaf(machine: MachineId) -> PlanLeaf {
    PlanLeaf {
        machine,
        unit: name("icu-3"),
        class: Class::Critical,
        groups: vec![name("icu-stations")],
        wave: 0,
        slots: vec![
            slot(-25 * HOUR_MS, -23 * HOUR_MS),
            slot(-HOUR_MS, 2 * HOUR_MS),
            slot(23 * HOUR_MS, 25 * HOUR_MS),
        ],
    }
}

/// A release of the product `viewer`.
pub(in crate::trust::check::tests) fn viewer(version: &str, counter: u64) -> ReleaseDescription {
    ReleaseDescription {
        product: name("viewer"),
        version: version.into(),
        counter,
        kind: Kind::Tree(TreeKind {
            name: name("viewer"),
            service: None,
        }),
        artifacts: vec![ArtifactRef {
            path: format!("viewer/{version}.tar"),
            sha256: Digest::of(version.as_bytes()),
            length: version.len() as u64,
        }],
        applies_to: Applicability {
            from: vec!["4.1".into(), "4.0".into()],
            os: vec!["debian-13".into()],
            architectures: vec!["x86_64".into()],
            models: vec![name("optistation")],
        },
        stepping_stones: Vec::new(),
        reboot: Reboot::Service,
        install_minutes: 20,
        recovery_minutes: 10,
        checks_before: Vec::new(),
        checks_after: vec![name("viewer")],
        fixes: vec!["CVE-2026-0001".into()],
        users_will_notice: None,
    }
}

pub(super) fn approval() -> Approval {
    let release = viewer("4.2", 42);
    let first = release.artifacts[0].clone();
    Approval {
        title: label("Viewer 4.2"),
        issued: NOW.plus_ms(-2 * DAY_MS),
        expires: NOW.plus_ms(2 * DAY_MS),
        releases: vec![ApprovedRelease {
            repository: name("acme"),
            path: first.path,
            sha256: first.sha256,
            length: first.length,
            provenance: Provenance::Vendor,
            install_minutes: release.install_minutes,
            recovery_minutes: release.recovery_minutes,
            release,
            rollback: Rollback::Release(Box::new(RollbackRelease {
                path: "viewer/4.1.tar".into(),
                release: viewer("4.1", 41),
            })),
        }],
        waves: 1,
        machines: 0,
        root: Digest::default(),
        groups: vec![GroupMinimum {
            group: name("icu-stations"),
            size: 2,
            minimum_ready: 1,
        }],
        beside: Vec::new(),
        failure_limit: 1,
        clears: Vec::new(),
        emergency: None,
    }
}
