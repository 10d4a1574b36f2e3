//! What is theirs to do stands first, and says so.

use crate::account::access::rule;
use crate::account::{Grant, Role};
use crate::control::{Cell, Output, Table};
use crate::item::{Kind, Owner};
use crate::web::asks::Asks as _;
use crate::web::person::SignedIn;
use crate::web::show::listing::{Listing, Query};
use crate::web::show::{Block, NOTHING, heading};

/// The list of what is open, in what the command tells and on the page.
pub(super) const ITEMS: &str = "items";
const ID: &str = "today-items";

/// The list of what is open: it begins with what is theirs, unless they sort it themselves.
pub(super) fn first(person: &SignedIn, told: &Output, query: &Query) -> Option<Block> {
    let Output::Report(report) = told else {
        return None;
    };
    let actor = person.caller().actor.to_string();
    let is_theirs = |row: Row<'_>| is_theirs(&actor, &person.grants, row);
    let listing = ordered(report.list(ITEMS)?, query, &is_theirs);
    Some(Block::List(Box::new(listing)))
}

/// What decides whose an item is: its key, who does the next step, where, and who has taken it.
type Row<'a> = [&'a str; 4];
/// The columns that have this.
const COLUMNS: [&str; 4] = ["item", "owner", "unit", "taken_by"];

fn ordered(table: &Table, query: &Query, is_theirs: &dyn Fn(Row<'_>) -> bool) -> Listing {
    let title = heading(ITEMS);
    let columns = COLUMNS.map(|name| table.column(name));
    let [Some(item), Some(owner), Some(unit), Some(taken)] = columns else {
        return Listing::of(ID, &title, table, query);
    };
    let columns = [item, owner, unit, taken];
    let is_first = |row: &[Cell]| {
        let texts = columns.map(|at| row.get(at).map_or_else(String::new, Cell::to_string));
        is_theirs(texts.each_ref().map(String::as_str))
    };
    let mut listing = Listing::with_first(ID, &title, table, query, Some(&is_first));
    for row in &mut listing.rows {
        let texts = columns.map(|at| row.get(at).map_or("", |shown| shown.text.as_str()));
        if is_theirs(texts)
            && let Some(shown) = row.get_mut(owner)
        {
            shown.text = format!("you ({})", shown.text);
        }
    }
    listing
}

/// Whether an item is taken by this person, or by nobody and for their roles to do.
fn is_theirs(actor: &str, grants: &[Grant], [item, owner, unit, taken]: Row<'_>) -> bool {
    let is_nothing = |text: &str| [NOTHING, ""].contains(&text);
    if !is_nothing(taken) {
        return taken == actor;
    }
    // What is about no unit is about several, or the hospital.
    let reaches = |grant: &Grant| match &grant.unit {
        None => true,
        Some(own) => unit == own.as_str(),
    };
    let decides = decided_by(item).and_then(rule);
    let may = |grant: &Grant| decides.is_none_or(|rule| rule.roles.contains(&grant.role));
    let mut doing = grants.iter().filter(|grant| reaches(grant) && may(grant));
    doing.any(|grant| owner_of(grant.role).is_some_and(|one| one.word() == owner))
}

/// The command that settles an item, where some of those whose work it is may not give it.
fn decided_by(item: &str) -> Option<&'static str> {
    let (word, _) = item.split_once(':')?;
    match Kind::of_word(word)? {
        Kind::Sign => Some("plan sign"),
        Kind::Question => Some("rollout open"),
        Kind::Halted => Some("rollout resume"),
        Kind::Replan => Some("plan again"),
        Kind::Stopped => Some("stop lift"),
        Kind::Answers => Some("mds2 answer"),
        Kind::Reminder => Some("case remind"),
        _ => None,
    }
}

/// Whose work a role does.
fn owner_of(role: Role) -> Option<Owner> {
    match role {
        Role::Technician | Role::Approver => Some(Owner::Htm),
        Role::Operator | Role::Admin => Some(Owner::It),
        Role::Security => Some(Owner::Security),
        Role::Ward => Some(Owner::Ward),
        Role::Viewer | Role::Auditor => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_theirs_comes_first_and_says_so() {
        let mut items = Table::new(&["item", "unit", "owner", "taken_by"]);
        for (item, unit, owner, taken) in [
            ("silent:pc-1", "icu", "it", None),
            ("sign:aa", "", "htm", None),
            ("sign:bb", "icu", "htm", None),
            ("return:bb", "lab", "htm", None),
            ("return:cc", "icu", "htm", Some("person:ben")),
            ("return:dd", "icu", "htm", None),
            ("silent:pc-2", "icu", "it", Some("person:ada")),
        ] {
            let unit = Some(unit).filter(|unit| !unit.is_empty());
            let cells = [
                Cell::of(item),
                Cell::maybe(unit),
                Cell::of(owner),
                Cell::maybe(taken),
            ];
            items.row(cells.into());
        }
        let shown = |grants: &[&str], address: &[(&str, &str)]| {
            let grants: Vec<Grant> = grants.iter().map(|text| text.parse().unwrap()).collect();
            let parts = address
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
            let query = Query {
                path: "/".to_owned(),
                parts: parts.collect(),
            };
            let is = |row: Row<'_>| is_theirs("person:ada", &grants, row);
            let listing = ordered(&items, &query, &is);
            let row =
                |row: &Vec<crate::web::show::Shown>| format!("{} {}", row[0].text, row[2].text);
            listing.rows.iter().map(row).collect::<Vec<_>>()
        };
        let mine = [
            "sign:aa you (htm)",
            "sign:bb you (htm)",
            "return:bb you (htm)",
            "return:dd you (htm)",
        ];
        let all = shown(&["approver"], &[]);
        assert_eq!(all[..4], mine);
        assert_eq!(all[4], "silent:pc-2 you (it)", "it is taken by them");
        assert_eq!(all[5..], ["silent:pc-1 it", "return:cc htm"]);
        let of_unit = shown(&["technician:icu"], &[]);
        assert_eq!(
            of_unit[..2],
            ["return:dd you (htm)", "silent:pc-2 you (it)"]
        );
        let of_unit = shown(&["approver:icu"], &[]);
        assert_eq!(of_unit[..2], ["sign:bb you (htm)", "return:dd you (htm)"]);
        let sorted = shown(&["approver"], &[("today-items.sort", "item")]);
        assert_eq!(sorted[0], "return:bb you (htm)");
        assert_eq!(sorted[1], "return:cc htm", "who sorts decides the order");
        assert_eq!(shown(&["viewer"], &[])[0], "silent:pc-2 you (it)");
    }
}
