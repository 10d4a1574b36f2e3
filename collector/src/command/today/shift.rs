//! `shift`: what the next shift has to know, to hand over and to print.

mod judged;

use super::super::item::table;
use super::super::zones::Zones;
use crate::agenda::{self, Agenda};
use crate::app::App;
use crate::calls::Lists;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::item::shift::{self, Begins, Hold, Shift};
use crate::item::{Item, Owner};
use crate::store::holds::Hold as Said;
use crate::store::jobs::Job;
use crate::store::machines::Machine;
use crate::store::windows::Area;
use judged::Judged;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How far a shift reaches.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Asked {
    /// How long a shift is, in hours, up to 72: so far back and so far ahead
    #[arg(long, default_value_t = shift::HOURS,
          value_parser = clap::value_parser!(u32).range(1..=shift::MOST_HOURS))]
    pub hours: u32,
}

/// Shows it.
pub(in crate::command) async fn run(app: &App, asked: &Asked) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let agenda = agenda::gather(&app.fleet, &mut view, app.now()).await?;
    drop(view);
    told(app, &agenda, asked).await
}

/// The same of the day as it was gathered.
pub(in crate::command) async fn told(
    app: &App,
    agenda: &Agenda,
    asked: &Asked,
) -> Result<Output, Failure> {
    let now = app.now();
    let shift = Shift::of(now, asked.hours.into());
    let (from, until) = (shift.from, shift.until);
    let mut view = app.store.view().await?;
    let lists = Lists::read(&mut view).await?;
    let zones = Zones::read(&mut view).await?;
    let gone_wrong = view.jobs_gone_wrong_since(from).await?;
    let said = view.holds(now).await?;
    let of_holds = said.iter().filter_map(machine_of);
    let of_jobs = gone_wrong.iter().map(|job| job.machine);
    let machines: Vec<MachineId> = of_holds.chain(of_jobs).collect();
    let machines = view.these_machines(machines).await?;
    let judged = Judged::of(app, &mut view, &agenda.items, &gone_wrong).await?;
    let unfit = judged::unfit(&mut view, &judged.items).await?;
    let down = judged::down_now(&mut view).await?;
    drop(view);
    let is_taken = |item: &Item| lists.taker(item).is_some();
    let mut open = shift::open(
        &judged.items,
        is_taken,
        |item| unfit.contains(&item.subject),
        shift,
    );
    open.add_down(&judged.items, &down);
    let holds = holds(&said, &machines, agenda);
    let begins = shift::begins(&agenda.slots, &judged.items, until);
    let items = |items: &[Item]| table(items, &lists, &zones, now);
    let known = Known {
        agenda,
        lists: &lists,
        zones: &zones,
    };
    let text = format!(
        "The shift since {}, and what begins until {}. What was open before, is not raised, and \
         nobody has taken stands on Today: `today`.",
        zones.text(None, from),
        zones.text(None, until)
    );
    let parts = [
        ("since", zones.cell(None, from)),
        ("until", zones.cell(None, until)),
    ];
    let report = Report::new(parts, text)
        .with("nothing_starts", items(&open.stops))
        .with(
            "went_wrong",
            known.went_wrong(&gone_wrong, &machines, &judged),
        )
        .with("not_in_service", items(&open.down))
        .with("holds", known.holds(&holds))
        .with("begins", known.begins(&begins))
        .with("waits", items(&open.waits));
    Ok(Output::Report(report))
}

/// The machine of a hold, where it is one's.
fn machine_of(hold: &Said) -> Option<MachineId> {
    let is_machine = hold.area == Area::Machine;
    is_machine.then(|| hold.subject.parse().ok()).flatten()
}

/// All holds, those first that end first: what was said on the page, and at machines.
fn holds(said: &[Said], machines: &HashMap<MachineId, Machine>, agenda: &Agenda) -> Vec<Hold> {
    let on_page = said.iter().filter_map(|hold| {
        let machine = machine_of(hold).and_then(|id| machines.get(&id));
        let unit = match hold.area {
            Area::Unit => Name::new(&hold.subject).ok(),
            _ => machine.map(|machine| machine.unit.clone()),
        };
        Some(Hold {
            until: hold.until,
            unit: unit?,
            machine: machine.map(|machine| machine.name.to_string()),
            since: Some(hold.set_at),
            said: format!("{}: {}", hold.set_by, hold.reason.replace('_', " ")),
        })
    });
    let there = agenda.held.iter().filter_map(|(machine, until)| {
        Some(Hold {
            until: *until,
            unit: agenda.units.get(machine)?.clone(),
            machine: Some(machine.clone()),
            since: None,
            said: "said at the machine".to_owned(),
        })
    });
    let mut holds: Vec<Hold> = on_page.chain(there).collect();
    holds.sort();
    holds
}

/// What the rows are made of.
struct Known<'a> {
    agenda: &'a Agenda,
    lists: &'a Lists,
    zones: &'a Zones,
}

impl Known<'_> {
    /// The jobs that went wrong in the shift, and what is done about them.
    fn went_wrong(
        &self,
        jobs: &[Job],
        machines: &HashMap<MachineId, Machine>,
        judged: &Judged<'_>,
    ) -> Table {
        let mut table = Table::new(&[
            "job",
            "machine",
            "unit",
            "state",
            "since",
            "why",
            "owner",
            "owner_since",
            "taken_by",
            "next_step",
        ]);
        for job in jobs {
            let machine = machines.get(&job.machine);
            let found = judged.found(job, machine);
            let item = found.item();
            let unit = machine.map(|machine| &machine.unit);
            let taken = item.and_then(|item| self.lists.taker(item));
            table.row(vec![
                Cell::of(job.id),
                Cell::maybe(machine.map(|machine| &machine.name)),
                Cell::maybe(unit),
                Cell::of(job.state.word()),
                self.zones.cell(unit, job.since),
                Cell::maybe(job.state.reason().map(|reason| &reason.text)),
                Cell::maybe(item.map(|item| item.owner.word())),
                self.at(unit, item.map(|item| item.since)),
                Cell::maybe(taken.map(|taken| &taken.by)),
                Cell::of(found.words()),
            ]);
        }
        table
    }

    fn holds(&self, holds: &[Hold]) -> Table {
        let mut table = Table::new(&["unit", "machine", "until", "owner", "since", "said_by"]);
        for hold in holds {
            let unit = Some(&hold.unit);
            table.row(vec![
                Cell::of(&hold.unit),
                Cell::maybe(hold.machine.as_ref()),
                self.zones.cell(unit, hold.until),
                Cell::of(Owner::Ward.word()),
                self.at(unit, hold.since),
                Cell::of(&hold.said),
            ]);
        }
        table
    }

    fn begins(&self, begins: &[Begins<'_>]) -> Table {
        let mut table = Table::new(&["machine", "unit", "from", "until", "owner", "since", "why"]);
        for one in begins {
            let unit = self.agenda.units.get(one.machine);
            table.row(vec![
                Cell::of(one.machine),
                Cell::maybe(unit),
                self.zones.cell(unit, one.slot.start()),
                self.zones.cell(unit, one.slot.end()),
                Cell::maybe(one.item.map(|item| item.owner.word())),
                self.at(unit, one.item.map(|item| item.since)),
                Cell::maybe(one.item.map(|item| &item.why)),
            ]);
        }
        table
    }

    fn at(&self, unit: Option<&Name>, at: Option<UtcMs>) -> Cell {
        at.map_or(Cell::Empty, |at| self.zones.cell(unit, at))
    }
}
