//! Where a cell leads by what stands beside it: a count to the list behind it, a version to its
//! release.

use crate::control::Cell;
use crate::web::show::listing::Query;
use patchward_common::percent::encoded;

/// A cell that leads somewhere.
struct Way {
    /// The column.
    column: &'static str,
    /// The columns that make it the one that is meant.
    beside: &'static [&'static str],
    /// The only list in which it is meant; empty for every one.
    list: &'static str,
    /// Where to, with what stands in the row in braces. What begins with a question mark is of the
    /// same page; what begins with `&` is asked beside what its address asks already.
    to: &'static str,
}

const fn way(column: &'static str, beside: &'static [&'static str], to: &'static str) -> Way {
    Way {
        column,
        beside,
        list: "",
        to,
    }
}

impl Way {
    const fn of(self, list: &'static str) -> Self {
        Self { list, ..self }
    }
}

/// The columns of a release in a list of releases.
const RELEASE: &[&str] = &["product", "version", "counter"];
/// The columns of what each owner has to do.
const OWNERS: &[&str] = &["owner", "oldest"];

const WAYS: [Way; 21] = [
    way(
        "release",
        &["product"],
        "/updates/release/{product}%3D{release}",
    ),
    way("version", RELEASE, "/updates/release/{product}%3D{version}"),
    way("fixes", RELEASE, "/updates/release/{product}%3D{version}"),
    way(
        "needed_by",
        RELEASE,
        "/updates/release/{product}%3D{version}?needed.needs=yes#needed",
    ),
    way(
        "vendor",
        &["repository", "first_root"],
        "/updates?releases.repository={repository}#releases",
    ),
    way(
        "machines",
        &["model", "mds2_allows"],
        "?needed.model={model}&needed.needs=yes#needed",
    )
    .of("release-models"),
    way("open", OWNERS, "/?today-items.owner={owner}#today-items"),
    way(
        "raised",
        OWNERS,
        "/?today-items.owner={owner}&today-items.raised=yes#today-items",
    ),
    way(
        "machines",
        &["state"],
        "/list/today?list-machines.state={state}#list-machines",
    )
    .of("today-states"),
    way("machines", &["wave"], "?jobs.wave={wave}#jobs").of("rollout-waves"),
    way(
        "machines",
        &["wave", "state"],
        "?jobs.wave={wave}&jobs.state={state}#jobs",
    )
    .of("rollout-states"),
    way(
        "machines",
        &["unit"],
        "&list-machines.unit={unit}#list-machines",
    )
    .of("list-units"),
    way(
        "jobs",
        &["evidence_of_unit"],
        "/evidence/unit/{evidence_of_unit}#jobs",
    ),
    way(
        "jobs",
        &["evidence_of_machine"],
        "/evidence/machine/{evidence_of_machine}#jobs",
    ),
    way(
        "jobs",
        &["evidence_of_release"],
        "/evidence/release/{evidence_of_release}#jobs",
    ),
    way(
        "jobs",
        &["evidence_of_month"],
        "/evidence/month/{evidence_of_month}#jobs",
    ),
    way(
        "left",
        &["mitigation", "probed"],
        "/exposure/mitigation/{mitigation}?mitigation-places.state=left#mitigation-places",
    ),
    way(
        "waiting",
        &["target", "last_delivered"],
        "/settings?outbox.target={target}#outbox",
    ),
    way("machines", &["probe", "source"], PROBED),
    way(
        "last_said",
        &["in_use"],
        "/assets?machines.in_use={in_use}&machines.state=enrolled#machines",
    ),
    way(
        "last_said",
        &["ready"],
        "/assets?machines.ready={ready}&machines.state=enrolled#machines",
    ),
];

/// What has a component that a probe found.
const PROBED: &str = "/list/component/search?question={probe}&source={source}#list-machines";

/// Where the cell at `at` of a row of the list `id` leads.
pub fn of(id: &str, query: &Query, columns: &[String], row: &[Cell], at: usize) -> Option<String> {
    let column = columns.get(at)?;
    let has = |name: &&str| columns.iter().any(|column| column == name);
    let way = WAYS.iter().find(|way| {
        way.column == column
            && (way.list.is_empty() || way.list == id)
            && way.beside.iter().all(has)
    })?;
    // No list is behind what is not there.
    if matches!(row.get(at)?, Cell::Empty | Cell::Number(0)) {
        return None;
    }
    let to = filled(way.to, columns, row)?;
    Some(match to.as_bytes().first() {
        Some(b'?') => format!("{}{to}", query.path),
        Some(b'&') => beside(query, &to[1..]),
        _ => to,
    })
}

/// An address with what it asks, and `more` asked of it as well.
fn beside(query: &Query, more: &str) -> String {
    let name = more.split('=').next().unwrap_or_default();
    let asked = query.with(&[(name, None)]);
    match asked.contains('?') {
        true => format!("{asked}&{more}"),
        false => format!("{asked}?{more}"),
    }
}

/// A way with what stands in the row in place of its braces; `None` where something of it does
/// not.
fn filled(to: &str, columns: &[String], row: &[Cell]) -> Option<String> {
    let mut parts = to.split('{');
    let mut filled = parts.next()?.to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}')?;
        let at = columns.iter().position(|column| column == name)?;
        let text = match row.get(at)? {
            Cell::Empty => return None,
            Cell::Worded { word, .. } => word.clone(),
            other => other.to_string(),
        };
        filled.push_str(&encoded(&text));
        filled.push_str(rest);
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(id: &str, address: &str, cells: &[(&str, Cell)], at: usize) -> Option<String> {
        let (path, asked) = address.split_once('?').unwrap_or((address, ""));
        let parts = asked.split('&').filter_map(|part| part.split_once('='));
        let query = Query {
            path: path.to_owned(),
            parts: parts.map(|(a, b)| (a.to_owned(), b.to_owned())).collect(),
        };
        let columns: Vec<String> = cells.iter().map(|(name, _)| (*name).to_owned()).collect();
        let row: Vec<Cell> = cells.iter().map(|(_, cell)| cell.clone()).collect();
        of(id, &query, &columns, &row, at)
    }

    #[test]
    fn every_way_names_what_it_needs_in_its_row() {
        for way in &WAYS {
            let named = way.to.split('{').skip(1);
            let named = named.filter_map(|part| Some(part.split_once('}')?.0));
            for name in named {
                let is_there = way.beside.contains(&name) || way.column == name;
                assert!(is_there, "{} of {}", name, way.to);
            }
        }
    }

    #[test]
    fn a_count_leads_to_what_it_counts() {
        let release = |count| {
            [
                ("product", Cell::of("viewer")),
                ("version", Cell::of("4.2+1")),
                ("counter", Cell::Number(3)),
                ("needed_by", Cell::Number(count)),
            ]
        };
        let at = |count| led("releases", "/updates", &release(count), 3);
        let needed = "/updates/release/viewer%3D4.2%2B1?needed.needs=yes#needed";
        assert_eq!(at(37).as_deref(), Some(needed));
        assert_eq!(at(0), None, "nothing is behind it");
        let page = led("releases", "/updates", &release(0), 1);
        assert_eq!(page.as_deref(), Some("/updates/release/viewer%3D4.2%2B1"));
    }

    #[test]
    fn what_probes_said_leads_to_enrolled_machines_and_who_is_not_heard_nowhere() {
        let row = |word: &str, last| {
            [
                ("in_use", Cell::of(word)),
                ("machines", Cell::Number(3)),
                ("last_said", last),
            ]
        };
        let idle = row("idle", Cell::Number(4));
        let led_to = led("probes-interlock", "/settings", &idle, 2);
        let enrolled = "/assets?machines.in_use=idle&machines.state=enrolled#machines";
        assert_eq!(led_to.as_deref(), Some(enrolled));
        assert_eq!(led("probes-interlock", "/settings", &idle, 1), None);
        let silent = row("not heard", Cell::Empty);
        for at in [1, 2] {
            assert_eq!(led("probes-interlock", "/settings", &silent, at), None);
        }
    }

    #[test]
    fn a_count_of_the_same_page_filters_its_list() {
        let wave = [
            ("wave", Cell::Number(2)),
            ("state", Cell::of("rolled_back")),
            ("machines", Cell::Number(4)),
        ];
        let address = "/rollouts/0a1b?jobs.page=3";
        let led_to = led("rollout-states", address, &wave, 2);
        let jobs = "/rollouts/0a1b?jobs.wave=2&jobs.state=rolled_back#jobs";
        assert_eq!(led_to.as_deref(), Some(jobs));
        assert_eq!(led("list-states", address, &wave, 2), None, "no such list");
        let unit = [("unit", Cell::of("icu")), ("machines", Cell::Number(4))];
        let address = "/list/component/search?question=openssl&list-machines.unit=or";
        let led_to = led("list-units", address, &unit, 1);
        let machines =
            "/list/component/search?question=openssl&list-machines.unit=icu#list-machines";
        assert_eq!(led_to.as_deref(), Some(machines));
    }
}
