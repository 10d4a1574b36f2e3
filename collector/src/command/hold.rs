//! Holds: "not now", said by the ward of a machine or of its whole unit. Nothing starts
//! meanwhile; what runs goes on to a safe end; it ends by itself.

use super::zones::Zones;
use super::{Caller, machine, no_unit};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::nudging;
use crate::store::holds::Hold;
use crate::store::machines::Machine;
use crate::store::windows::Area;
use crate::store::{Actor, StoreError, View};
use clap::builder::PossibleValuesParser;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::HOUR_MS;
use patchward_common::wire::local::{HOLD_REASONS, MAX_HOLD_MS};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The longest that a hold may be asked for: then it is the next shift's to say.
pub const MAX_HOURS: i64 = MAX_HOLD_MS / HOUR_MS;

/// What can be done with holds.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum HoldCommand {
    /// Say "not now": nothing starts for some hours, and what runs goes on to a safe end
    Add {
        /// What is held
        #[command(flatten)]
        held: Held,
        /// For how many hours, 1 to 12; then it ends by itself
        #[arg(long = "for", value_name = "HOURS",
              value_parser = clap::value_parser!(u32).range(1..=MAX_HOURS))]
        hours: u32,
        /// Why
        #[arg(long, value_parser = PossibleValuesParser::new(HOLD_REASONS))]
        reason: String,
    },
    /// End a hold before its time: what was planned may start again
    End {
        /// What is held
        #[command(flatten)]
        held: Held,
    },
    /// Show the holds in force: those of the page; of one machine, what was said there as well
    List {
        /// Only this unit's
        #[arg(long)]
        unit: Option<Name>,
        /// Only those that hold this machine, by its name or id: its own and its unit's
        #[arg(long, conflicts_with = "unit")]
        machine: Option<String>,
    },
}

/// A unit or a machine.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Held {
    /// The whole unit
    #[arg(long)]
    pub unit: Option<Name>,
    /// One machine, by its name or id
    #[arg(long)]
    pub machine: Option<String>,
}

/// What is held, as it stands in the store.
struct Found {
    area: Area,
    subject: String,
    name: String,
    unit: Name,
}

impl Held {
    async fn found(&self, view: &mut View) -> Result<Found, Failure> {
        if let Some(text) = &self.machine {
            let machine = machine::find(view, text).await?;
            return Ok(Found {
                area: Area::Machine,
                subject: machine.id.to_string(),
                name: machine.name.to_string(),
                unit: machine.unit,
            });
        }
        let unit = self
            .unit
            .clone()
            .ok_or_else(|| Failure::input("name a machine or a unit to hold"))?;
        match view.unit(&unit).await? {
            None => Err(no_unit(&unit)),
            Some(_) => Ok(Found {
                area: Area::Unit,
                subject: unit.to_string(),
                name: format!("the whole unit {unit}"),
                unit,
            }),
        }
    }
}

/// Carries out a command on holds.
pub async fn run(app: &App, caller: &Caller, command: HoldCommand) -> Result<Output, Failure> {
    match command {
        HoldCommand::Add {
            held,
            hours,
            reason,
        } => {
            let mut change = app.change(caller).await?;
            let found = held.found(change.view()).await?;
            let zones = Zones::read(change.view()).await?;
            let until = change.now().plus_ms(i64::from(hours) * HOUR_MS);
            change
                .hold(found.area, &found.subject, until, &reason)
                .await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "Not now: nothing starts on {} until {}. What runs already goes on to a safe end. \
                 The hold ends by itself.",
                found.name,
                zones.text(Some(&found.unit), until)
            )))
        }
        HoldCommand::End { held } => end(app, caller, &held).await,
        HoldCommand::List {
            machine: Some(machine),
            ..
        } => of_machine(app, &machine).await,
        HoldCommand::List { unit, .. } => list(app, unit.as_ref()).await,
    }
}

async fn end(app: &App, caller: &Caller, held: &Held) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let found = held.found(change.view()).await?;
    let whose = own(&caller.actor);
    let ended = change
        .end_hold(found.area, &found.subject, whose.as_deref())
        .await;
    match ended {
        Ok(()) => {}
        Err(StoreError::NotFound { .. }) => return Err(not_held(&found.name, whose.is_some())),
        Err(other) => return Err(other.into()),
    }
    let targets = nudging::covered(change.view(), found.area, &found.subject).await?;
    change.commit().await?;
    // They were told to ask again in minutes, and a slot is short.
    for target in targets {
        app.fleet.ask_again(target);
    }
    Ok(Output::Text(format!(
        "The hold on {} is over: what was planned may start, each at its time.",
        found.name
    )))
}

/// Whose holds somebody may end: a link of the ward its own, and people those of their
/// units, as their role says.
fn own(actor: &Actor) -> Option<String> {
    matches!(actor, Actor::Kiosk(_)).then(|| actor.to_string())
}

fn not_held(name: &str, only_own: bool) -> Failure {
    Failure::conflict(match only_own {
        true => format!(
            "This screen does not hold {name}: the hold is over, or somebody else said it, and \
             they end it."
        ),
        false => format!("Nobody holds {name} on the page any more. `hold list` shows all."),
    })
}

/// The columns of holds.
const COLUMNS: [&str; 6] = ["unit", "machine", "until", "reason", "said_by", "since"];

async fn list(app: &App, unit: Option<&Name>) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let mut table = Table::new(&COLUMNS);
    let holds = view.holds(app.now()).await?;
    let held = holds.iter().filter_map(machine_of);
    let machines = view.these_machines(held).await?;
    for hold in holds {
        let Some((of, machine)) = place(&hold, &machines) else {
            continue;
        };
        if unit.is_some_and(|unit| *unit != of) {
            continue;
        }
        table.row(row(&zones, &of, machine, &hold));
    }
    Ok(Output::Table(table))
}

fn row(zones: &Zones, unit: &Name, machine: Option<Name>, hold: &Hold) -> Vec<Cell> {
    vec![
        Cell::of(unit),
        Cell::maybe(machine),
        zones.cell(Some(unit), hold.until),
        Cell::of(hold.reason.replace('_', " ")),
        Cell::of(&hold.set_by),
        zones.cell(Some(unit), hold.set_at),
    ]
}

/// What holds one machine: its unit, itself, and what was said there.
async fn of_machine(app: &App, machine: &str) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let found = machine::find(&mut view, machine).await?;
    let unit = &found.unit;
    let mut table = Table::new(&COLUMNS);
    for hold in view.holds_on(Area::Unit, unit.as_str(), now).await? {
        table.row(row(&zones, unit, None, &hold));
    }
    let id = found.id.to_string();
    for hold in view.holds_on(Area::Machine, &id, now).await? {
        table.row(row(&zones, unit, Some(found.name.clone()), &hold));
    }
    let status = view.machine_status(&found.id).await?;
    let there = status.and_then(|status| status.hold_until);
    if let Some(until) = there.filter(|until| now < *until) {
        table.row(vec![
            Cell::of(unit),
            Cell::of(&found.name),
            zones.cell(Some(unit), until),
            Cell::of("said at the machine"),
            Cell::Empty,
            Cell::Empty,
        ]);
    }
    Ok(Output::Table(table))
}

/// The machine of a hold, where it is one's.
fn machine_of(hold: &Hold) -> Option<MachineId> {
    let is_machine = hold.area == Area::Machine;
    is_machine.then(|| hold.subject.parse().ok()).flatten()
}

/// The unit of a hold, and its machine, where it is one's.
fn place(hold: &Hold, machines: &HashMap<MachineId, Machine>) -> Option<(Name, Option<Name>)> {
    match hold.area {
        Area::Unit => Name::new(&hold.subject).ok().map(|unit| (unit, None)),
        Area::Machine => {
            let machine = machines.get(&machine_of(hold)?)?;
            Some((machine.unit.clone(), Some(machine.name.clone())))
        }
        Area::All | Area::Site => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_its_own_holds_and_people_those_of_their_units() {
        let desk = Name::new("icu-desk").unwrap();
        let own_of = |actor| own(&actor);
        assert_eq!(
            own_of(Actor::Kiosk(desk.clone())).as_deref(),
            Some("kiosk:icu-desk")
        );
        assert_eq!(own_of(Actor::Person(desk)), None);
        assert_eq!(own_of(Actor::Local(0)), None);
        assert!(not_held("pc-1", true).text.contains("somebody else"));
    }
}
