//! One job, for who stands before its machine at night: where it stands, whether the machine is
//! safe to use, who stands in, whom to call, what to do.

use super::super::zones::Zones;
use super::beside::{self, Stands};
use super::words;
use crate::agenda;
use crate::app::App;
use crate::calls::Lists;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::item::Item;
use crate::item::against::Against;
use crate::item::bedside::{self, Known};
use crate::item::down::{Down, down};
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::jobs::closings::Closing;
use crate::store::machines::{Machine, MachineState};
use patchward_common::id::JobId;
use patchward_common::plan::wave_number;
use patchward_common::time::UtcMs;

type Parts = Vec<(&'static str, Cell)>;
/// Lists of a report, by their names.
type Named = Vec<(String, Table)>;

/// What is read of a job once.
struct Told<'a> {
    job: &'a Job,
    machine: Option<Machine>,
    zones: Zones,
    /// When the go was issued whose end is not reported.
    going: Option<UtcMs>,
    down: Option<Down>,
    item: Option<Item>,
    /// The gravest that another job of its machine left, or its inventory shows.
    other: Option<(Against, JobId)>,
    closing: Option<Closing>,
}

/// Shows a job.
pub(super) async fn show(app: &App, view: &mut View, job: &Job) -> Result<Output, Failure> {
    let now = app.now();
    let goes = view.goes_of(&job.id).await?;
    let going = goes.iter().find(|go| go.ended_at.is_none());
    let going = going.map(|go| go.issued_at);
    let closing = view.closing(&job.id).await?;
    let machine = view.machine(&job.machine).await?;
    let told = Told {
        job,
        other: other(app, view, job, machine.as_ref()).await?,
        machine,
        zones: Zones::read(view).await?,
        going,
        down: down(&job.state, job.since, going),
        item: agenda::item_of(&app.fleet, view, job, now).await?,
        closing: closing.filter(|closing| closing.covers(job.since)),
    };
    let (mut parts, mut lists) = (told.stands(), Vec::new());
    if let Some((bedside, beside)) = told.bedside(app, view, now).await? {
        parts.extend(bedside);
        lists = beside;
    }
    parts.extend(told.planned(view).await?);
    parts.extend(told.recorded(view).await?);
    parts.extend(told.next(view).await?);
    let named = |(name, cell): (&str, Cell)| (name.to_owned(), cell);
    let parts: Vec<_> = parts.into_iter().map(named).collect();
    let mut report = Report::new([], Output::Record(parts.clone()).text());
    report.parts = parts;
    report.lists = lists;
    Ok(Output::Report(report))
}

/// What the machine's other jobs left, while it is in the fleet.
async fn other(
    app: &App,
    view: &mut View,
    job: &Job,
    machine: Option<&Machine>,
) -> Result<Option<(Against, JobId)>, Failure> {
    if machine.is_none_or(|machine| machine.state != MachineState::Enrolled) {
        return Ok(None);
    }
    let (now, but) = (app.now(), Some(job.id));
    let found = agenda::against(&app.fleet, view, &[job.machine], but, now).await;
    Ok(found?.remove(&job.machine))
}

impl Told<'_> {
    fn name(&self) -> String {
        let machine = self.machine.as_ref();
        machine.map_or_else(
            || self.job.machine.to_string(),
            |machine| machine.name.to_string(),
        )
    }

    /// An instant as the machine's unit has it.
    fn at(&self, at: Option<UtcMs>) -> Cell {
        let unit = self.machine.as_ref().map(|machine| &machine.unit);
        self.zones.maybe(unit, at)
    }

    fn stands(&self) -> Parts {
        vec![
            ("job", Cell::of(self.job.id)),
            ("machine", Cell::of(self.name())),
            ("state", Cell::of(self.job.state.word())),
            ("why", Cell::maybe(self.job.state.reason().map(words))),
            ("since", self.at(Some(self.job.since))),
        ]
    }

    /// What somebody before the machine has to know, where it is not in service; and who stands
    /// in for it.
    async fn bedside(
        &self,
        app: &App,
        view: &mut View,
        now: UtcMs,
    ) -> Result<Option<(Parts, Named)>, Failure> {
        let lists = Lists::read(view).await?;
        let (covered, calls) = match &self.machine {
            None => (Vec::new(), &[][..]),
            Some(machine) => {
                let groups = view.groups_of(&machine.id).await?;
                let covered = beside::groups(view, &machine.id, &groups).await?;
                (covered, lists.of_unit(&machine.unit))
            }
        };
        let stand_ins = beside::judged(app, view, &covered, now).await?;
        let is_ready = stand_ins.iter().any(|(_, one)| *one == Stands::Ready);
        let (id, name) = (self.job.id.to_string(), self.name());
        let other = self.other.as_ref();
        let other = other.map(|(left, job)| (job.to_string(), left));
        let closing = self.closing.as_ref();
        let told = bedside::told(&Known {
            job: &id,
            machine: &name,
            state: &self.job.state,
            needs: self.item.as_ref().map(|item| item.kind),
            is_down: self.down.is_some(),
            by_hand: view.manual_worker(&self.job.machine).await?.is_some(),
            closed: closing.map(|one| (one.by.as_str(), one.reason.as_str())),
            other: other.as_ref().map(|(job, left)| (job.as_str(), *left)),
            stand_in: (!stand_ins.is_empty()).then_some(is_ready),
            on_call: !calls.is_empty(),
        });
        let Some(told) = told else {
            return Ok(None);
        };
        let parts = vec![
            ("safe_to_use", Cell::worded(told.safe.word(), told.words)),
            ("call", Cell::List(calls.iter().map(beside::call).collect())),
            ("what_to_do", Cell::of(told.todo)),
        ];
        let mut named = vec![("stand_ins".to_owned(), beside::table(&stand_ins))];
        let unit = self.machine.as_ref().map(|machine| &machine.unit);
        let elsewhere = unit.map(|unit| beside::elsewhere(&stand_ins, unit, &lists));
        let elsewhere = elsewhere.filter(|table| !table.rows.is_empty());
        named.extend(elsewhere.map(|table| ("stand_ins_elsewhere".to_owned(), table)));
        Ok(Some((parts, named)))
    }

    async fn planned(&self, view: &mut View) -> Result<Parts, Failure> {
        let (job, down) = (self.job, self.down.as_ref());
        let plan = view.plan(&job.plan).await?;
        Ok(vec![
            ("plan", Cell::maybe(plan.map(|plan| plan.title))),
            ("plan_id", Cell::of(job.plan)),
            ("wave", Cell::Number(wave_number(job.wave).into())),
            ("attempt", Cell::Number(job.attempt.into())),
            ("slot_from", self.at(job.slot.map(|slot| slot.start()))),
            ("slot_until", self.at(job.slot.map(|slot| slot.end()))),
            ("go_since", self.at(self.going)),
            ("down_since", self.at(down.map(|down| down.since))),
            ("down_because", Cell::maybe(down.map(|down| &down.because))),
        ])
    }

    /// Of work by hand the last attempt, where somebody recorded it; and who closed the job.
    async fn recorded(&self, view: &mut View) -> Result<Parts, Failure> {
        let record = view.manual_records(&self.job.id).await?.pop();
        let record = record.filter(|record| record.attempt == self.job.attempt);
        let record = record.as_ref();
        let closing = self.closing.as_ref();
        let order = record.map(|record| &record.work_order);
        let photo = record.and_then(|record| record.photo.as_ref());
        Ok(vec![
            ("recorded_by", Cell::maybe(record.map(|r| &r.recorded_by))),
            ("work_order", Cell::maybe(order)),
            ("photo", Cell::maybe(photo)),
            ("closed_by", Cell::maybe(closing.map(|one| &one.by))),
            ("closed_why", Cell::maybe(closing.map(|one| &one.reason))),
        ])
    }

    async fn next(&self, view: &mut View) -> Result<Parts, Failure> {
        let item = self.item.as_ref();
        let taken = match item {
            Some(item) => view.takers().await?.remove(&item.key()),
            None => None,
        };
        Ok(vec![
            ("item", Cell::maybe(item.map(Item::key))),
            (
                "next_step_by",
                Cell::maybe(item.map(|item| item.owner.word())),
            ),
            ("next_step", Cell::maybe(item.map(|item| &item.why))),
            ("taken_by", Cell::maybe(taken.map(|taken| taken.by))),
        ])
    }
}
