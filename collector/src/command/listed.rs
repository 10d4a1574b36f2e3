//! A page of a list that grows with the fleet: the commands that tell of such lists tell them
//! whole to programs, and a page at a time to who looks.

use super::{Command, asset, audit, evidence, job, machine};
use crate::control::{Failure, Report, Table};
use crate::store::View;
use crate::store::listed::{Page, Wanted};

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Paged {
    /// Its rows.
    pub table: Table,
    /// How many rows there are in the units that are seen.
    pub total: u64,
    /// How many of them are as they are asked for.
    pub found: u64,
    /// What stands above the list, and what the list is called in it.
    pub report: Option<(&'static str, Report)>,
    /// The columns by which it cannot be sorted.
    pub unsorted: &'static [&'static str],
}

impl Paged {
    pub(super) fn of<T>(table: Table, page: &Page<T>) -> Self {
        Self {
            table,
            total: page.total,
            found: page.found,
            report: None,
            unsorted: &[],
        }
    }

    pub(super) fn below(self, name: &'static str, report: Report) -> Self {
        Self {
            report: Some((name, report)),
            ..self
        }
    }

    /// The same; where not all stand in it, it says so.
    pub(super) fn with_note(mut self, what: &str) -> Self {
        let shown = self.table.rows.len() as u64;
        if shown < self.found {
            self.table.note = Some(format!(
                "{shown} of {} {what} are shown. Ask for those of a plan or a machine, or look at \
                 the page, which has all.",
                self.found
            ));
        }
        self
    }
}

/// What a list is called within its answer, where a command tells of one that grows; `None`
/// for every other command. A list that is the whole answer has no name.
pub fn name_of(command: &Command) -> Option<&'static str> {
    match command {
        Command::Machine(
            machine::MachineCommand::List { .. } | machine::MachineCommand::Components { .. },
        )
        | Command::Job(job::JobCommand::List { .. })
        | Command::Evidence(evidence::EvidenceCommand::List { .. }) => Some(""),
        Command::Audit(audit::AuditCommand::List(rows)) => rows.plain().map(|_| ""),
        Command::Asset(asset::AssetCommand::List { .. }) => Some("assets"),
        _ => None,
    }
}

/// A page of the list that a command tells of; `None` where it tells of none.
///
/// # Errors
/// As the command's own.
pub async fn page(
    view: &mut View,
    command: &Command,
    wanted: &Wanted,
) -> Result<Option<Paged>, Failure> {
    Ok(Some(match command {
        Command::Machine(machine::MachineCommand::List { unit }) => {
            machine::listed(view, unit.as_ref(), wanted).await?
        }
        Command::Machine(machine::MachineCommand::Components { machine }) => {
            machine::components::listed(view, machine, wanted).await?
        }
        Command::Asset(asset::AssetCommand::List { unit, state }) => {
            asset::listed(view, unit.as_ref(), state.as_deref(), wanted).await?
        }
        Command::Job(job::JobCommand::List { plan, machine }) => {
            job::listed(view, plan.clone(), machine.clone(), wanted).await?
        }
        Command::Evidence(evidence::EvidenceCommand::List { choice }) => {
            evidence::listed(view, choice, wanted).await?
        }
        Command::Audit(audit::AuditCommand::List(rows)) => {
            let Some((last, about)) = rows.plain() else {
                return Ok(None);
            };
            audit::listed(view, last, about, wanted).await?
        }
        _ => return Ok(None),
    }))
}
