//! Rules on coverage groups, over this plan and all that stand beside it.

use super::{Findings, Rule, Subject, View};
use crate::digest::Digest;
use crate::id::{MachineId, Name};
use crate::time::{Interval, UtcMs};
use crate::trust::approval::Approval;
use crate::trust::go::CLOCK_BOUND_MS;
use std::collections::{BTreeMap, BTreeSet};

/// Slots of each machine.
pub(super) type Members = BTreeMap<MachineId, Vec<Interval>>;

/// What is known of one group over this plan and those beside it.
#[derive(Default)]
struct Group {
    /// How many machines are assigned to it.
    assigned: usize,
    /// How many may have an open slot at once: the strictest of all plans that say so.
    allowed: Option<u32>,
    members: Members,
}

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    stated(view, findings);
    beside(view, findings);
    let groups = gathered(view);
    for stated in &view.approval.groups {
        if let Some(group) = groups.get(&stated.group) {
            size(&stated.group, stated.size, group.assigned, findings);
        }
    }
    for (name, group) in &groups {
        together(view, name, group, findings);
    }
}

/// Every stated group, in one walk over what there is.
fn gathered<'a>(view: &'a View<'_>) -> BTreeMap<&'a Name, Group> {
    let stated = view.approval.groups.iter();
    let mut groups: BTreeMap<&Name, Group> = stated
        .map(|stated| (&stated.group, Group::default()))
        .collect();
    for name in view.rows.values().flat_map(|row| &row.groups) {
        if let Some(group) = groups.get_mut(name) {
            group.assigned += 1;
        }
    }
    let approvals = view.unexpired().map(|other| other.approval);
    for stated in approvals.chain([view.approval]).flat_map(|one| &one.groups) {
        if let Some(group) = groups.get_mut(&stated.group) {
            let allowed = stated.size.saturating_sub(stated.minimum_ready);
            group.allowed = Some(group.allowed.map_or(allowed, |least| least.min(allowed)));
        }
    }
    let leaves = view.unexpired().flat_map(|other| other.leaves);
    for leaf in leaves.chain(view.leaves) {
        // A member by its leaf or by its assignment: an older plan may know it otherwise.
        let row = view
            .row(leaf.machine)
            .map_or(&[][..], |row| row.groups.as_slice());
        let newer = row.iter().filter(|name| !leaf.groups.contains(name));
        for name in leaf.groups.iter().chain(newer) {
            if let Some(group) = groups.get_mut(name) {
                let slots = group.members.entry(leaf.machine).or_default();
                slots.extend(&leaf.slots);
            }
        }
    }
    groups
}

/// Every group of a leaf is stated once, and its minimum can be kept.
fn stated(view: &View<'_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for group in &view.approval.groups {
        let subject = || Subject::Group(group.group.clone());
        if !seen.insert(&group.group) {
            let text = format!("group {} is stated twice", group.group);
            findings.blocks(Rule::GroupStated, subject(), text);
        }
        if group.minimum_ready > group.size {
            let text = format!(
                "group {} has {} members, of which {} must stay ready; correct the group",
                group.group, group.size, group.minimum_ready
            );
            findings.blocks(Rule::GroupStated, subject(), text);
        }
        let set = view.context.stated.as_ref();
        let set = set.and_then(|stated| stated.minimums.get(&group.group));
        if let Some(set) = set.filter(|set| group.minimum_ready < **set) {
            let text = format!(
                "the plan states that {} members of group {} must stay ready, and {set} are set; plan again",
                group.minimum_ready, group.group
            );
            findings.blocks(Rule::GroupStated, subject(), text);
        }
        if group.minimum_ready == 0 {
            let text = format!(
                "no member of group {} must stay ready; all may be down at once",
                group.group
            );
            findings.warns(Rule::GroupStated, subject(), text);
        }
    }
    let used: BTreeSet<&Name> = view.leaves.iter().flat_map(|leaf| &leaf.groups).collect();
    for group in used.into_iter().filter(|group| !seen.contains(group)) {
        let text = format!("the plan does not state the minimum ready of group {group}");
        findings.blocks(Rule::GroupStated, Subject::Group(group.clone()), text);
    }
}

/// The size is what the signed assignment shows; a larger one would let more be down.
fn size(group: &Name, size: u32, members: usize, findings: &mut Findings) {
    let subject = Subject::Group(group.clone());
    if size as usize > members {
        let text = format!(
            "the plan counts {size} members in group {group}, but only {members} are assigned to it"
        );
        findings.blocks(Rule::GroupSize, subject, text);
    } else if (size as usize) < members {
        let text = format!(
            "the plan counts {size} members in group {group}, and {members} are assigned to it; fewer than possible may be worked on at once"
        );
        findings.warns(Rule::GroupSize, subject, text);
    }
}

fn together(view: &View<'_>, group: &Name, found: &Group, findings: &mut Findings) {
    let (members, allowed) = (&found.members, found.allowed.unwrap_or(0) as usize);
    let subject = || Subject::Group(group.clone());
    if let Some(at) = first_excess(members, 0, allowed) {
        let open = open_at(view, members, at);
        let text = format!(
            "at {at} {} members of group {group} have an open slot ({}), and at most {allowed} may; plan again",
            open.len(),
            open.join(", ")
        );
        findings.blocks(Rule::MinimumReady, subject(), text);
    } else if let Some(at) = first_excess(members, 2 * CLOCK_BOUND_MS, allowed) {
        let text = format!(
            "slots in group {group} follow one another at {at} without the gap of {} minutes that two clocks may be apart; plan again",
            2 * CLOCK_BOUND_MS / crate::time::MINUTE_MS
        );
        findings.blocks(Rule::Gap, subject(), text);
    }
}

/// The names of those with an open slot.
fn open_at(view: &View<'_>, members: &Members, at: UtcMs) -> Vec<String> {
    let open = members
        .iter()
        .filter(|(_, slots)| slots.iter().any(|slot| slot.contains(at)));
    open.map(|(machine, _)| view.name(*machine)).collect()
}

/// The first instant at which more than `allowed` members have an open slot, each
/// slot counted `longer_ms` longer than it is.
pub(super) fn first_excess(members: &Members, longer_ms: i64, allowed: usize) -> Option<UtcMs> {
    let mut changes: Vec<(UtcMs, i64)> = Vec::new();
    for slots in members.values() {
        for (start, end) in merged(slots, longer_ms) {
            changes.extend([(start, 1), (end, -1)]);
        }
    }
    // At one instant ends come before starts: intervals are half-open.
    changes.sort();
    let mut open = 0;
    for (at, change) in changes {
        open += change;
        if open > allowed as i64 {
            return Some(at);
        }
    }
    None
}

/// Intervals, each so much longer, as a union: one machine counts once, however many
/// plans have a slot for it.
pub(super) fn merged(slots: &[Interval], longer_ms: i64) -> Vec<(UtcMs, UtcMs)> {
    let mut sorted = slots.to_vec();
    sorted.sort();
    let mut merged: Vec<(UtcMs, UtcMs)> = Vec::new();
    for slot in sorted {
        let end = slot.end().plus_ms(longer_ms);
        match merged.last_mut() {
            Some((_, last)) if slot.start() <= *last => *last = end.max(*last),
            _ => merged.push((slot.start(), end)),
        }
    }
    merged
}

/// Plans beside this one are named, and all that are named are at hand.
fn beside(view: &View<'_>, findings: &mut Findings) {
    let groups: BTreeSet<&Name> = view.approval.groups.iter().map(|g| &g.group).collect();
    let touches = |approval: &Approval| approval.groups.iter().any(|g| groups.contains(&g.group));
    let listed: BTreeSet<Digest> = view.approval.beside.iter().copied().collect();
    for other in &view.beside {
        let live = view.now < other.approval.expires;
        // A later plan that names this one was signed with it in sight.
        let named = listed.contains(&other.digest) || other.approval.beside.contains(&view.digest);
        if live && touches(other.approval) && !named {
            let text = format!(
                "plan {:?} touches the same groups and is not named as standing beside; plan again",
                other.approval.title.as_str()
            );
            findings.blocks(Rule::Beside, Subject::Beside(other.digest), text);
        }
    }
    let at_hand: BTreeSet<Digest> = view.beside.iter().map(|other| other.digest).collect();
    for digest in listed.difference(&at_hand) {
        let text = format!(
            "plan {digest} stands beside this one and is not in the file, so minimum ready cannot be checked; export the plan anew"
        );
        findings.blocks(Rule::Beside, Subject::Beside(*digest), text);
    }
}
