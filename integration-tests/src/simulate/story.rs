//! Stories: one hospital, one thing that happens, told in lines that people read.
//!
//! Nothing goes wrong by chance here; what does is told. Machines are idle unless a story
//! says that they are used.

mod emergency;

use super::Settings;
use super::chance::Chance;
use super::fleet::build_at;
use super::machine::Usage;
use super::strike::Strike;
use super::world::{Event, World};
use patchward_collector::store::windows::{Area, Freeze, Opening, Window};
use patchward_common::plan::wave_number;
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::assignment::Mode;
use std::collections::BTreeMap;

/// A story's name and its teller.
pub type Story = (&'static str, fn() -> String);

/// All of them.
pub const STORIES: &[Story] = &[
    ("patch-tuesday-with-a-freeze", patch_tuesday),
    ("clock-change-in-a-window", clock_change),
    ("half-a-unit-offline", half_offline),
    ("a-canary-that-fails", failing_canary),
    ("a-wave-that-htm-opens", opened_wave),
    ("in-use-for-three-nights", three_nights),
    ("always-used-and-handed-over", handed_over),
    ("collector-down-at-the-opening", collector_down),
    ("two-releases-one-group", two_releases),
    ("monthly-windows-over-a-quarter", quarter),
    ("200-pcs-150-ready", two_hundred),
    ("emergency-against-a-kev-date", emergency::story),
];

/// Characters of a line that say its day.
const DAY_CHARS: usize = 10;
/// 2027-03-01T08:00:00Z, a Monday.
const MARCH: UtcMs = UtcMs(1_803_888_000_000);

fn hospital(machines: usize, minimum: u32, began: UtcMs) -> World {
    let settings = Settings {
        machines,
        days: 100,
        mutant: None,
        trace: true,
    };
    let mut world = build_at(1, &settings, Chance::new(1), began, 1);
    world.is_calm = true;
    let now = world.now;
    let mut rows: Vec<_> = world.hospital.rows.values().cloned().collect();
    for row in &mut rows {
        row.groups = vec![super::hospital::name("readers-0")];
        row.mode = Mode::Active;
    }
    world.hospital.assign(rows, now);
    world.db.assignments = world.hospital.assignments.len();
    for (m, machine) in world.machines.iter_mut().enumerate() {
        machine.usage = Usage::Told;
        machine.clock_ms = 0;
        world.db.machines[m].mode = Mode::Active;
    }
    world
        .db
        .groups
        .retain(|name, _| name.as_str() == "readers-0");
    world
        .db
        .members
        .retain(|name, _| name.as_str() == "readers-0");
    if let Some(group) = world.db.groups.values_mut().next() {
        group.minimum_ready = minimum;
    }
    world.after(0, Event::Reconcile);
    for m in 0..machines {
        world.soon(m);
    }
    for day in 0..100 {
        world.after(day * DAY_MS, Event::Scripted(World::vendor_signs_anew));
    }
    world
}

impl World {
    /// The vendor signs its metadata anew, the calendars are read, and the roster is
    /// renewed before it runs out.
    fn vendor_signs_anew(&mut self) {
        self.vendor.edition(self.now);
        self.db.feeds[0].read_at = self.now;
        if self.now.plus_ms(5 * DAY_MS) > self.db.roster.0.expires {
            self.roster_anew(3);
        }
    }

    fn tell(&mut self, line: &str) {
        let line = format!("-- {line}");
        self.trace(|| line);
    }

    fn plan_of(&mut self, product: &str, reboot: bool) {
        let now = self.now;
        let release = self.vendor.release(product, reboot, true, now);
        self.plan_release(release);
    }

    fn plan_release(&mut self, release: ApprovedRelease) {
        let machines: Vec<usize> = (0..self.machines.len()).collect();
        let planned = self.plan_for(vec![release], &machines, [MINUTE_MS, 2 * MINUTE_MS]);
        let Some(plan) = planned.and_then(|digest| self.db.plan(digest)) else {
            return self.tell("no plan can be made");
        };
        let mut told = Vec::new();
        for leaf in plan.leaves.iter().take(12) {
            let m = self.machines.iter().position(|m| m.id == leaf.machine);
            let slots: Vec<String> = leaf.slots.iter().map(|s| s.start().to_string()).collect();
            let m = m.unwrap_or_default();
            told.push((
                m,
                format!(
                    "   pc-{m} in wave {}: {}",
                    wave_number(leaf.wave),
                    slots.join(", ")
                ),
            ));
        }
        told.sort();
        for (_, line) in told {
            self.trace(|| line);
        }
    }

    fn plan_viewer(&mut self) {
        self.plan_of("viewer", false);
    }

    fn plan_driver(&mut self) {
        self.plan_of("driver", true);
    }

    /// The next opening of each window, as the product's preview has it.
    fn tell_windows(&mut self) {
        for window in self.db.windows.clone() {
            let understood = window.understood().unwrap();
            for next in understood.preview(self.now, 1).unwrap() {
                let (words, minutes) = (understood.words(), next.opening.length_ms() / MINUTE_MS);
                let change = if next.clock_change {
                    "; the clock changes"
                } else {
                    ""
                };
                let (from, until) = (&next.local_start, &next.local_end);
                self.tell(&format!(
                    "window of {words}: {from} to {until}, {minutes} minutes{change}"
                ));
            }
        }
    }

    /// Nothing starts in the unit until then.
    fn freeze_unit(&mut self, what: &str, until: UtcMs) {
        let freeze = Freeze {
            id: super::hospital::label(what),
            area: Area::Unit,
            subject: self.db.units[0].name.to_string(),
            start: self.now,
            end: until,
            reason: what.into(),
            source: super::hospital::name("theatre"),
        };
        self.db.freezes.push(freeze);
    }

    fn days_long(&mut self, days: i64) {
        let end = self.began.plus_ms(days * DAY_MS);
        self.run(end);
        self.now = end;
    }

    fn told(mut self) -> String {
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        for job in self.db.jobs.values() {
            *states.entry(job.state.word()).or_default() += 1;
        }
        let counted: Vec<String> = states
            .iter()
            .map(|(word, n)| format!("{n} {word}"))
            .collect();
        let broken = self.truth.violations.len();
        let line = format!(
            "at the end: {}; {broken} invariants broken",
            counted.join(", ")
        );
        self.tell(&line);
        let mut text = String::new();
        let mut said = std::collections::BTreeSet::new();
        for line in &self.lines {
            let what = line.split_once(' ').map_or("", |(_, what)| what);
            let is_noise = ["step_ended", "gets a go", " prepared", "plan Digest"];
            // An agent asks again every minute: the same is told once a day, so that three
            // nights are three lines.
            let day: String = line.chars().take(DAY_CHARS).collect();
            let is_news = what.starts_with("--") || said.insert((day, what.to_owned()));
            if is_news && !is_noise.iter().any(|noise| line.contains(noise)) {
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }

    /// Each night in one line, where there are too many machines for more.
    fn told_by_nights(mut self) -> String {
        let mut nights: BTreeMap<String, [usize; 2]> = BTreeMap::new();
        for line in &self.lines {
            let night = nights
                .entry(line.chars().take(DAY_CHARS).collect())
                .or_default();
            night[0] += usize::from(line.ends_with(" started"));
            night[1] += usize::from(line.ends_with("measured, verified"));
        }
        nights.retain(|_, counts| counts[0] > 0);
        self.lines.clear();
        for (night, [started, verified]) in nights {
            self.lines
                .push(format!("{night} {started} started, {verified} verified"));
        }
        self.told()
    }
}

fn patch_tuesday() -> String {
    // The second Tuesday of the month is the 9th; the four nights after it are open.
    let mut world = hospital(4, 2, MARCH);
    let night = world.db.windows.remove(0);
    world.db.windows.extend((1..=4).map(|days_after| Window {
        id: super::hospital::name(&format!("patch-tuesday-{days_after}")),
        opening: Opening::Cron("0 1 8-14 * Tue".into()),
        day_offset: days_after,
        ..night.clone()
    }));
    world.after(HOUR_MS, Event::Scripted(World::tell_windows));
    world.after(HOUR_MS, Event::Scripted(World::plan_viewer));
    world.after(
        9 * DAY_MS + 4 * HOUR_MS,
        Event::Scripted(|world| {
            world.tell("HTM freezes the unit until tomorrow at noon: a theatre list");
            let until = world.now.plus_ms(DAY_MS);
            world.freeze_unit("theatre list", until);
        }),
    );
    world.days_long(13);
    world.told()
}

fn clock_change() -> String {
    // 2027-03-28: at 02:00 the clock of Berlin goes on to 03:00, in the middle of the window;
    // the second slot begins at 01:57, so that somebody is at work then.
    let mut world = hospital(3, 2, MARCH.plus_ms(26 * DAY_MS));
    world.db.windows[0].opening = Opening::Cron("23 1 * * *".into());
    world.after(HOUR_MS, Event::Scripted(World::tell_windows));
    world.after(HOUR_MS, Event::Scripted(World::plan_viewer));
    world.days_long(4);
    world.told()
}

fn half_offline() -> String {
    let mut world = hospital(6, 3, MARCH);
    world.after(
        12 * HOUR_MS,
        Event::Scripted(|world| {
            world.tell("three of six machines are cut off for two days");
            for m in 0..3 {
                world.link_breaks(m);
                world.machines[m].is_cut_off = true;
                world.after(2 * DAY_MS, Event::Strike(m, Strike::LinkBack));
            }
        }),
    );
    world.after(HOUR_MS, Event::Scripted(World::plan_viewer));
    world.days_long(9);
    world.told()
}

fn failing_canary() -> String {
    let mut world = hospital(6, 4, MARCH);
    world.fails_on = (0..6).collect();
    world.after(HOUR_MS, Event::Scripted(World::plan_viewer));
    world.days_long(9);
    world.told()
}

fn opened_wave() -> String {
    let mut world = hospital(6, 4, MARCH);
    world.after(
        HOUR_MS,
        Event::Scripted(|world| {
            world.plan_viewer();
            let leaves = world.db.plans.iter().flat_map(|plan| plan.leaves.iter());
            let canary = leaves.min_by_key(|leaf| (leaf.wave, leaf.machine));
            let canary = canary.map(|leaf| leaf.machine);
            let m = world.machines.iter().position(|m| Some(m.id) == canary);
            world.fails_on.extend(m);
        }),
    );
    world.after(
        3 * DAY_MS,
        Event::Scripted(|world| {
            world.tell("HTM has looked at the canary that failed");
            world.judge_everything();
        }),
    );
    world.days_long(9);
    world.told()
}

fn three_nights() -> String {
    let mut world = hospital(2, 1, MARCH);
    for night in 0..3 {
        let start = MARCH.plus_ms(night * DAY_MS + 12 * HOUR_MS);
        let until = start.plus_ms(10 * HOUR_MS);
        world
            .busy
            .extend(Interval::new(start, until).map(|when| (0, when)));
    }
    world.after(HOUR_MS, Event::Scripted(World::plan_viewer));
    world.days_long(6);
    world.told()
}

fn handed_over() -> String {
    let mut world = hospital(2, 1, MARCH);
    world.machines[1].usage = Usage::Always;
    for hour in 14..20 {
        world.after(
            2 * DAY_MS + hour * HOUR_MS,
            Event::Strike(1, Strike::HandOver),
        );
    }
    world.after(HOUR_MS, Event::Scripted(World::plan_driver));
    world.days_long(6);
    world.told()
}

fn collector_down() -> String {
    let mut world = hospital(2, 1, MARCH);
    world.after(
        15 * HOUR_MS,
        Event::Scripted(|world| {
            world.tell("the collector is down as the window opens, for 90 minutes");
            for m in 0..world.machines.len() {
                world.link_breaks(m);
            }
            world.collector.is_up = false;
            world.after(90 * MINUTE_MS, Event::CollectorUp);
        }),
    );
    world.after(HOUR_MS, Event::Scripted(World::plan_viewer));
    world.days_long(6);
    world.told()
}

fn two_releases() -> String {
    let mut world = hospital(3, 2, MARCH);
    world.after(HOUR_MS, Event::Scripted(World::plan_viewer));
    world.after(2 * HOUR_MS, Event::Scripted(World::plan_driver));
    world.days_long(8);
    world.told()
}

fn quarter() -> String {
    let mut world = hospital(3, 2, MARCH);
    world.horizon_ms = 95 * DAY_MS;
    world.db.windows[0].opening = Opening::Cron("0 2 1-7 * Sun".into());
    world.after(HOUR_MS, Event::Scripted(World::plan_viewer));
    world.days_long(95);
    world.told()
}

fn two_hundred() -> String {
    let mut world = hospital(200, 150, MARCH);
    world.after(HOUR_MS, Event::Scripted(World::plan_viewer));
    world.days_long(12);
    world.told_by_nights()
}
