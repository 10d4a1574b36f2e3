//! The stop button of IT: signed with the collector's go-key, kept by every machine.

use super::Caller;
use crate::app::App;
use crate::authority::stored_signatures;
use crate::control::{Cell, Failure, Output, Table};
use crate::stopped;
use crate::store::View;
use crate::store::documents::{DocumentKind, NewDocument};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{Label, Name};
use patchward_common::nearest::nearest;
use patchward_common::trust::sign::{Document, Signed};
use patchward_common::trust::stop::{Lift, Scope, Stop};
use patchward_common::wire::collector::Nudge;
use serde::{Deserialize, Serialize};

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
        /// The stop, by its digest
        stop: Digest,
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
    /// One plan, by its full id
    #[arg(long)]
    plan: Option<Digest>,
    /// One release, by the SHA-256 of its first artifact
    #[arg(long)]
    release: Option<Digest>,
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
    fn scope(self) -> Scope {
        if let Some(plan) = self.plan {
            Scope::Plan(plan)
        } else if let Some(release) = self.release {
            Scope::Release(release)
        } else if let Some(vendor) = self.vendor {
            Scope::Vendor(vendor)
        } else if let Some(unit) = self.unit {
            Scope::Unit(unit)
        } else {
            Scope::All
        }
    }
}

/// A stop of what is not there stops nothing, and whoever ordered it goes away content.
async fn must_be_there(view: &mut View, scope: &Scope) -> Result<(), Failure> {
    let missing = |what: &str, list: &str, meant: Option<&str>| {
        let meant = meant.map_or_else(String::new, |meant| format!(" Did you mean {meant}?"));
        Err(Failure::not_found(format!(
            "Nothing is stopped: there is no {what}.{meant} `{list}` shows all; `stop now --all` \
             stops everything."
        )))
    };
    match scope {
        Scope::All => Ok(()),
        Scope::Plan(plan) => match view.plan(plan).await? {
            Some(_) => Ok(()),
            None => missing(&format!("plan {plan}"), "plan list", None),
        },
        Scope::Release(release) => match view.releases_by_digest(release).await?.is_empty() {
            false => Ok(()),
            true => missing(&format!("release {release}"), "release list", None),
        },
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
            let scope = scope.scope();
            must_be_there(&mut app.store.view().await?, &scope).await?;
            let stop = Stop {
                scope,
                reason,
                issued: app.now(),
            };
            let signed = Signed::new(&stop, &app.go_signing_key);
            let new = NewDocument {
                kind: DocumentKind::Stop,
                number: None,
                scope: Some(&stop.scope),
                subject: None,
                expires_at: None,
                payload: signed.payload(),
            };
            let mut change = app.change(caller).await?;
            change
                .add_document(&new, &stored_signatures(&signed, &[app.go_key()]))
                .await?;
            change.commit().await?;
            app.fleet.nudge_all(Nudge::Stop);
            Ok(Output::Text(format!(
                "Stopped. {} machines are told now; the others learn it before they may start. To \
                 lift it: `stop lift {}`.",
                app.fleet.connected(),
                signed.digest()
            )))
        }
        StopCommand::Lift { stop, reason } => {
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
            let ours = app.go_key().id();
            if known.is_none_or(|known| known.kind != DocumentKind::Stop) {
                return Err(Failure::not_found(format!("There is no stop {stop}.")));
            }
            if !signers.iter().any(|signature| signature.signer == ours) {
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
    for document in view.in_force(DocumentKind::Stop, app.now()).await? {
        let reach = stopped::reach(&app.fleet, &mut view, &document).await?;
        let stop: Option<Stop> =
            codec::decode_deterministic(&document.payload, Stop::MAX_BYTES).ok();
        table.row(vec![
            Cell::of(document.digest),
            Cell::maybe(document.scope),
            Cell::maybe(document.subject),
            Cell::of(document.added_at),
            Cell::maybe(stop.map(|stop| stop.reason)),
            Cell::Number(reach.acknowledged as i64),
            Cell::Number(reach.connected as i64),
            Cell::List(reach.missing),
        ]);
    }
    Ok(Output::Table(table))
}
