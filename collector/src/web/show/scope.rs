//! Who is in charge of some units sees these units' rows.

use super::whole::without_date;
use crate::account::role::Reach;
use crate::control::{Cell, Output, Report, Table};
use patchward_common::id::Name;
use std::collections::BTreeMap;

/// Whether rows of an answer say by their machine alone whose they are.
pub fn asks_for_machines(output: &Output) -> bool {
    let by_machine =
        |table: &Table| table.column("unit").is_none() && table.column("machine").is_some();
    match output {
        Output::Table(table) => by_machine(table),
        Output::Report(report) => report.lists.iter().any(|(_, table)| by_machine(table)),
        _ => false,
    }
}

/// Counts of the whole hospital that nobody can count anew from what a person sees: their
/// columns, and those that stand beside them.
const OF_ALL: [(&str, &[&str]); 9] = [
    ("needed_by", &["product", "version", "counter"]),
    ("unknown", &["product", "version", "counter"]),
    ("mds2_allows", &["product", "version", "counter"]),
    ("machines", &["model", "mds2_allows"]),
    ("machines", &["probe", "source"]),
    ("machines", &["wave"]),
    ("machines", &["last_said"]),
    ("last_said", &["in_use"]),
    ("last_said", &["ready"]),
];
/// What the heads of such columns end with. No count of such a name leads to a list, which would
/// be of some units only.
const WHOLE_HOSPITAL: &str = "_in_the_whole_hospital";

/// The rows of an answer that lie within reach. A row that names no unit and no machine
/// concerns everybody; what is counted in the answer itself is counted anew.
pub fn narrow(output: &Output, reach: &Reach, units: &BTreeMap<String, Name>) -> Output {
    match output {
        Output::Table(table) => Output::Table(narrowed(table, reach, units)),
        Output::Report(report) => {
            let lists = report.lists.iter();
            let lists = lists.map(|(name, table)| (name.clone(), narrowed(table, reach, units)));
            let mut report = Report {
                parts: report.parts.clone(),
                text: report.text.clone(),
                lists: lists.collect(),
            };
            recounted(&mut report);
            Output::Report(report)
        }
        other => other.clone(),
    }
}

/// The same with counts of the whole hospital under heads that say so.
pub fn marked(mut output: Output) -> Output {
    match &mut output {
        Output::Table(table) => mark(table),
        Output::Report(report) => report.lists.iter_mut().for_each(|(_, table)| mark(table)),
        _ => {}
    }
    output
}

fn mark(table: &mut Table) {
    let has = |name: &&str| table.column(name).is_some();
    let of_all = |column: &String| {
        let mut all = OF_ALL.iter();
        all.any(|(name, beside)| name == column && beside.iter().all(has))
    };
    let columns = table.columns.iter();
    let columns = columns.map(|column| match of_all(column) {
        true => format!("{column}{WHOLE_HOSPITAL}"),
        false => column.clone(),
    });
    table.columns = columns.collect();
}

/// Counts of the day anew from the lists that they count.
fn recounted(report: &mut Report) {
    let owners = report.list("items").zip(report.list("owners"));
    let owners = owners.and_then(|(items, owners)| owners_of(items, owners));
    let states = report.list("machines").zip(report.list("states"));
    let states = states.and_then(|(machines, states)| states_of(machines, states));
    for (name, table) in &mut report.lists {
        let new = match name.as_str() {
            "owners" => &owners,
            "states" => &states,
            _ => continue,
        };
        if let Some(new) = new {
            table.rows.clone_from(new);
        }
    }
}

/// What each of the owners has to do, of these items.
fn owners_of(items: &Table, owners: &Table) -> Option<Vec<Vec<Cell>>> {
    let [owner, raised, since] = ["owner", "raised", "since"].map(|name| items.column(name));
    let (owner, raised, since) = (owner?, raised?, since?);
    let [by, open, high, oldest] =
        ["owner", "open", "raised", "oldest"].map(|name| owners.column(name));
    let (by, open, high, oldest) = (by?, open?, high?, oldest?);
    let count = |count: usize| Cell::Number(i64::try_from(count).unwrap_or(i64::MAX));
    let rows = owners.rows.iter().map(|row| {
        let own = items.rows.iter();
        let own: Vec<_> = own.filter(|item| item.get(owner) == row.get(by)).collect();
        let is_raised = |item: &&&Vec<Cell>| item.get(raised) == Some(&Cell::Flag(true));
        let begun = own.iter().filter_map(|item| match item.get(since)? {
            Cell::Moment { at, local } => Some((*at, local)),
            _ => None,
        });
        let first = begun.min();
        let first = first.map_or(Cell::Empty, |(at, local)| Cell::Moment {
            at,
            local: local.clone(),
        });
        let mut row = row.clone();
        for (at, cell) in [
            (open, count(own.len())),
            (high, count(own.iter().filter(is_raised).count())),
            (oldest, first),
        ] {
            if let Some(place) = row.get_mut(at) {
                *place = cell;
            }
        }
        row
    });
    Some(rows.collect())
}

/// These machines by state.
fn states_of(machines: &Table, states: &Table) -> Option<Vec<Vec<Cell>>> {
    let at = machines.column("state")?;
    let [Some(0), Some(1)] = ["state", "machines"].map(|name| states.column(name)) else {
        return None;
    };
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for cell in machines.rows.iter().filter_map(|row| row.get(at)) {
        if let Cell::Text(text) = cell {
            let word = without_date(text).unwrap_or(text);
            *counts.entry(word).or_default() += 1;
        }
    }
    let rows = counts.into_iter();
    let rows = rows.map(|(word, count)| vec![Cell::of(word), Cell::Number(count)]);
    Some(rows.collect())
}

fn narrowed(table: &Table, reach: &Reach, units: &BTreeMap<String, Name>) -> Table {
    let (unit, machine) = (table.column("unit"), table.column("machine"));
    let is_seen = |row: &&Vec<Cell>| {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at));
        match (cell(unit), cell(machine)) {
            (Some(Cell::Text(unit)), _) => {
                Name::new(unit.as_str()).is_ok_and(|unit| reach.covers(&unit))
            }
            (_, Some(Cell::Text(machine))) => {
                units.get(machine).is_some_and(|unit| reach.covers(unit))
            }
            _ => true,
        }
    };
    Table {
        columns: table.columns.clone(),
        rows: table.rows.iter().filter(is_seen).cloned().collect(),
        note: table.note.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::link::row;
    use crate::web::show::listing::Query;
    use patchward_common::time::UtcMs;

    #[test]
    fn rows_of_other_units_are_not_shown() {
        let icu = Name::new("icu").unwrap();
        let reach = Reach::Units([icu.clone()].into());
        let units = BTreeMap::from([("m1".to_owned(), icu)]);
        let mut table = Table::new(&["unit", "n"]);
        table.row(vec![Cell::of("icu"), Cell::Number(1)]);
        table.row(vec![Cell::of("or"), Cell::Number(2)]);
        table.row(vec![Cell::Empty, Cell::Number(3)]);
        let Output::Table(seen) = narrow(&Output::Table(table.clone()), &reach, &units) else {
            panic!("still a table");
        };
        assert_eq!(seen.rows.len(), 2);
        let Output::Table(all) = narrow(&Output::Table(table), &Reach::Everywhere, &units) else {
            panic!("still a table");
        };
        assert_eq!(all.rows.len(), 3);
        let mut jobs = Table::new(&["machine"]);
        jobs.row(vec![Cell::of("m1")]);
        jobs.row(vec![Cell::of("m2")]);
        let Output::Table(seen) = narrow(&Output::Table(jobs), &reach, &units) else {
            panic!("still a table");
        };
        assert_eq!(seen.rows.len(), 1);
    }

    fn icu() -> (Reach, BTreeMap<String, Name>) {
        let icu = Name::new("icu").unwrap();
        let units = BTreeMap::from([("m1", "icu"), ("m2", "icu"), ("m3", "or")]);
        let units = units.into_iter();
        let units = units.map(|(machine, unit)| (machine.to_owned(), Name::new(unit).unwrap()));
        (Reach::Units([icu].into()), units.collect())
    }

    fn rows(output: &Output, name: &str) -> Vec<Vec<Cell>> {
        let Output::Report(report) = output else {
            panic!("still a report");
        };
        report.list(name).unwrap().rows.clone()
    }

    #[test]
    fn the_day_is_counted_from_what_is_seen() {
        let moment = |at| Cell::Moment {
            at: UtcMs(at),
            local: at.to_string(),
        };
        let mut items = Table::new(&["item", "unit", "owner", "since", "raised"]);
        for (unit, owner, since, raised) in [
            (Cell::of("icu"), "HTM", 20, true),
            (Cell::of("icu"), "HTM", 30, false),
            (Cell::of("or"), "HTM", 10, true),
            (Cell::of("or"), "IT", 10, true),
            // What names no unit concerns everybody.
            (Cell::Empty, "vendor", 5, false),
        ] {
            let raised = Cell::Flag(raised);
            items.row(vec![
                Cell::of("x"),
                unit,
                Cell::of(owner),
                moment(since),
                raised,
            ]);
        }
        let mut owners = Table::new(&["owner", "open", "raised", "oldest"]);
        for owner in ["HTM", "IT", "vendor"] {
            let of_all = [Cell::Number(9), Cell::Number(9), moment(1)];
            owners.row([Cell::of(owner)].into_iter().chain(of_all).collect());
        }
        let mut machines = Table::new(&["machine", "state"]);
        for (machine, state) in [
            ("m1", "unknown(since 2026-11-23T02:14:00Z)"),
            ("m2", "waiting(htm)"),
            ("m3", "failed"),
        ] {
            machines.row(vec![Cell::of(machine), Cell::of(state)]);
        }
        let mut states = Table::new(&["state", "machines"]);
        states.row(vec![Cell::of("failed"), Cell::Number(9)]);
        let report = Report::new([], "").with("items", items);
        let report = report.with("owners", owners).with("states", states);
        let day = Output::Report(report.with("machines", machines));
        let (reach, units) = icu();
        let seen = narrow(&day, &reach, &units);
        let row = |owner: &str, open, raised, oldest| {
            let counts = [open, raised].map(Cell::Number);
            let row = [Cell::of(owner)].into_iter().chain(counts);
            row.chain([oldest]).collect::<Vec<Cell>>()
        };
        let expected = [
            row("HTM", 2, 1, moment(20)),
            row("IT", 0, 0, Cell::Empty),
            row("vendor", 1, 0, moment(5)),
        ];
        assert_eq!(rows(&seen, "owners"), expected);
        let state = |word: &str| vec![Cell::of(word), Cell::Number(1)];
        let expected = [state("unknown"), state("waiting(htm)")];
        assert_eq!(rows(&seen, "states"), expected);
    }

    #[test]
    fn counts_of_the_whole_hospital_say_so_and_lead_nowhere() {
        for (id, columns) in [
            (
                "releases",
                &["product", "version", "counter", "needed_by"][..],
            ),
            ("release-models", &["model", "mds2_allows", "machines"]),
            ("rollout-waves", &["wave", "machines"]),
            ("rollout-states", &["wave", "state", "machines"]),
            ("probes-versions", &["probe", "source", "machines"]),
            ("probes-interlock", &["in_use", "machines", "last_said"]),
            ("probes-readiness", &["ready", "machines", "last_said"]),
        ] {
            let last = columns.len() - 1;
            let mut table = Table::new(columns);
            let words = columns[..last].iter().map(|_| Cell::of("x"));
            table.row(words.chain([Cell::Number(37)]).collect());
            let leads = |table: &Table| {
                let query = Query::default();
                row::of(id, &query, &table.columns, &table.rows[0], last)
            };
            assert!(leads(&table).is_some(), "{columns:?}");
            let Output::Table(marked) = marked(Output::Table(table)) else {
                panic!("still a table");
            };
            assert_eq!(leads(&marked), None, "{columns:?}");
            assert!(marked.columns[last].ends_with(WHOLE_HOSPITAL));
            assert_eq!(marked.columns[0], columns[0]);
        }
        let machines = Table::new(&["state", "machines"]);
        let same = marked(Output::Table(machines.clone()));
        assert_eq!(same, Output::Table(machines), "this is counted anew");
    }
}
