//! Stops, lifts, downgrades, handovers and time resets: each stands for itself.

use crate::app::App;
use crate::authority::{self, stored_signatures};
use crate::command::Caller;
use crate::control::Failure;
use crate::store::View;
use crate::store::documents::{DocumentKind, NewDocument};
use patchward_common::id::MachineId;
use patchward_common::plan::{approvers, signers};
use patchward_common::trust::charter::TimeReset;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Scope, Stop};
use patchward_common::words::counted;

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

pub(super) async fn stop(
    app: &App,
    caller: &Caller,
    signed: Signed<Stop>,
) -> Result<String, Failure> {
    let stop = content(&signed)?;
    let new = NewDocument::stop(&stop.scope, signed.payload());
    store_plain(app, caller, &signed, &signing_keys(app).await?, new).await?;
    Ok(format!("Stopped: {}.", stop.reason))
}

pub(super) async fn lift(
    app: &App,
    caller: &Caller,
    signed: Signed<Lift>,
) -> Result<String, Failure> {
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
    may_lift(app, &lift, &signed).await?;
    store_plain(app, caller, &signed, &signing_keys(app).await?, new).await?;
    Ok(format!("The stop is lifted: {}.", lift.reason))
}

/// An approver's stop is lifted by the quorum of the highest class that it covers, a
/// go-key's by a go-key. Each machine judges again for itself.
async fn may_lift(app: &App, lift: &Lift, signed: &Signed<Lift>) -> Result<(), Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let stored = view.document(&lift.stop).await?;
    let stored = stored.filter(|stored| stored.kind == DocumentKind::Stop);
    let stored = stored.ok_or_else(|| {
        Failure::not_found(format!(
            "There is no stop {}. `stop list` shows all.",
            lift.stop
        ))
    })?;
    let stop: Signed<Stop> = authority::signed(&mut view, stored).await?;
    let scope = content(&stop)?.scope;
    let held = authority::held(&mut view).await?;
    let go_keys = held.roster.live_go_keys(now);
    let by_collector = signers(&stop, &held.roster.all_people_keys()).is_empty();
    if by_collector {
        return match signers(signed, &go_keys).is_empty() {
            false => Ok(()),
            true => Err(Failure::conflict(
                "A collector stopped it: lift it with `stop lift`, signed by its go-key.",
            )),
        };
    }
    let class = highest_class(&mut view, &scope).await?;
    let quorum = held.roster.quorum(class);
    let units: Vec<_> = match &scope {
        Scope::Unit(unit) => vec![unit],
        _ => Vec::new(),
    };
    let signed = approvers(signed, &held.roster, &units, now);
    if signed.meets(quorum) {
        return Ok(());
    }
    Err(Failure::conflict(format!(
        "{} approvers must lift it ({} with a file key), and {} signed. Nothing was changed.",
        quorum.people,
        quorum.with_file_key,
        signed.people().len()
    )))
}

/// The highest class that a stop may cover; the highest of all where that is not known.
async fn highest_class(view: &mut View, scope: &Scope) -> Result<Class, Failure> {
    let units = view.units().await?;
    let covered = units.iter().filter(|unit| match scope {
        Scope::Unit(name) => unit.name == *name,
        Scope::Plan(_) | Scope::Release(_) | Scope::Vendor(_) | Scope::All => true,
    });
    Ok(covered
        .map(|unit| unit.class)
        .max()
        .unwrap_or(Class::LifeSupport))
}

pub(super) async fn downgrade(
    app: &App,
    caller: &Caller,
    signed: Signed<Downgrade>,
) -> Result<String, Failure> {
    let downgrade = content(&signed)?;
    super::in_date("downgrade", downgrade.expires, app.now())?;
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
        "{} may go back from {} to {} once.",
        counted(downgrade.machines.len(), "machine", "machines"),
        downgrade.from,
        downgrade.to
    ))
}

pub(super) async fn handover(
    app: &App,
    caller: &Caller,
    signed: Signed<Handover>,
) -> Result<String, Failure> {
    let handover = content(&signed)?;
    super::in_date("handover", handover.slot.end(), app.now())?;
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
    answer(app, caller, &handover.machine).await?;
    Ok(format!("Handed over; stand-in: {}.", handover.stand_in))
}

/// What the ward asked for is done with it.
async fn answer(app: &App, caller: &Caller, machine: &MachineId) -> Result<(), Failure> {
    let asks = app.store.view().await?.handover_asks().await?;
    if asks.iter().any(|ask| ask.machine == *machine) {
        let mut change = app.change(caller).await?;
        change.end_handover_ask(machine).await?;
        change.commit().await?;
    }
    Ok(())
}

pub(super) async fn time_reset(
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
