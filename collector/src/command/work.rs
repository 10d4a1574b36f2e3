//! The approved work of a unit, or of all, as a calendar, as it stands: what is frozen, stopped or halted
//! is cancelled, and what has ended leaves the times that it does not need.

mod off;

use super::no_unit;
use crate::app::App;
use crate::control::{Failure, Output};
use crate::schedule::ical::{Entry, Revision, Status, revise, written};
use crate::store::View;
use crate::store::places::Unit;
use crate::store::plans::{Plan, PlanState};
use off::{Fate, Standing};
use patchward_common::codec;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::{DAY_MS, Interval, UtcMs};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::words::counted;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

/// Work that ended longer ago is no longer shown.
const SHOWN_MS: i64 = 30 * DAY_MS;
/// Most machines of one entry that are named.
const MAX_NAMED: usize = 50;

/// Approved work as a calendar.
pub(crate) struct Work {
    /// The file.
    pub(crate) text: String,
    /// How many times there are in it.
    pub(crate) times: usize,
    /// The revisions of those that are new or have changed. Whoever hands the calendar out
    /// again and again keeps them.
    pub(crate) fresh: Vec<Revision>,
}

/// Writes what is approved in `unit`.
pub(super) async fn export(app: &App, unit: &Name) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let work = calendar(&mut view, Some(unit), app.now()).await?;
    let text = format!(
        "{} of approved work in {unit}.",
        counted(work.times, "time", "times")
    );
    Ok(Output::File {
        bytes: ByteBuf::from(work.text.into_bytes()),
        text,
    })
}

/// What is approved in a unit, or in all of them: one entry for each plan, unit, time and
/// kind of slot.
pub(crate) async fn calendar(
    view: &mut View,
    unit: Option<&Name>,
    now: UtcMs,
) -> Result<Work, Failure> {
    let (units, title) = match unit {
        Some(unit) => {
            let known = view.unit(unit).await?;
            let known = known.ok_or_else(|| no_unit(unit))?;
            let title = format!("{}: approved work", known.title);
            (vec![known], title)
        }
        None => (view.units().await?, "Approved work".to_owned()),
    };
    let mut entries = Vec::new();
    for unit in &units {
        entries.extend(of_unit(view, unit, now).await?);
    }
    entries.sort_by(|a, b| (a.start, &a.uid).cmp(&(b.start, &b.uid)));
    let fresh = revise(&mut entries, view.calendar_revisions().await?, now);
    Ok(Work {
        text: written(&title, &entries),
        times: entries.len(),
        fresh,
    })
}

async fn of_unit(view: &mut View, unit: &Unit, now: UtcMs) -> Result<Vec<Entry>, Failure> {
    let unit = &unit.name;
    let names = names(view, unit).await?;
    let mut entries = Vec::new();
    for plan in view.plans(None).await? {
        if matches!(
            plan.state,
            PlanState::Signed | PlanState::Active | PlanState::Done | PlanState::Stopped
        ) && let Some(standing) = Standing::read(view, &plan, unit, now).await?
        {
            let leaves = view.leaves(&plan.id).await?;
            let leaves = leaves.iter().filter_map(|leaf| {
                codec::decode_deterministic::<PlanLeaf>(&leaf.bytes, MAX_LEAF_BYTES).ok()
            });
            let leaves: Vec<PlanLeaf> = leaves.filter(|leaf| leaf.unit == *unit).collect();
            entries.extend(entries_of((&plan, unit), &leaves, &names, &standing, now));
        }
    }
    Ok(entries)
}

/// Name and model of every machine of a unit.
async fn names(view: &mut View, unit: &Name) -> Result<BTreeMap<MachineId, (Name, Name)>, Failure> {
    /// So many machines are read at once.
    const PAGE: u32 = 1_000;
    let mut names = BTreeMap::new();
    let mut after = None;
    loop {
        let page = view.machines(Some(unit), after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(names);
        };
        after = Some(last.id);
        names.extend(
            page.into_iter()
                .map(|line| (line.id, (line.name, line.model))),
        );
    }
}

/// A plan's entries: a machine's first slot is when it is worked on, the others are for
/// what was missed.
fn entries_of(
    (plan, unit): (&Plan, &Name),
    leaves: &[PlanLeaf],
    names: &BTreeMap<MachineId, (Name, Name)>,
    standing: &Standing,
    now: UtcMs,
) -> Vec<Entry> {
    let since = now.plus_ms(-SHOWN_MS);
    let mut at: BTreeMap<(Interval, bool), Slot> = BTreeMap::new();
    for leaf in leaves {
        let known = names.get(&leaf.machine);
        let name = known.map_or_else(|| leaf.machine.to_string(), |known| known.0.to_string());
        let model = known.map(|known| &known.1);
        let slots = leaf.slots.iter().enumerate();
        for (number, slot) in slots.filter(|(_, slot)| slot.end() > since) {
            let here = at.entry((*slot, number > 0)).or_default();
            match standing.fate(leaf, model, *slot) {
                Fate::Stands => here.machines.push(name.clone()),
                Fate::Off(why) => here.off.push((name.clone(), why)),
                Fate::NotNeeded => {}
            }
        }
    }
    let id = plan.id.to_string();
    let entries = at.into_iter().filter_map(|((slot, is_spare), here)| {
        let (mut machines, why) = here.shown()?;
        machines.sort();
        let count = match machines.len() {
            1 => "1 machine".to_owned(),
            count => format!("{count} machines"),
        };
        let (word, kind) = match is_spare {
            true => (", spare", "spare"),
            false => ("", "first"),
        };
        let status = match (why, is_spare) {
            (Some(_), _) => Status::Cancelled,
            (None, true) => Status::Tentative,
            (None, false) => Status::Confirmed,
        };
        Some(Entry {
            // A plan may have the same time in several units, and two that begin together.
            uid: format!(
                "{}-{}-{}-{kind}-{unit}@patchward",
                &id[..16],
                slot.start().0,
                slot.length_ms()
            ),
            sequence: 0,
            changed: why.map_or(plan.changed_at, |_| now),
            start: slot.start(),
            end: slot.end(),
            summary: format!("{} ({count}{word})", plan.title),
            description: description(&id, is_spare, why, &machines),
            location: unit.to_string(),
            status,
        })
    });
    entries.collect()
}

/// Who has a slot at one time.
#[derive(Default)]
struct Slot {
    machines: Vec<String>,
    /// Those on which nothing starts, and why.
    off: Vec<(String, &'static str)>,
}

impl Slot {
    /// Those on which work is done, or where there are none those on which it is not, with
    /// the reason. `None` where nobody needs it.
    fn shown(self) -> Option<(Vec<String>, Option<&'static str>)> {
        if !self.machines.is_empty() {
            return Some((self.machines, None));
        }
        let why = self.off.first()?.1;
        let machines = self.off.into_iter().map(|(name, _)| name).collect();
        Some((machines, Some(why)))
    }
}

fn description(plan: &str, is_spare: bool, why: Option<&str>, machines: &[String]) -> String {
    let mut text = format!("Plan {}\n", &plan[..16]);
    if let Some(why) = why {
        text.push_str(why);
        text.push('\n');
    }
    if is_spare {
        text.push_str("Only where an earlier time was missed.\n");
    }
    for name in machines.iter().take(MAX_NAMED) {
        text.push_str(name);
        text.push('\n');
    }
    if machines.len() > MAX_NAMED {
        text.push_str(&format!("and {} more\n", machines.len() - MAX_NAMED));
    }
    text.push_str("The ward can always say \"not now\" on the machine.");
    text
}
