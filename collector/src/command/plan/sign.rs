//! `plan sign`: takes signatures back; signed by enough, a plan goes to its machines.

use super::answers;
use crate::app::App;
use crate::authority::{self, stored_signatures};
use crate::command::Caller;
use crate::command::file::InputFile;
use crate::command::job::stop_waiting;
use crate::command::zones::Zones;
use crate::control::{Failure, Output};
use crate::fleet::consume::apply_all_early;
use crate::planning;
use crate::store::plans::PlanState;
use crate::store::{Change, View};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Label, MachineId, Name};
use patchward_common::plan::{PlanFile, Table, TableError, approvers};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::collector::Nudge;
use patchward_common::words::counted;
use std::collections::{BTreeMap, BTreeSet};

/// What stands in what is missing where only file keys are.
const BY_FILE_ALONE: &str = " with a file key for ";

pub(super) async fn sign(app: &App, caller: &Caller, input: &InputFile) -> Result<Output, Failure> {
    let file = PlanFile::from_bytes(&input.bytes)
        .map_err(|error| Failure::input(format!("{}: {error}", input.name)))?;
    let id = file.plan.signed.digest();
    // Read, judged and written in one change: of two who sign at once, the second finds
    // what the first has stored.
    let mut change = app.change(caller).await?;
    let now = change.now();
    let beside = change.lock_beside(&id).await?;
    let plan = change.view().plan(&id).await?.ok_or_else(|| {
        Failure::not_found("This plan was not made here; the file must come from `plan export`.")
    })?;
    let held = authority::held(change.view()).await?;
    let new = stored_signatures(&file.plan.signed, &held.roster.people_keys(now));
    if new.is_empty() {
        return Err(Failure::conflict(format!(
            "{} carries no signature of anybody in the roster.",
            input.name
        )));
    }
    change.add_signatures(&id, &new).await?;
    let table = planning::table(change.view(), &id).await?;
    let (approval, leaves) = table
        .read()
        .map_err(|error| Failure::conflict(format!("the plan: {error}")))?;
    let missing = missing(&table.signed, (&approval, &leaves), &held, now);
    if missing.is_empty() && plan.state == PlanState::Draft {
        if plan.expires_at <= now {
            return Err(Failure::conflict(format!(
                "{} is over: its last slot ended at {}. Make a new plan.",
                plan.title, plan.expires_at
            )));
        }
        names_all(&table, &beside, change.view()).await?;
        answers::let_us(&table, change.view()).await?;
        give_out(&mut change, &id).await?;
    }
    change.commit().await?;
    if !missing.is_empty() {
        let stored = counted(new.len(), "signature is stored", "signatures are stored");
        return Ok(Output::Text(format!(
            "{stored}, and nothing starts yet: {} is waited for. Still missing: {}. \
             It is HTM's move.",
            waited_for(&missing),
            missing.join("; ")
        )));
    }
    app.fleet.nudge_all(Nudge::OrdersChanged);
    let begins = begins(app, &table, now).await?;
    Ok(Output::Text(format!(
        "Plan {} is signed by enough and goes to its machines.{begins}",
        plan.title
    )))
}

/// Which signature is waited for: where only file keys are missing, one of those who signed
/// already may make it.
fn waited_for(missing: &[String]) -> &'static str {
    match missing.iter().all(|text| text.contains(BY_FILE_ALONE)) {
        true => "one that is made with a file key",
        false => "another person's",
    }
}

/// What happens now, and when.
async fn begins(app: &App, table: &Table<Approval>, now: UtcMs) -> Result<String, Failure> {
    let Ok((_, leaves)) = table.read() else {
        return Ok(String::new());
    };
    let slots = leaves.iter().flat_map(|leaf| {
        let to_come = leaf.slots.iter().filter(|slot| now < slot.end());
        to_come.map(move |slot| (slot.start(), leaf))
    });
    let Some((start, leaf)) = slots.min_by_key(|(start, _)| *start) else {
        return Ok(String::new());
    };
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let machine = view.machine(&leaf.machine).await?;
    let name = machine.map_or_else(|| leaf.machine.to_string(), |one| one.name.to_string());
    let at = zones.text(Some(&leaf.unit), start);
    let first = match start <= app.now() {
        true => format!("the first slot, that of {name}, is open since {at}"),
        false => format!("the first slot is that of {name}, at {at}"),
    };
    Ok(format!(
        " Nothing is to be done now: {first}. Each machine starts by itself in its slot, \
         once it is idle. When it is verified, HTM returns it to service; that, and what goes wrong, \
         stands on Today."
    ))
}

/// Minimum ready holds by signature only if whoever signed saw every plan that stands on
/// the same groups. One that was signed since this one was made is in nobody's sight.
async fn names_all(
    table: &Table<Approval>,
    beside: &[Digest],
    view: &mut View,
) -> Result<(), Failure> {
    let unread = |error: TableError| Failure::conflict(format!("the plan: {error}"));
    let (approval, _) = table.read().map_err(unread)?;
    if let Some(other) = beside.iter().find(|id| !approval.beside.contains(*id)) {
        let title = view.plan(other).await?.map(|plan| plan.title.to_string());
        return Err(Failure::conflict(format!(
            "Plan \"{}\" was signed since this one was made, and both have slots for the same \
             coverage groups. Make a new plan with `plan new`: it takes the other into account.",
            title.unwrap_or_else(|| other.to_string())
        )));
    }
    Ok(())
}

/// Gives a plan to its machines: from now on each has a job.
async fn give_out(change: &mut Change, id: &Digest) -> Result<(), Failure> {
    let leaves = change.view().leaves(id).await?;
    let jobs: Vec<_> = leaves
        .iter()
        .map(|leaf| (leaf.machine, leaf.wave))
        .collect();
    for (from, to, why) in [
        (PlanState::Draft, PlanState::Signed, "signed by enough"),
        (
            PlanState::Signed,
            PlanState::Active,
            "given to its machines",
        ),
    ] {
        change.move_plan(id, from, to, why).await?;
    }
    change.add_jobs(id, &jobs).await?;
    // Machines may have had this plan before this collector had, and begun.
    apply_all_early(change).await?;
    leave_excepted(change, id, &jobs).await
}

/// A machine that was left as it is after the plan was made stays so.
async fn leave_excepted(
    change: &mut Change,
    id: &Digest,
    jobs: &[(MachineId, u32)],
) -> Result<(), Failure> {
    let now = change.now();
    let mut exceptions = change.view().exceptions().await?;
    exceptions.retain(|_, exception| now < exception.until);
    for (machine, _) in jobs {
        let Some(exception) = exceptions.get(machine) else {
            continue;
        };
        let reason = Label::new(exception.control.as_str())
            .map_err(|error| Failure::conflict(format!("an exception of {machine}: {error}")))?;
        if let Some(job) = change.view().job(&JobId::of(*id, *machine)).await? {
            stop_waiting(change, &job, &reason).await?;
        }
    }
    Ok(())
}

/// What is still to be signed, each thing once.
pub(super) fn missing(
    signed: &Signed<Approval>,
    plan: (&Approval, &[PlanLeaf]),
    held: &authority::Held,
    now: UtcMs,
) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for text in missing_by_place(signed, plan, held, now).into_values() {
        if !missing.contains(&text) {
            missing.push(text);
        }
    }
    missing
}

/// What is still to be signed, by the units and classes where anything is.
pub(super) fn missing_by_place(
    signed: &Signed<Approval>,
    (approval, leaves): (&Approval, &[PlanLeaf]),
    held: &authority::Held,
    now: UtcMs,
) -> BTreeMap<(Name, Class), String> {
    // Each of them once: what it takes is the same for all machines of a class in a unit.
    let of_leaf = |leaf: &PlanLeaf| (leaf.unit.clone(), leaf.class);
    let places: BTreeSet<(Name, Class)> = leaves.iter().map(of_leaf).collect();
    let missing = places.into_iter().filter_map(|(unit, class)| {
        let found = missing_in(signed, approval, held, (&unit, class), now);
        found.map(|text| ((unit, class), text))
    });
    missing.collect()
}

/// What is still to be signed for the machines of a class in a unit.
pub(super) fn missing_in(
    signed: &Signed<Approval>,
    approval: &Approval,
    held: &authority::Held,
    (unit, class): (&Name, Class),
    now: UtcMs,
) -> Option<String> {
    let mut quorum = held.roster.quorum(class);
    if approval.emergency.is_some() {
        quorum.people = quorum.people.max(2);
    }
    let signed = approvers(signed, &held.roster, &[unit], now);
    if signed.meets(quorum) {
        return None;
    }
    let by_file = quorum.with_file_key;
    let by_file = by_file.saturating_sub(signed.with_file_key().len());
    let left = quorum.people.saturating_sub(signed.people().len());
    let people = match left < quorum.people {
        true => counted(left, "more approver", "more approvers"),
        false => counted(left, "approver", "approvers"),
    };
    Some(match (left, by_file) {
        (0, keys) => format!(
            "{}{BY_FILE_ALONE}{unit}",
            counted(keys, "signature", "signatures")
        ),
        (_, 0) => format!("{people} of {unit}"),
        (_, keys) => format!("{people} of {unit} ({keys} with a file key)"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_person_is_waited_for_only_where_people_are_missing() {
        let keys = || "1 signature with a file key for icu".to_owned();
        let people = || "1 more approver of or (1 with a file key)".to_owned();
        let by_file = "one that is made with a file key";
        assert_eq!(waited_for(&[keys()]), by_file);
        assert_eq!(waited_for(&[people()]), "another person's");
        assert_eq!(waited_for(&[keys(), people()]), "another person's");
    }
}
