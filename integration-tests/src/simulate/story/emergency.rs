//! An emergency against a due date: the usual plan misses it behind a freeze, an emergency
//! plan of two people opens its own window, overrides the freeze and keeps the date.

use super::super::{fleet, hospital};
use super::{DAY_MS, Event, HOUR_MS, Interval, MARCH, MINUTE_MS, UtcMs, World};
use patchward_collector::forecast::{Counts, Hope, curve};
use patchward_collector::prospect::{Prospect, hope};
use patchward_collector::store::windows::Opening;
use patchward_common::id::JobId;
use patchward_common::trust::approval::Emergency;

/// The freeze in the way.
const GO_LIVE: &str = "go-live";
/// How long the emergency's own window is.
const WINDOW_MINUTES: u32 = 600;

pub(super) fn story() -> String {
    let mut world = super::hospital(3, 2, MARCH);
    world.after(
        HOUR_MS,
        Event::Scripted(|world| {
            world.tell("the unit is frozen for five days: go-live of the archive");
            world.freeze_unit(GO_LIVE, world.now.plus_ms(5 * DAY_MS));
            world.tell("the usual plan, as HTM sees it before anyone signs:");
            world.plan_viewer();
            world.tell_forecast();
        }),
    );
    world.after(
        HOUR_MS + MINUTE_MS / 2,
        Event::Scripted(World::declare_emergency),
    );
    world.after(2 * DAY_MS, Event::Scripted(World::tell_forecast));
    world.days_long(4);
    world.told()
}

/// What KEV says: two days.
fn due() -> UtcMs {
    MARCH.plus_ms(2 * DAY_MS)
}

impl World {
    /// HTM drops the draft and plans its releases as an emergency.
    fn declare_emergency(&mut self) {
        let draft = self.db.plans.pop().expect("the usual plan can be made");
        self.tell("KEV: exploited; HTM plans it as an emergency, two must sign");
        self.tell("it opens a window of its own from now and overrides the go-live's freeze");
        let mut once = fleet::window(0, 1);
        once.id = hospital::name("emergency");
        once.opening = Opening::Once(self.now);
        once.minutes = WINDOW_MINUTES;
        self.db.windows.push(once);
        self.emergency = Some(Emergency {
            reason: hospital::label("exploited, in KEV"),
            freezes: vec![hospital::label(GO_LIVE)],
        });
        self.plan_release(draft.approval.releases[0].clone());
        self.tell_forecast();
    }

    /// What the product's forecast says of the newest plan against the due date.
    fn tell_forecast(&mut self) {
        let Some(plan) = self.db.plans.last() else {
            return;
        };
        let chance = Counts::default().chance(&Counts::default(), None);
        let hopes = plan.leaves.iter().map(|leaf| {
            let job = self.db.jobs.get(&JobId::of(plan.digest, leaf.machine));
            let to_come = leaf.slots.iter().filter(|slot| self.now < slot.end());
            let to_come: Vec<Interval> = to_come.copied().collect();
            hope(leaf.machine, &to_come, job, self.now, |_| chance)
        });
        let hopes: Vec<Hope> = hopes.collect();
        let ends = hopes.iter().flat_map(|hope| &hope.slots);
        let last = ends.map(|slot| slot.end).max().unwrap_or(self.now);
        let at_due = curve(&hopes, &[due()]);
        let judged = patchward_collector::forecast::curve::due(&at_due[0], hopes.len());
        let prospect = Prospect {
            machines: hopes.len(),
            done: hopes.iter().filter(|hope| hope.done.is_some()).count(),
            curve: curve(&hopes, &[last]),
            due: Some((due(), judged)),
            starving: Vec::new(),
            unfit: Vec::new(),
            hindered: Vec::new(),
        };
        let text = format!("forecast: {}", prospect.text(|at| at.to_string()));
        self.tell(&text);
    }
}
