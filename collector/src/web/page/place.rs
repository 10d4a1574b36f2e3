//! Pages that are lists and buttons, and pages of one thing: which commands tell what stands
//! there, which buttons lead on.

mod bar;
mod beside;
mod things;

use super::drawn::Drawn;
use super::list::asked;
use super::{Page, Shell, actions, why_none};
use crate::account::access::OF_ALL_UNITS;
use crate::account::role::Reach;
use crate::control::{Failure, Output};
use crate::web::answer::{self, Refusal};
use crate::web::asks::Asks;
use crate::web::form::Form;
use crate::web::look::{self, Looking, Told};
use crate::web::person::Person;
use crate::web::show::listing::{Asked, Query};
use crate::web::show::{self, Block, paged, sheet};
use crate::web::{Web, error};
use axum::extract::OriginalUri;
use axum::extract::{Path, State};
use axum::response::Response;
use bar::PAGES;
use beside::{Beside, Of};
use futures_util::stream::{self, StreamExt as _};
use patchward_common::id::Name;
use patchward_common::percent::encoded;
use things::DETAILS;

/// Commands that tell of several lists, of which most are empty in most hospitals.
const HIDE_EMPTY: [&str; 1] = ["plan stated"];
/// So many parts of a page are asked for at once: fewer than the database has readers, so that
/// one person's page leaves one to others.
const PARTS_AT_ONCE: usize = 3;

/// One part of a page: what a command tells.
struct Part {
    id: &'static str,
    title: &'static str,
    command: &'static str,
    /// The field of the command that takes what the page is about.
    about: Option<&'static str>,
    /// What of it that field takes.
    of: Of,
    /// What is drawn above it.
    drawn: Option<Drawn>,
}

impl Part {
    const fn drawn(self, drawn: Drawn) -> Self {
        Self {
            drawn: Some(drawn),
            ..self
        }
    }
}

/// A page.
struct Layout {
    path: &'static str,
    bar: &'static str,
    title: &'static str,
    intro: &'static str,
    parts: &'static [Part],
    first: &'static [&'static str],
    more: &'static [&'static str],
    /// The field of the forms that takes what the page is about.
    fills: &'static [&'static str],
}

const fn part(id: &'static str, title: &'static str, command: &'static str) -> Part {
    Part {
        id,
        title,
        command,
        about: None,
        of: Of::Itself,
        drawn: None,
    }
}

const fn about(
    id: &'static str,
    title: &'static str,
    command: &'static str,
    field: &'static str,
) -> Part {
    Part {
        id,
        title,
        command,
        about: Some(field),
        of: Of::Itself,
        drawn: None,
    }
}

/// A part about the machine that the thing is.
const fn of_machine(
    id: &'static str,
    title: &'static str,
    command: &'static str,
    field: &'static str,
) -> Part {
    Part {
        of: Of::Machine,
        ..about(id, title, command, field)
    }
}

/// A part about the unit in which the thing stands.
const fn of_unit(
    id: &'static str,
    title: &'static str,
    command: &'static str,
    field: &'static str,
) -> Part {
    Part {
        of: Of::Unit,
        ..about(id, title, command, field)
    }
}

/// One of the pages of the bar.
pub async fn show(
    State(web): State<Web>,
    person: Person,
    Path(page): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    match PAGES.iter().find(|layout| layout.path == page) {
        Some(layout) => laid_out(&web, &person, layout, None, &asked(&uri)).await,
        None => error::no_page(State(web), Some(person.0)).await,
    }
}

/// The page of one thing.
pub async fn detail(
    State(web): State<Web>,
    person: Person,
    Path((page, id)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    match DETAILS.iter().find(|layout| layout.path == page) {
        Some(layout) => {
            // Lists for people have a space between a product and its version, and no version has.
            let id = match layout.path == things::RELEASE {
                true => id.replacen(' ', "=", 1),
                false => id,
            };
            laid_out(&web, &person, layout, Some(&id), &asked(&uri)).await
        }
        None => error::no_page(State(web), Some(person.0)).await,
    }
}

/// The page of one thing of one kind.
pub async fn detail_of_kind(
    state: State<Web>,
    person: Person,
    Path((page, kind, id)): Path<(String, String, String)>,
    uri: OriginalUri,
) -> Response {
    detail(state, person, Path((format!("{page}/{kind}"), id)), uri).await
}

async fn laid_out(
    web: &Web,
    person: &Person,
    layout: &Layout,
    about: Option<&str>,
    query: &Query,
) -> Response {
    let mut parts = Vec::new();
    let mut forbidden = None;
    let beside = match Beside::read(web, layout, about).await {
        Ok(beside) => beside,
        Err(failure) => return error::page(Some(person), &failure),
    };
    let looking = match Looking::begins(web, person).await {
        Ok(looking) => looking,
        Err(failure) => return error::page(Some(person), &failure),
    };
    let told = layout.parts.iter().filter_map(|part| {
        let about = beside.of(part, about);
        let is_there = part.of == Of::Itself || about.is_some();
        is_there.then(|| shown(web, &looking, part, about, query))
    });
    // At once: each waits for the database most of the time.
    let mut told = stream::iter(told.collect::<Vec<_>>()).buffered(PARTS_AT_ONCE);
    while let Some(told) = told.next().await {
        match told {
            Ok(Shown::File(file)) => return file,
            Ok(Shown::Blocks(blocks)) => parts.extend(blocks),
            // Who may not see a list has a page without it.
            Err(refusal @ Refusal::Forbidden(_)) => forbidden = Some(refusal),
            // The first part is the thing itself: without it there is no page.
            Err(refusal) if about.is_some() && parts.is_empty() => {
                let text = refusal.text().to_owned();
                return error::page(Some(person), &Failure::not_found(text));
            }
            Err(refusal) => parts.push(Block::Text(vec![refusal.text().to_owned()])),
        }
    }
    drop(told);
    // Who may see nothing of it is told who may.
    if let (true, Some(refusal)) = (parts.is_empty(), &forbidden) {
        return error::refused(person, refusal);
    }
    parts.extend(beside.lack(layout));
    let title = match about {
        Some(about) => format!("{} {about}", layout.title),
        None => layout.title.to_owned(),
    };
    let known: Vec<String> = about
        .iter()
        .flat_map(|about| {
            let fields = layout.fills.iter();
            let fields = fields.flat_map(move |fields| fields_of(fields, about));
            fields.map(|(field, about)| format!("{field}={}", encoded(about)))
        })
        .collect();
    let known = known.join("&");
    Page {
        shell: Shell::new(&title, layout.bar, Some(person)),
        intro: match why_none(person, layout.first) {
            Some(why) => format!("{} {why}", layout.intro).trim().to_owned(),
            None => layout.intro.to_owned(),
        },
        actions: actions(person, layout.first, &known, &query.path),
        parts,
        more: actions(person, layout.more, &known, &query.path),
    }
    .shown()
}

/// The fields of a command that take what a page is about. A release has two, its product and its
/// version, and both stand in its address.
fn fields_of<'t>(fields: &'t str, about: &'t str) -> Vec<(&'t str, &'t str)> {
    match (fields.split_once('='), about.split_once('=')) {
        (Some((first, second)), Some((one, other))) => vec![(first, one), (second, other)],
        (Some((first, _)), None) => vec![(first, about)],
        (None, _) => vec![(fields, about)],
    }
}

/// What comes of a part.
enum Shown {
    Blocks(Vec<Block>),
    File(Response),
}

async fn shown(
    web: &Web,
    person: &dyn Asks,
    part: &Part,
    about: Option<&str>,
    query: &Query,
) -> Result<Shown, Refusal> {
    let form = Form::known(part.command)?;
    let given = part.about.zip(about);
    let given = given.map(|(fields, about)| fields_of(fields, about));
    let given = given.unwrap_or_default();
    let about = given.first().map(|(_, about)| *about);
    let own = own_units(person, form);
    let own = own.iter().map(|unit| ("units", unit.as_str()));
    let given: Vec<(&str, &str)> = given.iter().copied().chain(own).collect();
    let answers = answer::given(&given);
    let told = match part.drawn {
        Some(_) => look::whole(web, person, form, &answers).await?,
        None => look::look(web, person, form, &answers, (part.id, query)).await?,
    };
    let output = match told {
        Told::File(file) => return Ok(Shown::File(file)),
        Told::Page(page) => {
            return Ok(Shown::Blocks(paged(part.id, part.title, &page, query)));
        }
        Told::Whole(output) => output,
    };
    if let Some(file) = csv(query, part.id, &output) {
        return Ok(Shown::File(file));
    }
    let drawn = part.drawn;
    let left_out: Vec<&str> = drawn.and_then(Drawn::instead_of).into_iter().collect();
    let mut blocks = show::blocks_but(part.id, part.title, &output, query, &left_out);
    if HIDE_EMPTY.contains(&part.command) {
        blocks = show::without_nothing(blocks);
    }
    if let Some(drawn) = drawn {
        let first_list = || blocks.iter().position(|one| matches!(one, Block::List(_)));
        let at = match drawn.instead_of() {
            Some(_) => first_list().unwrap_or(blocks.len()),
            None => 0,
        };
        let above = drawn.above(&web.app, about, query, &output).await;
        blocks.splice(at..at, above);
    }
    Ok(Shown::Blocks(blocks))
}

/// The units of a person who sees some of them, for a command that would tell of all at once
/// and takes units.
fn own_units(person: &dyn Asks, form: &Form) -> Vec<String> {
    let takes = OF_ALL_UNITS.contains(&form.path) && form.field("units").is_some();
    match person.reach(form.rule) {
        Reach::Units(units) if takes => units.iter().map(Name::to_string).collect(),
        _ => Vec::new(),
    }
}

/// The file of a list, where the address asks for this one.
pub fn csv(query: &Query, id: &str, output: &Output) -> Option<Response> {
    let wanted = query.value("csv")?;
    let table = match output {
        Output::Table(table) if wanted == id => table,
        Output::Report(report) => {
            let name = wanted.strip_prefix(id)?.strip_prefix('-')?;
            report.list(name)?
        }
        _ => return None,
    };
    Some(sheet::whole(wanted, table, &Asked::of(wanted, query)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Weight, access::RULES};
    use std::collections::BTreeSet;

    #[test]
    fn every_part_and_button_is_a_command() {
        for layout in PAGES.iter().chain(DETAILS) {
            for part in layout.parts {
                let form = Form::of(part.command).unwrap_or_else(|| panic!("{}", part.command));
                assert_eq!(form.rule.weight, Weight::Ask, "{}", part.command);
                for field in part.about.iter().flat_map(|about| about.split('=')) {
                    assert!(form.field(field).is_some(), "{} {field}", part.command);
                }
            }
            for path in layout.first.iter().chain(layout.more) {
                assert!(Form::of(path).is_some(), "{path}");
            }
        }
    }

    #[test]
    fn a_release_fills_two_fields_and_everything_else_one() {
        let both = fields_of("product=version", "viewer=4.2=1");
        assert_eq!(both, [("product", "viewer"), ("version", "4.2=1")]);
        assert_eq!(
            fields_of("product=version", "viewer"),
            [("product", "viewer")]
        );
        assert_eq!(
            fields_of("releases", "viewer=4.2"),
            [("releases", "viewer=4.2")]
        );
    }

    #[test]
    fn every_command_is_on_a_page() {
        let on_pages: BTreeSet<&str> = PAGES
            .iter()
            .chain(DETAILS)
            .flat_map(|layout| {
                let parts = layout.parts.iter().map(|part| part.command);
                parts
                    .chain(layout.first.iter().copied())
                    .chain(layout.more.iter().copied())
            })
            // Those of pages with a shape of their own.
            .chain([
                "today",
                "item take",
                "item drop",
                "plan show",
                "plan check",
                "plan forecast",
                "plan again",
                "plan due",
                "plan export",
                "plan remove",
                "plan decline",
            ])
            .collect();
        let left: Vec<&str> = RULES
            .iter()
            .filter(|rule| rule.weight != Weight::Terminal)
            .map(|rule| rule.path)
            .filter(|path| !on_pages.contains(path))
            .collect();
        assert_eq!(left, Vec::<&str>::new());
    }
}
