//! The stop button of IT: signed with the collector's go-key, kept by every machine.

use super::zones::Zones;
use super::{Caller, begun, hit, plan};
use crate::app::App;
use crate::authority::{self, stored_signatures};
use crate::control::{Cell, Failure, Output, Table};
use crate::stopped;
use crate::store::View;
use crate::store::documents::{Document, DocumentKind, NewDocument};
use crate::store::releases::Release;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{Label, Name};
use patchward_common::nearest::nearest;
use patchward_common::time::UtcMs;
use patchward_common::trust::sign::{Document as _, KeyId, Signed};
use patchward_common::trust::stop::{Lift, Scope, Stop};
use patchward_common::wire::collector::Nudge;
use patchward_common::words::counted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Digits of a stop that are shown to be typed again.
const SHOWN_DIGITS: usize = 12;

/// What can be done with stops.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum StopCommand {
    /// Stop: nothing within the scope starts any more; jobs that run go on to a safe end
    Now {
        /// What it covers
        #[command(flatten)]
        scope: ScopeArguments,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Lift a stop that this collector signed; an approver's is lifted with patchward-sign
    Lift {
        /// The stop, by its digest or the first digits of it
        stop: String,
        /// Why
        #[arg(long)]
        reason: Label,
    },
    /// Show the stops in force
    List,
}

/// Exactly one scope.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
#[group(required = true, multiple = false)]
pub struct ScopeArguments {
    /// One plan, by its id or the first digits of it
    #[arg(long)]
    plan: Option<String>,
    /// One release, by the SHA-256 of its first artifact or the first digits of it
    #[arg(long)]
    release: Option<String>,
    /// Everything from one vendor
    #[arg(long)]
    vendor: Option<Name>,
    /// Everything in one unit
    #[arg(long)]
    unit: Option<Name>,
    /// Everything
    #[arg(long)]
    all: bool,
}

impl ScopeArguments {
    /// What is stopped. It must be there: a stop of what is not there stops nothing, and
    /// whoever ordered it goes away content.
    async fn scope(self, view: &mut View) -> Result<Scope, Failure> {
        if let Some(plan) = self.plan {
            let found = plan::find(view, &plan).await.map_err(nothing_stopped)?;
            Ok(Scope::Plan(found.id))
        } else if let Some(release) = self.release {
            let found = release_begun(view, &release).await;
            Ok(Scope::Release(found.map_err(nothing_stopped)?))
        } else {
            let scope = match (self.vendor, self.unit) {
                (Some(vendor), _) => Scope::Vendor(vendor),
                (None, Some(unit)) => Scope::Unit(unit),
                (None, None) => Scope::All,
            };
            must_be_there(view, &scope).await?;
            Ok(scope)
        }
    }
}

/// Somebody is in a hurry: what was not understood stops nothing, and says so.
fn nothing_stopped(failure: Failure) -> Failure {
    let text = format!(
        "Nothing is stopped: {} `stop now --all` stops everything.",
        failure.text
    );
    Failure { text, ..failure }
}

/// The release whose first artifact begins with what was typed.
async fn release_begun(view: &mut View, text: &str) -> Result<Digest, Failure> {
    let digits = begun::digits(text, "the release's SHA-256")?;
    let mut found = view.releases(None).await?;
    found.retain(|release| release.sha256.to_string().starts_with(&digits));
    // Of several repositories it is one release to a stop.
    found.sort_by_key(|release| release.sha256);
    found.dedup_by_key(|release| release.sha256);
    let missing = || format!("There is no release {text}. `release list` shows all.");
    let described = |one: &Release| format!("{} {} {}", one.sha256, one.product, one.version);
    Ok(begun::only(found, missing, described)?.sha256)
}

/// The stop in force that begins with what was typed.
async fn stop_begun(view: &mut View, text: &str, now: UtcMs) -> Result<Digest, Failure> {
    if let Ok(digest) = text.parse() {
        return Ok(digest);
    }
    let digits = begun::digits(text, "the stop's digest")?;
    let mut found = view.in_force(DocumentKind::Stop, now).await?;
    found.retain(|stop| stop.digest.to_string().starts_with(&digits));
    let described = |stop: &Document| {
        let about = stop.subject.as_deref().or(stop.scope.as_deref());
        format!("{} of {}", stop.digest, about.unwrap_or("?"))
    };
    Ok(begun::only(found, || missing(text), described)?.digest)
}

fn missing(stop: impl std::fmt::Display) -> String {
    format!("There is no stop {stop} in force. `stop list` shows all.")
}

/// Whether the vendor or unit is there.
async fn must_be_there(view: &mut View, scope: &Scope) -> Result<(), Failure> {
    let missing = |what: &str, list: &str, meant: Option<&str>| {
        let meant = meant.map_or_else(String::new, |meant| format!(" Did you mean {meant}?"));
        Err(Failure::not_found(format!(
            "Nothing is stopped: there is no {what}.{meant} `{list}` shows all; `stop now --all` \
             stops everything."
        )))
    };
    match scope {
        // Those were found by their digits.
        Scope::All | Scope::Plan(_) | Scope::Release(_) => Ok(()),
        Scope::Vendor(name) => {
            let known = view.vendors().await?;
            let known: Vec<&str> = known.iter().map(|vendor| vendor.name.as_str()).collect();
            match known.contains(&name.as_str()) {
                true => Ok(()),
                false => {
                    let meant = nearest(name.as_str(), &known);
                    missing(&format!("vendor {name}"), "vendor list", meant)
                }
            }
        }
        Scope::Unit(name) => {
            let known = view.units().await?;
            let known: Vec<&str> = known.iter().map(|unit| unit.name.as_str()).collect();
            match known.contains(&name.as_str()) {
                true => Ok(()),
                false => {
                    let meant = nearest(name.as_str(), &known);
                    missing(&format!("unit {name}"), "unit list", meant)
                }
            }
        }
    }
}

/// Carries out a command on stops.
pub async fn run(app: &App, caller: &Caller, command: StopCommand) -> Result<Output, Failure> {
    match command {
        StopCommand::Now { scope, reason } => {
            let scope = scope.scope(&mut app.store.view().await?).await?;
            let stop = Stop {
                scope,
                reason,
                issued: app.now(),
            };
            let signed = Signed::new(&stop, &app.go_signing_key);
            let new = NewDocument::stop(&stop.scope, signed.payload());
            let mut change = app.change(caller).await?;
            change
                .add_document(&new, &stored_signatures(&signed, &[app.go_key()]))
                .await?;
            change.commit().await?;
            app.fleet.nudge_all(Nudge::Stop);
            // It is in force and told before anything is counted.
            let hit = hit::stopped(&mut app.store.view().await?, &stop.scope).await;
            let hit = hit.unwrap_or_else(|failure| failure.text);
            Ok(Output::Text(format!(
                "Stopped. {} told now; the others learn it before they may start. \
                 {hit} To lift it: `stop lift {}`.",
                counted(connected(app), "machine is", "machines are"),
                &signed.digest().to_string()[..SHOWN_DIGITS]
            )))
        }
        StopCommand::Lift { stop, reason } => {
            let stop = stop_begun(&mut app.store.view().await?, &stop, app.now()).await?;
            let lift = Lift {
                stop,
                reason,
                issued: app.now(),
            };
            let signed = Signed::new(&lift, &app.go_signing_key);
            let subject = stop.to_string();
            let new = NewDocument {
                kind: DocumentKind::Lift,
                number: None,
                scope: None,
                subject: Some(&subject),
                expires_at: None,
                payload: signed.payload(),
            };
            let mut change = app.change(caller).await?;
            let known = change.view().document(&stop).await?;
            let signers = change.view().signatures(&stop).await?;
            let ours = go_key_ids(change.view(), app).await;
            if known.is_none_or(|known| known.kind != DocumentKind::Stop) {
                return Err(Failure::not_found(missing(stop)));
            }
            if !signers.iter().any(|one| ours.contains(&one.signer)) {
                return Err(Failure::conflict(
                    "An approver stopped it: approvers lift it with `patchward-sign lift`.",
                ));
            }
            change
                .add_document(&new, &stored_signatures(&signed, &[app.go_key()]))
                .await?;
            change.end_document(&stop, "lifted").await?;
            change.commit().await?;
            app.fleet.nudge_all(Nudge::OrdersChanged);
            Ok(Output::Text("The stop is lifted.".into()))
        }
        StopCommand::List => list(app).await,
    }
}

/// The machines that are connected with this collector, and with the others.
fn connected(app: &App) -> usize {
    let elsewhere = app.fleet.elsewhere();
    let elsewhere = elsewhere.iter().map(|other| other.connected);
    elsewhere.fold(app.fleet.connected(), usize::saturating_add)
}

/// Whose stops a collector may lift: any go-key's, an earlier one of this collector included.
async fn go_key_ids(view: &mut View, app: &App) -> BTreeSet<KeyId> {
    let held = authority::held(view).await.ok();
    let named = held.iter().flat_map(|held| &held.roster.go_keys);
    let named = named.map(|go| go.key.id());
    named.chain([app.go_key().id()]).collect()
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&[
        "stop",
        "scope",
        "about",
        "since",
        "reason",
        "acknowledged",
        "connected",
        "missing",
    ]);
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let (holding, elsewhere) = (app.fleet.holding(), app.fleet.elsewhere());
    for document in view.in_force(DocumentKind::Stop, app.now()).await? {
        let reach = stopped::reach((&holding, &elsewhere), &mut view, &document).await?;
        let stop: Option<Stop> =
            codec::decode_deterministic(&document.payload, Stop::MAX_BYTES).ok();
        table.row(vec![
            Cell::of(document.digest),
            Cell::maybe(document.scope),
            Cell::maybe(document.subject),
            zones.cell(None, document.added_at),
            Cell::maybe(stop.map(|stop| stop.reason)),
            Cell::Number(reach.acknowledged as i64),
            Cell::Number(reach.connected as i64),
            Cell::List(reach.missing),
        ]);
    }
    Ok(Output::Table(table))
}
