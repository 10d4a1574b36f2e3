//! The roster as people read it: who may sign what and where, with which keys, and which of these
//! count now.

use crate::app::App;
use crate::authority;
use crate::command::zones::Zones;
use crate::control::{Cell, Failure, Output, Report, Table};
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::{
    Class, KeyKind, Person, PersonKey, Roster, SigningRole, Units,
};
use patchward_common::trust::sign::PublicKey;
use patchward_common::words::counted;

/// So many digits of a key's id name it.
const SHORT: usize = 12;

/// Shows the newest roster.
pub(super) async fn show(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let held = authority::held(&mut view).await?;
    Ok(Output::Report(report(&held.roster, &zones, app.now())))
}

fn report(roster: &Roster, zones: &Zones, now: UtcMs) -> Report {
    let quorum = |class| Cell::Number(roster.quorum(class).people as i64);
    let parts = [
        ("roster", Cell::Number(roster.number as i64)),
        ("until", zones.cell(None, roster.expires)),
        ("approvers_of_standard", quorum(Class::Standard)),
        ("approvers_of_critical", quorum(Class::Critical)),
        ("approvers_of_life_support", quorum(Class::LifeSupport)),
    ];
    let keys = roster.people.iter().flat_map(|person| &person.keys);
    let active = keys.filter(|key| state(roster, (key.from, key.until), now) == ACTIVE);
    let text = format!(
        "Roster {}: {}, {} now. A registrar changes it: `patchward-sign roster`, away from this \
         collector, then `document add`.",
        roster.number,
        counted(roster.people.len(), "person", "people"),
        counted(active.count(), "key counts", "keys count"),
    );
    Report::new(parts, text)
        .with("people", people(roster, zones, now))
        .with("go_keys", go_keys(roster, zones, now))
}

/// A row for each key, and one for who has none.
fn people(roster: &Roster, zones: &Zones, now: UtcMs) -> Table {
    let mut table = Table::new(&[
        "person", "called", "roles", "units", "key_id", "kept_in", "from", "until", "state",
    ]);
    for person in &roster.people {
        for key in &person.keys {
            let row = [named(person), keyed(key, roster, zones, now)].concat();
            table.row(row);
        }
        if person.keys.is_empty() {
            let nothing = vec![Cell::Empty; 4];
            table.row([named(person), nothing, vec![Cell::of("no key")]].concat());
        }
    }
    table
}

fn named(person: &Person) -> Vec<Cell> {
    let roles = person.roles.iter().map(|role| match role {
        SigningRole::Approver => "approver".to_owned(),
        SigningRole::Technician => "technician".to_owned(),
    });
    vec![
        Cell::of(&person.id),
        Cell::of(&person.name),
        Cell::List(roles.collect()),
        match &person.units {
            Units::All => Cell::of("all"),
            Units::Only(units) => Cell::List(units.iter().map(ToString::to_string).collect()),
        },
    ]
}

fn keyed(key: &PersonKey, roster: &Roster, zones: &Zones, now: UtcMs) -> Vec<Cell> {
    vec![
        Cell::of(short(&key.key)),
        Cell::of(match key.kind {
            KeyKind::File => "file",
            KeyKind::Browser => "browser",
        }),
        zones.cell(None, key.from),
        zones.cell(None, key.until),
        Cell::of(state(roster, (key.from, key.until), now)),
    ]
}

fn go_keys(roster: &Roster, zones: &Zones, now: UtcMs) -> Table {
    let mut table = Table::new(&["collector", "key_id", "from", "until", "state"]);
    for key in &roster.go_keys {
        table.row(vec![
            Cell::of(&key.collector),
            Cell::of(short(&key.key)),
            zones.cell(None, key.from),
            zones.cell(None, key.until),
            Cell::of(state(roster, (key.from, key.until), now)),
        ]);
    }
    table
}

fn short(key: &PublicKey) -> String {
    let id = key.id().to_string();
    id.chars().take(SHORT).collect()
}

/// What is said of a key that counts.
const ACTIVE: &str = "active";

/// Whether a key counts: in its own time, and in its roster's.
fn state(roster: &Roster, (from, until): (UtcMs, UtcMs), now: UtcMs) -> &'static str {
    match () {
        () if now >= until => "ended",
        () if now >= roster.expires => "roster ended",
        () if now < from => "scheduled",
        () => ACTIVE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::trust::roster::Approvers;

    #[test]
    fn a_key_counts_in_its_own_time_and_its_rosters() {
        let roster = Roster {
            number: 1,
            issued: UtcMs(0),
            expires: UtcMs(100),
            people: Vec::new(),
            go_keys: Vec::new(),
            approvers: Approvers::default(),
        };
        for (from, until, now, said) in [
            (10, 50, 9, "scheduled"),
            (10, 50, 10, "active"),
            (10, 50, 49, "active"),
            (10, 50, 50, "ended"),
            (10, 200, 99, "active"),
            (10, 200, 100, "roster ended"),
            (150, 200, 120, "roster ended"),
        ] {
            let of = state(&roster, (UtcMs(from), UtcMs(until)), UtcMs(now));
            assert_eq!(of, said, "{from} {until} {now}");
        }
    }
}
