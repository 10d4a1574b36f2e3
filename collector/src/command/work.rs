//! The approved work of a unit as a calendar.

use crate::app::App;
use crate::control::{Failure, Output};
use crate::schedule::ical::{Entry, written};
use crate::store::View;
use crate::store::plans::{Plan, PlanState};
use patchward_common::codec;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::{DAY_MS, Interval, UtcMs};
use patchward_common::trust::approval::PlanLeaf;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

/// Work that ended longer ago is no longer shown.
const SHOWN_MS: i64 = 30 * DAY_MS;
/// Most machines of one entry that are named.
const MAX_NAMED: usize = 50;

/// Writes what is approved in `unit`: one entry for each plan, time and kind of slot.
pub(super) async fn export(app: &App, unit: &Name) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let known = view.unit(unit).await?;
    let known = known.ok_or_else(|| Failure::not_found(format!("There is no unit {unit}.")))?;
    let names = names(&mut view, unit).await?;
    let since = app.now().plus_ms(-SHOWN_MS);
    let mut entries = Vec::new();
    for plan in view.plans(None).await? {
        if matches!(
            plan.state,
            PlanState::Signed | PlanState::Active | PlanState::Done
        ) {
            let leaves = view.leaves(&plan.id).await?;
            let leaves = leaves.iter().filter_map(|leaf| {
                codec::decode_deterministic::<PlanLeaf>(&leaf.bytes, MAX_LEAF_BYTES).ok()
            });
            let leaves: Vec<PlanLeaf> = leaves.filter(|leaf| leaf.unit == *unit).collect();
            entries.extend(entries_of(&plan, &leaves, &names, since));
        }
    }
    entries.sort_by(|a, b| (a.start, &a.uid).cmp(&(b.start, &b.uid)));
    let text = format!("{} times of approved work in {unit}.", entries.len());
    let calendar = written(&format!("{}: approved work", known.title), &entries);
    Ok(Output::File {
        bytes: ByteBuf::from(calendar.into_bytes()),
        text,
    })
}

async fn names(view: &mut View, unit: &Name) -> Result<BTreeMap<MachineId, Name>, Failure> {
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
        names.extend(page.into_iter().map(|line| (line.id, line.name)));
    }
}

/// A plan's entries: a machine's first slot is when it is worked on, the others are for
/// what was missed.
fn entries_of(
    plan: &Plan,
    leaves: &[PlanLeaf],
    names: &BTreeMap<MachineId, Name>,
    since: UtcMs,
) -> Vec<Entry> {
    let mut at: BTreeMap<(Interval, bool), Vec<String>> = BTreeMap::new();
    for leaf in leaves {
        let name = names.get(&leaf.machine);
        let name = name.map_or_else(|| leaf.machine.to_string(), ToString::to_string);
        for (number, slot) in leaf.slots.iter().enumerate() {
            if slot.end() > since {
                at.entry((*slot, number > 0))
                    .or_default()
                    .push(name.clone());
            }
        }
    }
    let id = plan.id.to_string();
    let entries = at.into_iter().map(|((slot, is_spare), mut machines)| {
        machines.sort();
        let count = match machines.len() {
            1 => "1 machine".to_owned(),
            count => format!("{count} machines"),
        };
        let (word, kind) = match is_spare {
            true => (", spare", "spare"),
            false => ("", "first"),
        };
        let unit = leaves.first().map(|leaf| leaf.unit.to_string());
        Entry {
            uid: format!("{}-{}-{kind}@patchward", &id[..16], slot.start().0),
            changed: plan.changed_at,
            start: slot.start(),
            end: slot.end(),
            summary: format!("{} ({count}{word})", plan.title),
            description: description(&id, is_spare, &machines),
            location: unit.unwrap_or_default(),
            is_spare,
        }
    });
    entries.collect()
}

fn description(plan: &str, is_spare: bool, machines: &[String]) -> String {
    let mut text = format!("Plan {}\n", &plan[..16]);
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
