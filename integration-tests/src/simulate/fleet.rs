//! The hospital at the beginning: units, groups, machines, windows.

use super::Settings;
use super::agent::Agent;
use super::chance::Chance;
use super::db::Db;
use super::hospital::{Hospital, label, name};
use super::machine::{Disk, Machine, Software, Usage};
use super::vendor::Vendor;
use super::world::World;
use ed25519_dalek::SigningKey;
use patchward_collector::store::machines::{Machine as MachineRow, MachineState};
use patchward_collector::store::places::{Group, SwitchedOff, Unit};
use patchward_collector::store::windows::{Area, Feed, Opening, Window};
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, MachineId, OutboxId};
use patchward_common::time::{DAY_MS, HOUR_MS, UtcMs};
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use patchward_common::trust::papers::Papers;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::PublicKey;
use patchward_common::trust::watermark::Watermark;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// 2027-01-01T00:00:00Z; a month begins on any day of that year.
const YEAR: UtcMs = UtcMs(1_798_761_600_000);
/// Machines of one unit.
const UNIT: usize = 8;
/// What machines there are; two of three are of the first model.
pub(super) const MODELS: [&str; 2] = ["station", "cart"];

pub(super) fn build(seed: u64, settings: &Settings) -> World {
    let mut chance = Chance::new(seed);
    let began = YEAR.plus_ms(chance.within(0, 365) * DAY_MS + 8 * HOUR_MS);
    let units = settings.machines.div_ceil(UNIT).max(1);
    build_at(seed, settings, chance, began, units)
}

/// The same, at an instant and with so many units.
pub(super) fn build_at(
    seed: u64,
    settings: &Settings,
    mut chance: Chance,
    began: UtcMs,
    units: usize,
) -> World {
    let vendor = Vendor::new(&mut chance, began);
    let mut hospital = Hospital::new(&mut chance, vendor.root_digest(), began);
    let mut machines = Vec::new();
    let mut rows = Vec::new();
    for m in 0..settings.machines {
        let machine = machine(&mut chance, &hospital, m, m % units);
        rows.push(row(&machine, m, units));
        machines.push(machine);
    }
    hospital.assign(rows, began);
    let db = db(&hospital, &machines, units, began);
    let mut world = World::of(
        seed, settings, began, chance, hospital, vendor, db, machines,
    );
    world.first_documents();
    world
}

fn machine(chance: &mut Chance, hospital: &Hospital, m: usize, unit: usize) -> Machine {
    let key = SigningKey::from_bytes(&chance.bytes());
    let public = PublicKey::of(&key);
    let id = MachineId(public.id().0);
    let mut sixteen = || {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&chance.bytes()[..16]);
        bytes
    };
    let (boot, outbox) = (BootId(sixteen()), OutboxId(sixteen()));
    let software = Vendor::products().map(|product| {
        let software = Software {
            version: "1.0".into(),
            running: "1.0".into(),
            is_half: false,
            is_up: true,
        };
        (product, software)
    });
    Machine {
        id,
        key,
        public,
        unit,
        usage: match m % 10 {
            3 | 7 => Usage::Night,
            5 => Usage::Always,
            _ => Usage::Office,
        },
        is_on: true,
        boot,
        boots: 0,
        clock_ms: chance.within(-20_000, 20_000),
        is_cut_off: false,
        is_ready: true,
        is_hostile: false,
        installer_runs: true,
        asked: None,
        disk: Disk {
            watermark: Watermark::new(id, hospital.root_keys()),
            papers: Rc::new(Papers::default()),
            journal: Vec::new(),
            previous: Digest::default(),
            record: None,
            staged: BTreeMap::new(),
            steps: BTreeMap::new(),
            held_until: None,
            handover: None,
            unsynced: Vec::new(),
            full_until: UtcMs(0),
            is_damaged: false,
        },
        jobs: BTreeMap::new(),
        known: Rc::default(),
        running: None,
        software: software.into(),
        agent: Agent::new(outbox),
        kept: Vec::new(),
        brought: Vec::new(),
        heard_at: None,
        fresh_downloads: Default::default(),
        fetched_at: UtcMs(0),
    }
}

fn class_of(unit: usize) -> Class {
    match unit % 3 {
        1 => Class::Critical,
        _ => Class::Standard,
    }
}

fn row(machine: &Machine, m: usize, units: usize) -> AssignmentLeaf {
    let unit = machine.unit;
    let mut groups = vec![name(&format!("readers-{unit}"))];
    // A primary and its backup, beside the larger group of their unit.
    if m / units < 2 {
        groups.insert(0, name(&format!("pair-{unit}")));
    }
    AssignmentLeaf {
        machine: machine.id,
        name: label(&format!("pc-{m}")),
        unit: name(&format!("unit-{unit}")),
        class: class_of(unit),
        groups,
        model: name(MODELS[usize::from(m.is_multiple_of(3))]),
        mode: match m % 25 {
            24 => Mode::Rehearse,
            _ => Mode::Active,
        },
    }
}

/// A calendar whose freezes hold everywhere.
fn theatre(began: UtcMs) -> Feed {
    Feed {
        source: name("theatre"),
        area: Area::All,
        subject: String::new(),
        read_at: began.plus_ms(-HOUR_MS),
        problem: None,
    }
}

fn db(hospital: &Hospital, machines: &[Machine], units: usize, began: UtcMs) -> Db {
    let rows = machines.iter().enumerate().map(|(m, machine)| {
        let row = &hospital.rows[&machine.id];
        MachineRow {
            id: machine.id,
            spki: Vec::new(),
            name: name(&format!("pc-{m}")),
            unit: row.unit.clone(),
            class: row.class,
            model: row.model.clone(),
            mode: row.mode,
            state: MachineState::Enrolled,
            enrolled_at: began,
            clone_suspected_at: None,
            clone_reason: None,
        }
    });
    let mut members: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (m, machine) in machines.iter().enumerate() {
        for group in &hospital.rows[&machine.id].groups {
            members.entry(group.clone()).or_default().push(m);
        }
    }
    let groups = members.iter().map(|(group, members)| {
        let size = members.len() as u32;
        let minimum_ready = match size {
            0..=2 => size.saturating_sub(1),
            _ => size - (size / 3).max(1),
        };
        let row = Group {
            name: group.clone(),
            unit: hospital.rows[&machines[members[0]].id].unit.clone(),
            minimum_ready,
            switched_off: SwitchedOff::DoesNotCount,
        };
        (group.clone(), row)
    });
    Db {
        machines: rows.collect(),
        statuses: vec![None; machines.len()],
        units: (0..units).map(unit).collect(),
        groups: groups.collect(),
        windows: (0..units).map(|unit| window(unit, 1)).collect(),
        members,
        roster: Rc::new(hospital.roster().clone()),
        assignments: hospital.assignments.len(),
        plans: Vec::new(),
        jobs: BTreeMap::new(),
        judged: BTreeMap::new(),
        openings: BTreeSet::new(),
        goes: BTreeMap::new(),
        go_of: BTreeMap::new(),
        last_go_used: BTreeMap::new(),
        stops: Vec::new(),
        lifts: Vec::new(),
        handovers: Vec::new(),
        halts: Vec::new(),
        holds: Vec::new(),
        freezes: Vec::new(),
        feeds: vec![theatre(began)],
        outboxes: BTreeMap::new(),
        to_consume: BTreeSet::new(),
        early: BTreeMap::new(),
        changes: 0,
        awaits_confirmation: false,
        orders: 1,
    }
}

fn unit(unit: usize) -> Unit {
    Unit {
        name: name(&format!("unit-{unit}")),
        site: name("main"),
        title: label(&format!("Unit {unit}")),
        class: class_of(unit),
    }
}

/// A unit's nightly window, from an hour of the night on.
pub(super) fn window(unit: usize, hour: u32) -> Window {
    Window {
        id: name(&format!("night-{unit}")),
        unit: name(&format!("unit-{unit}")),
        opening: Opening::Cron(format!("0 {hour} * * *")),
        zone: "Europe/Berlin".into(),
        minutes: 210,
        day_offset: 0,
        valid_from: None,
        valid_until: None,
    }
}
