//! The hospital's signed documents: taken in from files, shown.

use super::Caller;
use super::file::InputFile;
use crate::app::App;
use crate::authority::{self, stored_signatures};
use crate::control::{Cell, Failure, Output, Table};
use crate::store::Change;
use crate::store::documents::{DocumentKind, NewDocument};
use crate::store::vendors::Vendor;
use patchward_common::plan::{ASSIGNMENT_FORMAT, AssignmentFile, approvers, file};
use patchward_common::trust::charter::{Charter, TimeReset};
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Stop};
use patchward_common::wire::collector::Nudge;
use serde::{Deserialize, Serialize};

/// What can be done with signed documents.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum DocumentCommand {
    /// Take in a file that patchward-sign wrote: charter, roster, assignment, stop, lift,
    /// downgrade, handover or time reset
    Add {
        /// The file
        file: InputFile,
    },
    /// Show the documents that are here
    List,
}

/// Carries out a command on documents.
pub async fn run(app: &App, caller: &Caller, command: DocumentCommand) -> Result<Output, Failure> {
    match command {
        DocumentCommand::Add { file } => add(app, caller, &file).await,
        DocumentCommand::List => list(app).await,
    }
}

/// The format that a file says it has.
fn format_of(input: &InputFile) -> Result<String, Failure> {
    let limit = super::file::MAX_FILE_BYTES as usize;
    patchward_common::codec::decode::<(String, serde::de::IgnoredAny)>(&input.bytes, limit)
        .map(|(format, _)| format)
        .map_err(|error| {
            Failure::input(format!(
                "{} is no file of patchward-sign: {error}",
                input.name
            ))
        })
}

fn read<T: Document>(input: &InputFile) -> Result<Signed<T>, Failure> {
    file::from_bytes(T::TYPE, T::MAX_BYTES * 2, &input.bytes)
        .map_err(|error| Failure::input(format!("{}: {error}", input.name)))
}

async fn add(app: &App, caller: &Caller, input: &InputFile) -> Result<Output, Failure> {
    let format = format_of(input)?;
    let said = match format.as_str() {
        Charter::TYPE => charter(app, caller, read(input)?).await?,
        Roster::TYPE => roster(app, caller, read(input)?).await?,
        ASSIGNMENT_FORMAT => assignment(app, caller, input).await?,
        Stop::TYPE => stop(app, caller, read(input)?).await?,
        Lift::TYPE => lift(app, caller, read(input)?).await?,
        Downgrade::TYPE => downgrade(app, caller, read(input)?).await?,
        Handover::TYPE => handover(app, caller, read(input)?).await?,
        TimeReset::TYPE => time_reset(app, caller, read(input)?).await?,
        other => {
            return Err(Failure::input(format!(
                "{} holds a {other:?}, which is no document that the collector takes in",
                input.name
            )));
        }
    };
    let nudge = if format == Stop::TYPE {
        Nudge::Stop
    } else {
        Nudge::OrdersChanged
    };
    app.fleet.nudge_all(nudge);
    Ok(Output::Text(said))
}

async fn charter(app: &App, caller: &Caller, new: Signed<Charter>) -> Result<String, Failure> {
    let known = authority::chain(&mut app.store.view().await?).await?;
    let mut chain = match known {
        Some(chain) => chain,
        None => patchward_common::plan::CharterChain {
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
        "Charter {} is in force: {} registrars, {} vendors.\nHospital root {root}: compare it with \
         `patchward-sign root fingerprint` before you make tokens.",
        charter.number,
        charter.registrars.len(),
        charter.vendors.len(),
    ))
}

async fn roster(app: &App, caller: &Caller, new: Signed<Roster>) -> Result<String, Failure> {
    let chain = authority::chain(&mut app.store.view().await?).await?;
    let chain = chain.ok_or_else(|| Failure::conflict("Take in the charter first."))?;
    let (charter, roster) = chain
        .roster(&new)
        .map_err(|error| Failure::conflict(error.to_string()))?;
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
    change.commit().await?;
    let go_key = app.go_key();
    let stands = roster.live_go_keys(app.now()).contains(&go_key);
    let go = if stands {
        "This collector may issue go."
    } else {
        "This collector's go-key does not stand in it: no job will start."
    };
    Ok(format!(
        "Roster {} is in force until {}: {} people. {go}",
        roster.number,
        roster.expires,
        roster.people.len()
    ))
}

async fn assignment(app: &App, caller: &Caller, input: &InputFile) -> Result<String, Failure> {
    let bad = |error: &dyn std::fmt::Display| Failure::input(format!("{}: {error}", input.name));
    let table = AssignmentFile::from_bytes(&input.bytes).map_err(|error| bad(&error))?;
    let (assignment, rows) = table.read().map_err(|error| bad(&error))?;
    let now = app.now();
    let held = authority::held(&mut app.store.view().await?).await?;
    for row in &rows {
        let signed = approvers(&table.signed, &held.roster, &[&row.unit], now);
        let quorum = held.roster.quorum(row.class);
        if !signed.meets(quorum) {
            return Err(Failure::conflict(format!(
                "{} is {} in {}: {} approvers of that unit must sign ({} with a file key), and {} \
                 did.",
                row.name,
                row.class.word(),
                row.unit,
                quorum.people,
                quorum.with_file_key,
                signed.people().len()
            )));
        }
    }
    let mut change = app.change(caller).await?;
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
    Ok(format!(
        "Assignment {} is in force for {} machines.",
        assignment.number,
        rows.len()
    ))
}

/// What the collector shows of its machines follows the signed rows.
async fn place(
    change: &mut Change,
    rows: &[patchward_common::trust::assignment::AssignmentLeaf],
) -> Result<(), Failure> {
    for row in rows {
        change
            .place_machine(&row.machine, &row.unit, row.class, &row.model, row.mode)
            .await?;
        change.set_groups_of(&row.machine, &row.groups).await?;
    }
    Ok(())
}

/// Stores a document that is no table and has no number.
async fn store_plain<T: Document>(
    app: &App,
    caller: &Caller,
    signed: &Signed<T>,
    keys: &[PublicKey],
    new: NewDocument<'_>,
) -> Result<(), Failure> {
    let signatures = stored_signatures(signed, keys);
    if signatures.is_empty() {
        return Err(Failure::conflict(
            "None of those who may sign it, as of now, has signed it.",
        ));
    }
    let mut change = app.change(caller).await?;
    change.add_document(&new, &signatures).await?;
    if new.kind == DocumentKind::Lift
        && let Some(stop) = new.subject.and_then(|digest| digest.parse().ok())
    {
        change.end_document(&stop, "lifted").await?;
    }
    change.commit().await?;
    Ok(())
}

/// Every key that may sign something today.
async fn signing_keys(app: &App) -> Result<Vec<PublicKey>, Failure> {
    let held = authority::held(&mut app.store.view().await?).await?;
    let now = app.now();
    Ok([held.roster.people_keys(now), held.roster.live_go_keys(now)].concat())
}

fn content<T: Document>(signed: &Signed<T>) -> Result<T, Failure> {
    signed
        .peek()
        .map_err(|error| Failure::input(format!("it cannot be read: {error}")))
}

async fn stop(app: &App, caller: &Caller, signed: Signed<Stop>) -> Result<String, Failure> {
    let stop = content(&signed)?;
    let new = NewDocument {
        kind: DocumentKind::Stop,
        number: None,
        scope: Some(&stop.scope),
        subject: None,
        expires_at: None,
        payload: signed.payload(),
    };
    store_plain(app, caller, &signed, &signing_keys(app).await?, new).await?;
    Ok(format!("Stopped: {}.", stop.reason))
}

async fn lift(app: &App, caller: &Caller, signed: Signed<Lift>) -> Result<String, Failure> {
    let lift = content(&signed)?;
    let subject = lift.stop.to_string();
    let new = NewDocument {
        kind: DocumentKind::Lift,
        number: None,
        scope: None,
        subject: Some(&subject),
        expires_at: None,
        payload: signed.payload(),
    };
    store_plain(app, caller, &signed, &signing_keys(app).await?, new).await?;
    Ok(format!("The stop is lifted: {}.", lift.reason))
}

async fn downgrade(
    app: &App,
    caller: &Caller,
    signed: Signed<Downgrade>,
) -> Result<String, Failure> {
    let downgrade = content(&signed)?;
    let new = NewDocument {
        kind: DocumentKind::Downgrade,
        number: None,
        scope: None,
        subject: None,
        expires_at: Some(downgrade.expires),
        payload: signed.payload(),
    };
    store_plain(app, caller, &signed, &signing_keys(app).await?, new).await?;
    Ok(format!(
        "{} machines may go back from {} to {} once.",
        downgrade.machines.len(),
        downgrade.from,
        downgrade.to
    ))
}

async fn handover(app: &App, caller: &Caller, signed: Signed<Handover>) -> Result<String, Failure> {
    let handover = content(&signed)?;
    let subject = handover.machine.to_string();
    let new = NewDocument {
        kind: DocumentKind::Handover,
        number: None,
        scope: None,
        subject: Some(&subject),
        expires_at: Some(handover.slot.end()),
        payload: signed.payload(),
    };
    store_plain(app, caller, &signed, &signing_keys(app).await?, new).await?;
    Ok(format!("Handed over; stand-in: {}.", handover.stand_in))
}

async fn time_reset(
    app: &App,
    caller: &Caller,
    signed: Signed<TimeReset>,
) -> Result<String, Failure> {
    let reset = content(&signed)?;
    let chain = authority::chain(&mut app.store.view().await?).await?;
    let chain = chain.ok_or_else(|| Failure::conflict("Take in the charter first."))?;
    let charter = chain
        .newest()
        .map_err(|error| Failure::conflict(error.to_string()))?;
    let subject = reset.machine.to_string();
    let new = NewDocument {
        kind: DocumentKind::TimeReset,
        number: None,
        scope: None,
        subject: Some(&subject),
        expires_at: None,
        payload: signed.payload(),
    };
    store_plain(app, caller, &signed, &charter.root.keys, new).await?;
    Ok(format!("The machine's time may fall to {}.", reset.to))
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&["kind", "number", "about", "added", "expires", "digest"]);
    let mut view = app.store.view().await?;
    let now = app.now();
    let numbered = [
        DocumentKind::Charter,
        DocumentKind::Roster,
        DocumentKind::Assignment,
    ];
    let plain = [
        DocumentKind::Stop,
        DocumentKind::Lift,
        DocumentKind::Downgrade,
        DocumentKind::Handover,
        DocumentKind::TimeReset,
    ];
    let mut found = Vec::new();
    for kind in numbered {
        found.extend(view.numbered_after(kind, 0).await?);
    }
    for kind in plain {
        found.extend(view.in_force(kind, now).await?);
    }
    for document in found {
        table.row(vec![
            Cell::of(document.kind.word()),
            document
                .number
                .map_or(Cell::Empty, |n| Cell::Number(n as i64)),
            Cell::maybe(document.subject.or(document.scope)),
            Cell::of(document.added_at),
            Cell::maybe(document.expires_at),
            Cell::of(document.digest),
        ]);
    }
    Ok(Output::Table(table))
}
