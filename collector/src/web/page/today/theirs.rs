//! What is theirs to do stands first, and says so.

use crate::account::{Grant, Role};
use crate::control::{Cell, Output, Table};
use crate::item::Owner;
use crate::web::person::SignedIn;
use crate::web::show::listing::{Listing, Query};
use crate::web::show::{Block, NOTHING};

/// The list of what is open.
const ITEMS: &str = "today-items";

/// Lets the list of what is open begin with what is theirs, unless they sort it themselves.
pub(super) fn first(parts: &mut [Block], person: &SignedIn, told: &Output, query: &Query) {
    let mut listings = parts.iter_mut().filter_map(|part| match part {
        Block::List(listing) if listing.id == ITEMS => Some(listing),
        _ => None,
    });
    let (Some(listing), Output::Report(report)) = (listings.next(), told) else {
        return;
    };
    if let Some(table) = report.list("items") {
        let account = person.account.name.as_str();
        order(listing, table, query, &|row| {
            is_theirs(account, &person.grants, row)
        });
    }
}

/// What decides whose an item is: who does the next step, where, and who has taken it.
type Row<'a> = [&'a str; 3];

fn order(listing: &mut Listing, table: &Table, query: &Query, is_theirs: &dyn Fn(Row<'_>) -> bool) {
    let columns = ["owner", "unit", "taken_by"].map(|name| table.column(name));
    let [Some(owner), Some(unit), Some(taken)] = columns else {
        return;
    };
    let columns = [owner, unit, taken];
    let title = listing.title.clone();
    *listing = Listing::with_first(ITEMS, &title, table, query, |row: &[Cell]| {
        let texts = columns.map(|at| row.get(at).map_or_else(String::new, Cell::to_string));
        is_theirs(texts.each_ref().map(String::as_str))
    });
    for row in &mut listing.rows {
        let texts = columns.map(|at| row.get(at).map_or("", |shown| shown.text.as_str()));
        if is_theirs(texts)
            && let Some(shown) = row.get_mut(owner)
        {
            shown.text = format!("you ({})", shown.text);
        }
    }
}

/// Whether an item is taken by this account, or by nobody and for their roles to do.
fn is_theirs(account: &str, grants: &[Grant], [owner, unit, taken]: Row<'_>) -> bool {
    if ![NOTHING, ""].contains(&taken) {
        return taken == account;
    }
    let reaches = |grant: &Grant| match &grant.unit {
        None => true,
        Some(own) => unit == own.as_str(),
    };
    let mut doing = grants.iter().filter(|grant| reaches(grant));
    doing.any(|grant| owner_of(grant.role).is_some_and(|one| one.word() == owner))
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
            ("return:bb", "lab", "htm", None),
            ("return:cc", "icu", "htm", Some("ben")),
            ("return:dd", "icu", "htm", None),
            ("silent:pc-2", "icu", "it", Some("ada")),
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
            let mut listing = Listing::of(ITEMS, "Items", &items, &query);
            let is = |row: Row<'_>| is_theirs("ada", &grants, row);
            order(&mut listing, &items, &query, &is);
            let row =
                |row: &Vec<crate::web::show::Shown>| format!("{} {}", row[0].text, row[2].text);
            listing.rows.iter().map(row).collect::<Vec<_>>()
        };
        let mine = [
            "sign:aa you (htm)",
            "return:bb you (htm)",
            "return:dd you (htm)",
        ];
        let all = shown(&["approver"], &[]);
        assert_eq!(all[..3], mine);
        assert_eq!(all[3], "silent:pc-2 you (it)", "it is taken by them");
        assert_eq!(all[4..], ["silent:pc-1 it", "return:cc htm"]);
        let of_unit = shown(&["technician:icu"], &[]);
        assert_eq!(
            of_unit[..2],
            ["return:dd you (htm)", "silent:pc-2 you (it)"]
        );
        let sorted = shown(&["approver"], &[("today-items.sort", "item")]);
        assert_eq!(sorted[0], "return:bb you (htm)");
        assert_eq!(sorted[1], "return:cc htm", "who sorts decides the order");
        assert_eq!(shown(&["viewer"], &[])[0], "silent:pc-2 you (it)");
    }
}
