//! Machines that wait until a person lets them in: new ones, and those that come back.

use super::super::Caller;
use crate::agenda::back_from;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::fleet::enrolment;
use crate::store::View;
use crate::store::enrolments::Enrolment;
use crate::store::machines::{MachineState, Return};
use patchward_common::id::{Label, Name};

/// Who waits.
enum Waiting {
    /// One that asks with a token.
    New(Box<Enrolment>),
    /// One that is known, and was away.
    Back(Box<Return>),
}

/// The one that waits with this host name, name or id.
async fn find(view: &mut View, text: &str) -> Result<Waiting, Failure> {
    let mut new = view.enrolments_waiting().await?;
    new.retain(|one| one.host.as_str() == text || one.machine.to_string() == text);
    let mut back = view.returns_waiting().await?;
    back.retain(|one| one.name.as_str() == text || one.machine.to_string() == text);
    match (new.pop(), back.pop()) {
        (None, None) => Err(Failure::not_found(format!(
            "No machine {text} waits. `machine waiting` shows those that do."
        ))),
        (Some(new_one), None) if new.is_empty() => Ok(Waiting::New(Box::new(new_one))),
        // Two of the fleet never have one name.
        (None, Some(back)) => Ok(Waiting::Back(Box::new(back))),
        // One that lost its disk while it was away asks in both ways; with the token it gets
        // further, because it has nothing else any more.
        (Some(new_one), Some(back)) if new.is_empty() && new_one.machine == back.machine => {
            Ok(Waiting::New(Box::new(new_one)))
        }
        _ => Err(Failure::conflict(format!(
            "Several machines call themselves {text}: name one by its id."
        ))),
    }
}

pub(super) async fn list(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&["host", "unit", "token", "asked", "why", "machine"]);
    let mut view = app.store.view().await?;
    for asked in view.enrolments_waiting().await? {
        table.row(vec![
            Cell::of(asked.host),
            Cell::of(asked.unit),
            Cell::of(asked.token),
            Cell::of(asked.asked_at),
            Cell::of("it asks with a token"),
            Cell::of(asked.machine),
        ]);
    }
    for back in view.returns_waiting().await? {
        let why = back_from(&back);
        table.row(vec![
            Cell::of(back.name),
            Cell::of(back.unit),
            Cell::Empty,
            Cell::of(back.asked_at),
            Cell::of(why),
            Cell::of(back.machine),
        ]);
    }
    if !table.rows.is_empty() {
        table.note = Some(
            "Compare the id with `patchward-agent status` on the machine, then `machine accept`."
                .into(),
        );
    }
    Ok(Output::Table(table))
}

pub(super) async fn accept(
    app: &App,
    caller: &Caller,
    machine: &str,
    name: Option<Name>,
    model: Option<Name>,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let asked = match find(change.view(), machine).await? {
        Waiting::New(asked) => *asked,
        Waiting::Back(back) if name.is_none() && model.is_none() => {
            match back.state {
                MachineState::Stored => {
                    let (from, to) = (MachineState::Stored, MachineState::Enrolled);
                    let reason = "it asked to come back";
                    change.move_machine(&back.machine, from, to, reason).await?;
                }
                _ => change.accept_return(&back.machine).await?,
            }
            change.commit().await?;
            app.fleet.machine_changed(&back.machine);
            return Ok(Output::Text(format!(
                "{} may come back. It gets its next certificate within minutes, and reports then.",
                back.name
            )));
        }
        Waiting::Back(back) => {
            return Err(Failure::input(format!(
                "{} comes back as what it was: leave out --name and --model.",
                back.name
            )));
        }
    };
    let mut new = enrolment::propose(change.view(), asked).await?;
    new.name = name.unwrap_or(new.name);
    new.model = model.unwrap_or(new.model);
    change.accept_enrolment(&new).await?;
    change.commit().await?;
    app.fleet.machine_changed(&new.id);
    Ok(Output::Text(format!(
        "{} is accepted. It reports within a minute; its mode is observe until HTM assigns it.",
        new.name
    )))
}

pub(super) async fn refuse(
    app: &App,
    caller: &Caller,
    machine: &str,
    reason: &Label,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let asked = match find(change.view(), machine).await? {
        Waiting::New(asked) => asked,
        Waiting::Back(back) => {
            return Err(Failure::conflict(format!(
                "{0} is a machine of the fleet that comes back. As long as nobody accepts it, it \
                 stays out; `machine revoke {0}` ends its access for good.",
                back.name
            )));
        }
    };
    change
        .refuse_enrolment(&asked.machine, reason.as_str())
        .await?;
    change.commit().await?;
    Ok(Output::Text(format!("{} is turned away.", asked.host)))
}
