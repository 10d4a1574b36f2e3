//! `witness`: what a machine remembers, asked for while this collector is one that was put back
//! to a backup and that nobody has confirmed.

use super::Session;
use crate::fleet::{Fleet, locked};
use crate::rollout::ahead::Remembered;
use crate::store::documents::{Document, DocumentKind};
use patchward_common::id::MachineId;
use patchward_common::wire::machine::{
    Answer, MAX_WITNESSED_HEADS, MAX_WITNESSED_JOBS, Refused, RefusedCode, Stale, Witness,
};

pub(super) async fn witness(
    fleet: &Fleet,
    session: &Session,
    said: Witness,
) -> Result<Answer, Refused> {
    if said.heads.len() > MAX_WITNESSED_HEADS || said.jobs.len() > MAX_WITNESSED_JOBS {
        let text = format!(
            "up to {MAX_WITNESSED_HEADS} heads of the audit log and {MAX_WITNESSED_JOBS} jobs"
        );
        return Err(Refused::new(RefusedCode::BadRequest, text));
    }
    let machine = session.machine;
    if !asks(fleet, &machine) {
        // Nobody asked, so nothing is written.
        return Ok(Answer::Witnessed);
    }
    let ahead = remembered(fleet, &machine, said).await?.words();
    if !ahead.is_empty() {
        tracing::warn!(%machine, ahead, "a machine knows more than this restored collector");
    }
    let store = fleet.store();
    store.record_witness(&machine, &ahead, fleet.now()).await?;
    if let Some(heard) = locked(&fleet.witnesses).as_mut() {
        heard.insert(machine);
    }
    Ok(Answer::Witnessed)
}

/// Whether a machine is to say what it remembers.
fn asks(fleet: &Fleet, machine: &MachineId) -> bool {
    let witnesses = locked(&fleet.witnesses);
    let heard = witnesses.as_ref();
    heard.is_some_and(|heard| !heard.contains(machine))
}

/// What a hello's answer adds for it.
pub(super) fn asked(fleet: &Fleet, machine: &MachineId) -> Stale {
    match asks(fleet, machine) {
        true => Stale::WITNESS,
        false => Stale::default(),
    }
}

async fn remembered(
    fleet: &Fleet,
    machine: &MachineId,
    said: Witness,
) -> Result<Remembered, Refused> {
    let mut view = fleet.store().view().await?;
    let charter = view.newest(DocumentKind::Charter).await?;
    let roster = view.newest(DocumentKind::Roster).await?;
    let assignment = view.assignment_of(machine).await?;
    let number = |newest: Option<Document>| newest.and_then(|one| one.number).unwrap_or(0);
    let mut heads = Vec::new();
    for head in said.heads {
        if view.audit_with_hash(&head.hash).await?.is_none() {
            heads.push(head.at);
        }
    }
    let mut jobs = Vec::new();
    for job in said.jobs {
        if view.job(&job).await?.is_none() {
            jobs.push(job);
        }
    }
    let (charters, rosters, assignments) = said.numbers;
    Ok(Remembered {
        theirs: [charters, rosters, assignments],
        ours: [charter, roster, assignment].map(number),
        heads,
        jobs,
    })
}
