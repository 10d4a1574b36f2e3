//! Figures as text (Prometheus' exposition format 0.0.4), and the list of all of them. Pure.

use std::fmt::Write as _;

/// Most lines with a figure. Labels are kinds, owners, states and classes, never a machine, a
/// unit or a person: 41 kinds of 6 owners, twice, are by far the most.
pub const MAX_SERIES: usize = 1_000;

/// How a figure moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// Up and down.
    Gauge,
    /// Up, and to nothing when the collector starts.
    Counter,
}

impl Moves {
    /// Its word in the format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// A figure, or several that differ in their labels.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// How it moves.
    pub moves: Moves,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// One value of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Those of its labels, in their order.
    pub labels: Vec<String>,
    /// The number.
    pub number: f64,
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family {
        name,
        moves: Moves::Gauge,
        labels,
        help,
    }
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family {
        name,
        moves: Moves::Counter,
        labels: &[],
        help,
    }
}

/// The program.
pub(super) const BUILD: Family = gauge(
    "patchward_build_info",
    &["version"],
    "1; the version is a label",
);
/// When the figures were gathered.
pub(super) const GATHERED: Family = gauge(
    "patchward_gathered_timestamp_seconds",
    &[],
    "When these figures were gathered, in seconds since 1970",
);
/// How machines stand.
pub(super) const MACHINES: Family = gauge(
    "patchward_machines",
    &["standing"],
    "Enrolled machines by how they stand, as Today counts them",
);
/// When machines were heard.
pub(super) const HEARD: Family = gauge(
    "patchward_machines_heard",
    &["within"],
    "Enrolled machines by how long ago they were last heard; each counts once",
);
/// Who is connected.
pub(super) const CONNECTED: Family = gauge(
    "patchward_machines_connected",
    &[],
    "Machines that are connected now",
);
/// What they are connected over.
pub(super) const CARRIERS: Family = gauge(
    "patchward_machines_connected_over",
    &["carrier"],
    "Those machines by what they are connected over: quic, or tcp where UDP is blocked",
);
/// Bytes of artifacts.
pub(super) const ARTIFACTS: Family = Family {
    name: "patchward_artifact_bytes_total",
    moves: Moves::Counter,
    labels: &["to"],
    help: "Bytes of artifacts and role files that left since the start, to machines and to site relays",
};
/// What is open.
pub(super) const ITEMS: Family = gauge(
    "patchward_items",
    &["kind", "owner"],
    "Open items by kind and by whose move it is",
);
/// What is open for too long.
pub(super) const RAISED: Family = gauge(
    "patchward_items_raised",
    &["kind", "owner"],
    "Those of them that are open for longer than their class allows",
);
/// Jobs.
pub(super) const JOBS: Family = gauge("patchward_jobs", &["state"], "Jobs of all plans by state");
/// Approvals that wait.
pub(super) const UNSIGNED: Family = gauge(
    "patchward_plans_waiting_for_signature",
    &[],
    "Plans that wait for signatures",
);
/// What is halted.
pub(super) const HALTED: Family = gauge(
    "patchward_rollouts_halted",
    &[],
    "Plans, and releases on a model, that are halted until a person has judged",
);
/// What is stopped.
pub(super) const STOPS: Family = gauge("patchward_stops_in_force", &[], "Stops that are in force");
/// What is exposed.
pub(super) const EXPOSURES: Family = gauge(
    "patchward_exposures",
    &["exploited", "class"],
    "Open matches of advisories on machines and assets, by the first two parts of their priority",
);
/// How often machines said hello.
pub(super) const HELLOS: Family = counter(
    "patchward_hellos_total",
    "Hellos of machines since the collector started",
);
/// What machines reported.
pub(super) const EVENTS: Family = counter(
    "patchward_journal_events_total",
    "Events of machines' journals that were stored since the collector started",
);
/// How large the store is.
pub(super) const STORE: Family = gauge("patchward_store_bytes", &[], "Size of the database");
/// What ends when.
pub(super) const EXPIRES: Family = gauge(
    "patchward_expires_seconds",
    &["what"],
    "Seconds until it ends, below zero when it has; of several the first",
);
/// What is warned of.
pub(super) const EXPIRING: Family = gauge(
    "patchward_expiring",
    &["what", "within"],
    "How many end within 90, 30 or 7 days, or have ended, as Today warns of them",
);
/// Machines that are not heard.
pub(super) const SILENT: Family = gauge(
    "patchward_machines_silent",
    &["class"],
    "Machines that were not heard for longer than their class allows",
);
/// Stops on their way.
pub(super) const UNACKNOWLEDGED: Family = gauge(
    "patchward_stops_unacknowledged",
    &[],
    "Connected machines that have not acknowledged a stop of theirs, over all stops in force",
);
/// The log of changes, away from this collector.
pub(super) const ANCHOR: Family = gauge(
    "patchward_audit_anchor_age_seconds",
    &[],
    "How long ago a machine last took home the head of the audit log",
);
/// The collector's own tasks.
pub(super) const TASKS: Family = gauge(
    "patchward_tasks_age_seconds",
    &[],
    "How long ago the collector's own tasks last came round",
);
/// Collectors on this database.
pub(super) const COLLECTORS: Family = gauge(
    "patchward_collectors",
    &[],
    "How many collectors run on this database, this one among them",
);
/// Their clocks.
pub(super) const CLOCKS: Family = gauge(
    "patchward_collectors_clocks_apart_seconds",
    &[],
    "By how much the clocks of two collectors on this database are apart at least",
);
/// Work that must happen once.
pub(super) const HOLDS: Family = gauge(
    "patchward_collector_holds",
    &["work"],
    "1 where it is this collector that does this work for all, 0 where it is not",
);

/// What the database refused.
pub(super) const STORE_ERRORS: Family = counter(
    "patchward_store_errors_total",
    "How often the database failed since the collector started: busy for too long, full, damaged",
);
/// What was not delivered yet.
pub(super) const NOTICES: Family = gauge(
    "patchward_notices",
    &["state"],
    "Notices to webhooks and by mail that wait, and those that were given up",
);

/// Every figure, in the order in which they are written.
pub const FAMILIES: [&Family; 28] = [
    &BUILD,
    &GATHERED,
    &MACHINES,
    &HEARD,
    &SILENT,
    &CONNECTED,
    &CARRIERS,
    &ARTIFACTS,
    &ITEMS,
    &RAISED,
    &JOBS,
    &UNSIGNED,
    &HALTED,
    &STOPS,
    &UNACKNOWLEDGED,
    &EXPOSURES,
    &HELLOS,
    &EVENTS,
    &STORE,
    &STORE_ERRORS,
    &TASKS,
    &COLLECTORS,
    &CLOCKS,
    &HOLDS,
    &ANCHOR,
    &EXPIRES,
    &EXPIRING,
    &NOTICES,
];

/// The figures that were gathered.
#[derive(Debug, Default)]
pub struct Figures {
    values: Vec<(&'static str, Value)>,
}

impl Figures {
    /// Notes a value.
    pub fn note(&mut self, family: &'static Family, labels: &[&str], number: f64) {
        debug_assert_eq!(labels.len(), family.labels.len());
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        self.values.push((family.name, Value { labels, number }));
    }

    /// Notes how many there are.
    pub fn count(&mut self, family: &'static Family, labels: &[&str], count: usize) {
        self.note(family, labels, count as f64);
    }

    /// The values of a figure.
    pub fn of(&self, family: &Family) -> impl Iterator<Item = &Value> {
        let name = family.name;
        let of = self.values.iter().filter(move |(of, _)| *of == name);
        of.map(|(_, value)| value)
    }

    /// All of it as text, at most [`MAX_SERIES`] values.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut left = MAX_SERIES;
        for family in FAMILIES {
            let (name, moves) = (family.name, family.moves.word());
            let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {moves}");
            for value in self.of(family).take(left) {
                left -= 1;
                let pairs: Vec<String> = family
                    .labels
                    .iter()
                    .zip(&value.labels)
                    .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
                    .collect();
                let labels = match pairs.is_empty() {
                    true => String::new(),
                    false => format!("{{{}}}", pairs.join(",")),
                };
                let _ = writeln!(text, "{name}{labels} {}", value.number);
            }
        }
        text
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_the_format_has_them() {
        let mut figures = Figures::default();
        figures.note(&BUILD, &["1.0\"\\\n"], 1.0);
        figures.count(&ITEMS, &["failed", "it"], 3);
        figures.note(&EXPIRES, &["roster"], -0.5);
        let text = figures.text();
        assert!(text.ends_with('\n'));
        for line in [
            "# TYPE patchward_items gauge",
            "patchward_build_info{version=\"1.0\\\"\\\\\\n\"} 1",
            "patchward_items{kind=\"failed\",owner=\"it\"} 3",
            "patchward_expires_seconds{what=\"roster\"} -0.5",
            "# TYPE patchward_hellos_total counter",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }

    #[test]
    fn there_is_a_limit_to_them() {
        let mut figures = Figures::default();
        for number in 0..2 * MAX_SERIES {
            figures.count(&JOBS, &["state"], number);
        }
        let text = figures.text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines.count(), MAX_SERIES);
    }

    /// The page of documentation lists exactly what is exported.
    #[test]
    fn the_documentation_has_every_figure() {
        let page = include_str!("../../../docs/metrics.md");
        let rows = page
            .lines()
            .filter(|line| line.starts_with("| `patchward_"));
        let told: Vec<(String, String, String)> = rows
            .map(|row| {
                let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
                let name = cells[0].trim_matches('`').to_owned();
                (name, cells[1].to_owned(), cells[2].replace('`', ""))
            })
            .collect();
        let exported: Vec<(String, String, String)> = FAMILIES
            .iter()
            .map(|family| {
                let labels = family.labels.join(", ");
                let moves = family.moves.word().to_owned();
                (family.name.to_owned(), moves, labels)
            })
            .collect();
        assert_eq!(told, exported, "docs/metrics.md");
    }
}
