//! Charters, rosters and assignments: each has a number and replaces the one before.

use super::carried;
use crate::app::App;
use crate::authority::{self, stored_signatures};
use crate::command::file::InputFile;
use crate::command::{Caller, go_key};
use crate::control::Failure;
use crate::go_keys;
use crate::planning::{Newest, Rows};
use crate::store::Change;
use crate::store::documents::{DocumentKind, NewDocument};
use crate::store::vendors::Vendor;
use patchward_common::plan::{AssignmentFile, CharterChain, approvers};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf, Mode};
use patchward_common::trust::charter::Charter;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::wire::collector::Nudge;
use patchward_common::words::counted;

pub(super) async fn charter(
    app: &App,
    caller: &Caller,
    new: Signed<Charter>,
) -> Result<String, Failure> {
    let known = authority::chain(&mut app.store.view().await?).await?;
    let mut chain = match known {
        Some(chain) => chain,
        None => CharterChain {
            root: authority::first_root(&new)?,
            charters: Vec::new(),
        },
    };
    chain.charters.push(new.clone());
    let charter = chain
        .newest()
        .map_err(|error| Failure::conflict(error.to_string()))?;
    let before = chain.charters.iter().rev().nth(1).map(|c| c.peek());
    let old_root = match before {
        Some(Ok(before)) => before.root,
        _ => chain.root.clone(),
    };
    let keys = [old_root.keys, charter.root.keys.clone()].concat();
    let mut change = app.change(caller).await?;
    change
        .add_document(
            &NewDocument {
                kind: DocumentKind::Charter,
                number: Some(charter.number),
                scope: None,
                subject: None,
                expires_at: Some(charter.expires),
                payload: new.payload(),
            },
            &stored_signatures(&new, &keys),
        )
        .await?;
    let known = change.view().vendors().await?;
    for grant in &charter.vendors {
        if !known
            .iter()
            .any(|vendor| vendor.repository == grant.repository)
        {
            change
                .add_vendor(&Vendor {
                    name: grant.vendor.clone(),
                    repository: grant.repository.clone(),
                    url: String::new(),
                    root_digest: grant.root,
                })
                .await?;
        }
    }
    change.commit().await?;
    let root = chain.root.fingerprint();
    Ok(format!(
        "Charter {} is in force: {}, {}.\nHospital root {root}: compare it with \
         `patchward-sign root fingerprint` before you make tokens.",
        charter.number,
        counted(charter.registrars.len() as u64, "registrar", "registrars"),
        counted(charter.vendors.len() as u64, "vendor", "vendors"),
    ))
}

pub(super) async fn roster(
    app: &App,
    caller: &Caller,
    new: Signed<Roster>,
) -> Result<String, Failure> {
    let chain = authority::chain(&mut app.store.view().await?).await?;
    let chain = chain.ok_or_else(|| Failure::conflict("Take in the charter first."))?;
    let (charter, roster) = chain
        .roster(&new)
        .map_err(|error| Failure::conflict(error.to_string()))?;
    roster.check_under(&charter).map_err(|problem| {
        Failure::conflict(format!("No machine would accept this roster: {problem}."))
    })?;
    super::in_date("roster", roster.expires, app.now())?;
    let known = app.store.view().await?.newest(DocumentKind::Roster).await?;
    if let Some(known) = known.and_then(|known| known.number)
        && roster.number <= known
    {
        return Err(Failure::conflict(format!(
            "Roster {known} is here already; number the new one higher than {known}."
        )));
    }
    let registrars: Vec<PublicKey> = charter.registrars.iter().map(|r| r.key).collect();
    let mut change = app.change(caller).await?;
    change
        .add_document(
            &NewDocument {
                kind: DocumentKind::Roster,
                number: Some(roster.number),
                scope: None,
                subject: None,
                expires_at: Some(roster.expires),
                payload: new.payload(),
            },
            &stored_signatures(&new, &registrars),
        )
        .await?;
    let carried = carried::stops(app, &mut change, &roster).await?;
    change.commit().await?;
    if carried.is_some() {
        app.fleet.nudge_all(Nudge::Stop);
    }
    let live = roster.live_go_keys(app.now());
    let next = go_keys::next(&app.folder)?;
    let go = go_key::told(
        live.contains(&app.go_key()),
        next.as_ref(),
        next.is_some_and(|next| live.contains(&next)),
    );
    Ok(format!(
        "Roster {} is in force until {}: {}. {go}{}",
        roster.number,
        roster.expires,
        counted(roster.people.len(), "person", "people"),
        carried.unwrap_or_default()
    ))
}

pub(super) async fn assignment(
    app: &App,
    caller: &Caller,
    input: &InputFile,
) -> Result<String, Failure> {
    let bad = |error: &dyn std::fmt::Display| Failure::input(error.to_string());
    let table = AssignmentFile::from_bytes(&input.bytes).map_err(|error| bad(&error))?;
    let (assignment, rows) = table.read().map_err(|error| bad(&error))?;
    let now = app.now();
    // Judged within the change and under the locks: of two that come at once, the second
    // finds the first.
    let mut change = app.change(caller).await?;
    let machines: Vec<_> = rows.iter().map(|row| row.machine).collect();
    let groups = rows.iter().flat_map(|row| &row.groups);
    change.lock_placement(&machines, groups).await?;
    let held = authority::held(change.view()).await?;
    let known = app.assigned.rows(change.view()).await?;
    acceptable(&table, &assignment, &rows, &known, &held.roster, now)?;
    let digest = change
        .add_document(
            &NewDocument {
                kind: DocumentKind::Assignment,
                number: Some(assignment.number),
                scope: None,
                subject: None,
                expires_at: None,
                payload: table.signed.payload(),
            },
            &stored_signatures(&table.signed, &held.roster.people_keys(now)),
        )
        .await?;
    let leaves: Vec<_> = rows
        .iter()
        .zip(&table.leaves)
        .map(|(row, leaf)| (row.machine, leaf.to_vec()))
        .collect();
    change.add_assignment_leaves(&digest, &leaves).await?;
    place(&mut change, &rows).await?;
    change.commit().await?;
    for row in &rows {
        app.fleet.machine_changed(&row.machine);
    }
    Ok(format!(
        "Assignment {} is in force for {}.",
        assignment.number,
        counted(rows.len(), "machine", "machines")
    ))
}

/// Whether each machine would accept its row after the newest that is held of it.
fn acceptable(
    table: &AssignmentFile,
    assignment: &Assignment,
    rows: &[AssignmentLeaf],
    known: &Rows,
    roster: &Roster,
    now: UtcMs,
) -> Result<(), Failure> {
    let own = table.signed.digest();
    for row in rows {
        let before = known.newest(&row.machine);
        if let Some(newest) = before.filter(|newest| newest.assignment != own)
            && newest.number >= assignment.number
        {
            return Err(Failure::conflict(format!(
                "{} stands in assignment {} already; number the new one higher than that.",
                row.name, newest.number
            )));
        }
        row.check().map_err(|problem| {
            Failure::conflict(format!("The row of {} is refused: {problem}.", row.name))
        })?;
        let (units, quorum) = row.must_sign(before.map(|newest| newest.row), roster);
        let signed = approvers(&table.signed, roster, &units, now);
        if !signed.meets(quorum) {
            let units: Vec<String> = units.iter().map(ToString::to_string).collect();
            return Err(Failure::conflict(format!(
                "{} is {} in {}, and {}: {} approvers of {} must sign ({} with a file key), and {} \
                 did.",
                row.name,
                row.class.word(),
                row.unit,
                match before {
                    Some(Newest { row: old, .. }) => {
                        format!("was {} in {}", old.class.word(), old.unit)
                    }
                    None => "counts as life support until it has a place".to_owned(),
                },
                quorum.people,
                units.join(" and "),
                quorum.with_file_key,
                signed.people().len()
            )));
        }
    }
    Ok(())
}

/// What the collector shows of its machines follows the signed rows.
async fn place(change: &mut Change, rows: &[AssignmentLeaf]) -> Result<(), Failure> {
    for row in rows {
        let machine = change.view().machine(&row.machine).await?;
        let is_manual = machine.is_some_and(|machine| machine.is_manual());
        if is_manual != (row.mode == Mode::Manual) {
            return Err(Failure::conflict(match is_manual {
                true => format!(
                    "{} has no agent, and the mode of its row is {}; assign it manual.",
                    row.name,
                    row.mode.word()
                ),
                false => format!(
                    "{} has an agent, and the mode of its row is manual; that is for what has \
                     none, added with `asset manual`.",
                    row.name
                ),
            }));
        }
        change
            .place_machine(&row.machine, &row.unit, row.class, &row.model, row.mode)
            .await?;
        change.set_groups_of(&row.machine, &row.groups).await?;
    }
    Ok(())
}
