//! "30 versions of a component, one unit" over a large fleet: in the index, as a command's
//! own work with the store, and as SQL on a row per component beside it.

mod fleet;
mod rows;

use super::report::{Figure, Reach, Report, Spread, clock};
use anyhow::{Context as _, ensure};
use fleet::{COMPONENTS, DISTINCT, Filled, MACHINES, PER_UNIT, VERSIONS};
use patchward_collector::component::query::Query;
use patchward_collector::fleet::index::Index;
use patchward_collector::searching::{Scope, search};
use patchward_common::id::{MachineId, Name};

/// Runs in the index.
const RUNS: usize = 2_000;
/// Runs with the store.
const COMMAND_RUNS: usize = 200;

/// Fills an index, a store and a table of rows, and asks each the same.
pub async fn run() -> anyhow::Result<Report> {
    let (index, index_mb) = filled()?;
    let walked = walk(&index)?;
    drop(index);
    let (asked, machines, filled) = ask().await?;
    let (sql, sql_machines) = rows::ask()?;
    let p99 = |what: &str, runs: &Spread, reach| Figure {
        what: what.to_owned(),
        unit: "ms",
        value: runs.at(0.99),
        text: format!("{:.3} ms; median {}", runs.at(0.99), runs.text("ms")),
        reach,
    };
    Ok(Report {
        word: "search",
        work: format!(
            "{MACHINES} machines in units of {PER_UNIT}, {COMPONENTS} components each, {DISTINCT} \
             distinct inventories; {VERSIONS} versions of one component, one unit. The command's \
             work is all but the socket: names out of SQLite, every version compared, the index, \
             {machines} machines found. The rows are {} machines' in an indexed table of SQLite, \
             {sql_machines} found",
            rows::MACHINES
        ),
        figures: vec![
            p99(
                "30 versions of a component, one unit, in the index, 99th percentile",
                &walked,
                Reach::AtMost(1.0),
            ),
            p99(
                "the same as a command, without its socket, 99th percentile",
                &asked,
                Reach::AtMost(10.0),
            ),
            p99("the same as SQL on rows", &sql, Reach::Shown),
            Figure::one("the index in memory", "MB", index_mb, Reach::AtMost(100.0)),
            Figure::one(
                "database for each machine, on SQLite",
                "bytes",
                filled.bytes,
                Reach::AtMost(4_096.0),
            ),
            Figure::one(
                "inventories that are known, stored by 1,000 machines at once",
                "/s",
                filled.known,
                Reach::AtLeast(6_000.0),
            ),
            Figure::one(
                "new inventories, stored by as many",
                "/s",
                filled.new,
                Reach::AtLeast(300.0),
            ),
        ],
    })
}

/// The index, and what it takes in memory.
fn filled() -> anyhow::Result<(Index, f64)> {
    let sets: Vec<_> = (0..DISTINCT).map(fleet::members).collect();
    let before = resident_mb()?;
    let mut index = Index::default();
    for number in 0..MACHINES {
        index.put(fleet::machine(number), &sets[number % DISTINCT]);
    }
    Ok((index, resident_mb()? - before))
}

fn resident_mb() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.context("no VmRSS")?.parse::<f64>()? * 1.024 / 1_000.0)
}

fn walk(index: &Index) -> anyhow::Result<Spread> {
    let wanted = fleet::wanted();
    let units = MACHINES / PER_UNIT;
    let mut runs = Vec::new();
    for run in 0..RUNS {
        let first = (run * 7 % units) * PER_UNIT;
        let unit: Vec<MachineId> = (first..first + PER_UNIT).map(fleet::machine).collect();
        let begun = clock();
        let among = index.bitmap(&unit);
        let held = index.held(wanted.iter().copied(), Some(&among));
        let found: usize = held
            .iter()
            .map(|(_, machines)| index.ids(machines).len())
            .sum();
        runs.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(found > 0, "nobody has it in unit {run}");
    }
    Spread::of(runs)
}

async fn ask() -> anyhow::Result<(Spread, usize, Filled)> {
    let folder = tempfile::tempdir()?;
    let (store, handle, filled) = fleet::collector(folder.path()).await?;
    let query = Query::parse("component-0000 < 31").map_err(anyhow::Error::msg)?;
    let (mut runs, mut machines) = (Vec::new(), 0);
    for run in 0..COMMAND_RUNS {
        let unit = fleet::unit(run * 7 % (MACHINES / PER_UNIT));
        let scope = Scope {
            unit: Some(Name::new(unit)?),
            class: None,
        };
        let begun = clock();
        let mut view = store.view().await?;
        let found = search(&handle, &mut view, &query, &scope).await?;
        machines = found.by_machine().len();
        runs.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(found.machines.len() == PER_UNIT, "the unit is not whole");
        ensure!(machines > 0, "nobody has it");
    }
    Ok((Spread::of(runs)?, machines, filled))
}
