//! What people state for planning: limits, order, training, duty, members without agent.

mod training;

pub use training::TrainingCommand;

use crate::app::App;
use crate::command::release::product_and_version;
use crate::command::{Caller, machine, window::instant};
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::View;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::plan::{Duty, Limits, Precedence};
use patchward_common::time::{Interval, UtcMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a kilobyte, as lines are sold.
const KILOBYTE: u64 = 1_000;

/// What can be stated.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum StateCommand {
    /// Show all that was stated
    Stated,
    /// Limit what goes on at once at a site, or in the hospital; what is not named ends
    Limit {
        /// The site; the whole hospital where none is named
        #[arg(long)]
        site: Option<Name>,
        /// Most machines with an open slot at once
        #[arg(long)]
        parallel: Option<u32>,
        /// What the site's line carries of artifacts, in kilobytes per second
        #[arg(long, requires = "site", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
        kilobytes_per_second: Option<u64>,
    },
    /// State that a server comes before a machine in every plan that has both
    Order {
        /// The server, by name or id
        server: String,
        /// Its workstation, by name or id
        machine: String,
        /// Take it back
        #[arg(long)]
        remove: bool,
    },
    /// Training for a release
    #[command(subcommand)]
    Training(TrainingCommand),
    /// Who is there to return machines to service
    #[command(subcommand)]
    Duty(DutyCommand),
    /// State that a member of a coverage group without an agent is fit for use
    Member {
        /// Its asset tag
        tag: Label,
        /// Who says so
        #[arg(long)]
        by: Label,
        /// How long it counts
        #[arg(long, value_parser = instant)]
        until: UtcMs,
    },
}

/// What can be stated of duty.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum DutyCommand {
    /// Somebody is there
    Add {
        /// The person, or the service
        who: Label,
        /// From when
        #[arg(long, value_parser = instant)]
        from: UtcMs,
        /// Until when
        #[arg(long, value_parser = instant)]
        until: UtcMs,
        /// For this unit alone
        #[arg(long)]
        unit: Option<Name>,
    },
    /// Nobody is there after all
    Remove {
        /// The person, or the service
        who: Label,
        /// When it was to begin
        #[arg(long, value_parser = instant)]
        from: UtcMs,
    },
}

/// Carries out a command on what is stated.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    command: StateCommand,
) -> Result<Output, Failure> {
    match command {
        StateCommand::Stated => stated(app).await,
        StateCommand::Limit {
            site,
            parallel,
            kilobytes_per_second,
        } => {
            let limits = Limits {
                parallel,
                bytes_per_second: kilobytes_per_second.map(|rate| rate * KILOBYTE),
            };
            let mut change = app.change(caller).await?;
            let of = |found: &(Option<Name>, Limits)| found.0 == site;
            let before = change.view().work_limits().await?.into_iter().find(of);
            change.set_work_limits(site.as_ref(), limits).await?;
            change.commit().await?;
            let before = before.map(|(_, limits)| limits).unwrap_or_default();
            Ok(Output::Text(limited(site.as_ref(), before, limits)))
        }
        StateCommand::Order {
            server,
            machine,
            remove,
        } => order(app, caller, &server, &machine, remove).await,
        StateCommand::Training(command) => training::run(app, caller, command).await,
        StateCommand::Duty(command) => duty(app, caller, command).await,
        StateCommand::Member { tag, by, until } => {
            let mut change = app.change(caller).await?;
            if until <= change.now() {
                return Err(Failure::input("--until lies in the past"));
            }
            change.state_member(&tag, &by, until).await?;
            change.commit().await?;
            let text = format!("{by} vouches for {tag} until {until}.");
            Ok(Output::Text(text))
        }
    }
}

/// What holds now, and which limits ended because they were not named.
fn limited(site: Option<&Name>, before: Limits, now: Limits) -> String {
    let of = site.map_or_else(|| "the hospital".to_owned(), |site| format!("site {site}"));
    let ended: Vec<String> = [
        before
            .parallel
            .filter(|_| now.parallel.is_none())
            .map(|most| format!("at most {most} machines at once")),
        before
            .bytes_per_second
            .filter(|_| now.bytes_per_second.is_none())
            .map(|rate| format!("{} kilobytes per second", rate / KILOBYTE)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut text = match now == Limits::default() {
        true => format!("For new plans {of} has no limit."),
        false => format!("The limits of {of} hold for new plans."),
    };
    if !ended.is_empty() {
        text.push_str(&format!(
            " It had {}, which was not named and is gone.",
            ended.join(" and ")
        ));
    }
    text
}

async fn order(
    app: &App,
    caller: &Caller,
    server: &str,
    next: &str,
    remove: bool,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let pair = Precedence {
        first: machine::find(change.view(), server).await?.id,
        next: machine::find(change.view(), next).await?.id,
    };
    if pair.first == pair.next {
        return Err(Failure::input("a machine does not come before itself"));
    }
    let text = match remove {
        true => {
            change.remove_precedence(pair).await?;
            format!("{next} does not wait for {server} any more.")
        }
        false => {
            refuse_circle(change.view(), pair).await?;
            change.add_precedence(pair).await?;
            format!("{server} comes before {next}.")
        }
    };
    change.commit().await?;
    Ok(Output::Text(text))
}

/// Machines that come before one another are never planned.
async fn refuse_circle(view: &mut View, pair: Precedence) -> Result<(), Failure> {
    let known = view.precedence().await?;
    let Some(way) = way(&known, pair.next, pair.first) else {
        return Ok(());
    };
    let mut names = Vec::new();
    for machine in way {
        let known = view.machine(&machine).await?;
        names.push(known.map_or_else(|| machine.to_string(), |known| known.name.to_string()));
    }
    Err(Failure::conflict(format!(
        "They come before one another already: {}. None of them could be planned; take one step \
         out first with `plan order SERVER NEXT --remove`.",
        names.join(" before ")
    )))
}

/// The machines from `from` to `to`, each of which comes before the next.
fn way(known: &[Precedence], from: MachineId, to: MachineId) -> Option<Vec<MachineId>> {
    let mut reached_from: BTreeMap<MachineId, MachineId> = BTreeMap::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for step in known.iter().filter(|step| step.first == at) {
            if step.next != from && !reached_from.contains_key(&step.next) {
                reached_from.insert(step.next, at);
                open.push(step.next);
            }
        }
    }
    let mut way = vec![to];
    while let Some(before) = way.last().and_then(|last| reached_from.get(last)) {
        way.push(*before);
    }
    way.reverse();
    (way.first() == Some(&from)).then_some(way)
}

/// Reads a release as it is typed.
pub(in crate::command) fn release(text: &str) -> Result<(Name, String), Failure> {
    let wrong = || Failure::input(format!("\"{text}\": write a release as PRODUCT=VERSION"));
    let (product, version) = product_and_version(text)?;
    let product = Name::new(product).map_err(|_| wrong())?;
    if !patchward_common::trust::release::is_version(version) {
        return Err(wrong());
    }
    Ok((product, version.to_owned()))
}

async fn duty(app: &App, caller: &Caller, command: DutyCommand) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let text = match command {
        DutyCommand::Add {
            who,
            from,
            until,
            unit,
        } => {
            let time = Interval::new(from, until)
                .map_err(|_| Failure::input("--until is not after --from"))?;
            let text = format!("{who} is on duty from {from} until {until}.");
            change.add_duty(&Duty { unit, who, time }).await?;
            text
        }
        DutyCommand::Remove { who, from } => {
            change.remove_duty(&who, from).await?;
            format!("{who} is not on duty from {from} on.")
        }
    };
    change.commit().await?;
    Ok(Output::Text(text))
}

fn of_all(name: Option<&Name>) -> Cell {
    Cell::of(name.map_or("all", Name::as_str))
}

async fn stated(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let number = |value: Option<u64>| match value.map(i64::try_from) {
        Some(Ok(value)) => Cell::Number(value),
        _ => Cell::Empty,
    };
    let mut limits = Table::new(&["site", "parallel", "bytes_per_second"]);
    for (site, limit) in view.work_limits().await? {
        limits.row(vec![
            of_all(site.as_ref()),
            number(limit.parallel.map(u64::from)),
            number(limit.bytes_per_second),
        ]);
    }
    let mut order = Table::new(&["server", "machine"]);
    for pair in view.precedence().await? {
        let mut names = Vec::new();
        for id in [pair.first, pair.next] {
            let machine = view.machine(&id).await?;
            names.push(Cell::maybe(machine.map(|machine| machine.name)));
        }
        order.row(names);
    }
    let mut trainings = Table::new(&["release", "unit", "what", "confirmed_by", "at"]);
    for one in view.trainings().await? {
        trainings.row(vec![
            Cell::of(format!("{}={}", one.product, one.version)),
            of_all(one.unit.as_ref()),
            Cell::of(one.what),
            Cell::maybe(one.confirmed.as_ref().map(|word| &word.by)),
            Cell::maybe(one.confirmed.as_ref().map(|word| word.at)),
        ]);
    }
    let mut duties = Table::new(&["who", "unit", "from", "until"]);
    for one in view.duties(app.now()).await? {
        duties.row(vec![
            Cell::of(one.who),
            of_all(one.unit.as_ref()),
            Cell::of(one.time.start()),
            Cell::of(one.time.end()),
        ]);
    }
    let mut members = Table::new(&["asset", "group", "by", "at", "until"]);
    for one in view.stated_members().await? {
        let word = one.statement.as_ref();
        members.row(vec![
            Cell::of(one.asset),
            Cell::of(one.group),
            Cell::maybe(word.map(|word| &word.by)),
            Cell::maybe(word.map(|word| word.at)),
            Cell::maybe(word.map(|word| word.until)),
        ]);
    }
    let text = "What plans are made and judged by, beside windows, freezes and groups:".to_owned();
    let report = Report::new([], text)
        .with("limits", limits)
        .with("order", order);
    let report = report.with("training", trainings).with("duty", duties);
    Ok(Output::Report(report.with("members", members)))
}
