//! Today: what needs me now, tonight, the fleet in a few counts.

mod shift;
mod theirs;

use super::list::asked;
use super::{Page, Shell, actions, drawn};
use crate::control::{Cell, Output};
use crate::web::asks::Asks as _;
use crate::web::form::Form;
use crate::web::person::Person;
use crate::web::show::heading;
use crate::web::show::mark::WARN;
use crate::web::show::{Block, Shown, blocks_but};
use crate::web::{Web, error, look};
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use patchward_common::percent::encoded;

/// What the command tells that stands elsewhere, or in another order.
const ELSEWHERE: [&str; 2] = ["machines", theirs::ITEMS];

/// The command that takes an item.
const TAKE: &str = "item take";

/// Shows the day.
pub async fn show(
    State(web): State<Web>,
    person: Person,
    OriginalUri(uri): OriginalUri,
) -> Response {
    // What the ward has to know stands on its own page.
    if person.is_only_ward() {
        return Redirect::to("/ward").into_response();
    }
    let query = asked(&uri);
    let output = match look::tell(&web, &person, "today", &[]).await {
        Ok(output) => output,
        Err(refusal) => return error::refused(&person, &refusal),
    };
    if let Some(file) = super::place::csv(&query, "today", &output) {
        return file;
    }
    let mut parts: Vec<Block> = unfinished(&web, &person).await.into_iter().collect();
    parts.extend(shift::line(&web, &person).await);
    parts.extend(drawn::day(&output));
    parts.extend(blocks_but("today", "", &output, &query, &ELSEWHERE));
    let is_list = |part: &Block| matches!(part, Block::List(_));
    let at = parts.iter().position(is_list).unwrap_or(parts.len());
    parts.splice(at..at, theirs::first(&person, &output, &query));
    if may_take(&person) {
        parts.iter_mut().for_each(taken_here);
    }
    Page {
        shell: Shell::new("Today", "/", Some(&person)),
        intro: String::new(),
        actions: actions(&person, &["item drop", "oncall heard"], "", "/"),
        parts,
        more: actions(
            &person,
            &[
                "item list",
                "item take",
                "item except",
                "oncall calls",
                "shift",
            ],
            "",
            "/",
        ),
    }
    .shown()
}

/// Whether a person says that they do something.
fn may_take(person: &Person) -> bool {
    Form::of(TAKE).is_some_and(|form| !person.reach(form.rule).is_nowhere())
}

/// Puts into each open item's row what takes it: nobody types its key.
fn taken_here(part: &mut Block) {
    let Block::List(listing) = part else {
        return;
    };
    let column = |name: &str| {
        let mut heads = listing.heads.iter();
        heads.position(|head| head.title == heading(name))
    };
    let (Some(item), Some(taken)) = (column("item"), column("taken_by")) else {
        return;
    };
    for row in &mut listing.rows {
        let key = row.get(item).map(|cell| encoded(&cell.text));
        let free = row.get_mut(taken).filter(|cell| cell.is_nothing());
        if let (Some(key), Some(cell)) = (key, free) {
            *cell = Shown {
                text: "Say that you do it".to_owned(),
                href: Some(format!("/do/item/take?item={key}&_back=/")),
                ..Shown::default()
            };
        }
    }
}

/// How far the first day is, for those who may see it, until it is over.
async fn unfinished(web: &Web, person: &Person) -> Option<Block> {
    // Who may not is told nothing; the page stands without it.
    let told = look::tell(web, person, "setup", &[]).await.ok()?;
    let Output::Report(report) = &*told else {
        return None;
    };
    let next = report.parts.iter().find(|(name, _)| name == "next");
    matches!(next, Some((_, Cell::Text(_)))).then(|| {
        let shown = Shown {
            text: report.text.clone(),
            href: Some("/setup".to_owned()),
            mark: Some(WARN),
            ..Shown::default()
        };
        Block::Facts(vec![("The first day".to_owned(), shown)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Table;
    use crate::web::show::blocks;
    use crate::web::show::listing::Query;

    #[test]
    fn a_free_item_is_taken_from_its_row_and_a_taken_one_is_left() {
        let mut items = Table::new(&["item", "about", "taken_by"]);
        items.row(vec![Cell::of("sign:0a1b"), Cell::of("Update"), Cell::Empty]);
        items.row(vec![
            Cell::of("silent:pc-1"),
            Cell::of("pc-1"),
            Cell::of("ada"),
        ]);
        let mut parts = blocks("today", "", &Output::Table(items), &Query::default());
        parts.iter_mut().for_each(taken_here);
        let [Block::List(listing)] = &parts[..] else {
            panic!("{parts:?}");
        };
        let (free, taken) = (&listing.rows[0], &listing.rows[1]);
        let takes = "/do/item/take?item=sign%3A0a1b&_back=/";
        assert_eq!(free[2].href.as_deref(), Some(takes));
        assert_eq!(free[0].href.as_deref(), Some("/plan/0a1b/sign"));
        assert_eq!(taken[2].text, "ada");
        assert_eq!(taken[2].href, None);
    }
}
