//! What somebody sees who looks: of a list that grows with the fleet a page, of what takes
//! long to gather what was gathered a moment ago, and of all of it what is of their units.

use super::Web;
use super::answer::{Refusal, allowed, given};
use super::asks::Asks;
use super::form::Form;
use super::form::call::{self, Answers};
use super::kept::Turned;
use super::show::listing::{Asked, Query};
use super::show::{scope, sheet};
use crate::account::role::Reach;
use crate::account::{Grant, Rule};
use crate::command::listed::{self, Paged};
use crate::command::{self, Caller, Command};
use crate::control::{Failure, Output};
use crate::snapshot::Look;
use crate::store::View;
use crate::store::listed::Wanted;
use axum::response::Response;
use patchward_common::id::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a person sees of an answer, where that is not all of it.
pub(super) async fn seen(
    web: &Web,
    person: &dyn Asks,
    form: &Form,
    output: &Output,
) -> Result<Option<Output>, Refusal> {
    let reach = person.reach(form.rule);
    let Reach::Units(own) = &reach else {
        return Ok(None);
    };
    let units = match scope::asks_for_machines(output) {
        true => {
            let mut view = web.app.store.view().await.map_err(Failure::from)?;
            machines_of_units(&mut view, own).await?
        }
        false => BTreeMap::new(),
    };
    Ok(Some(scope::narrow(output, &reach, &units)))
}

/// Somebody who looks at a page of many parts. What they must see is asked of the database once for
/// all of them.
pub struct Looking<'p> {
    person: &'p dyn Asks,
    look: Look,
}

impl<'p> Looking<'p> {
    /// From now on.
    pub async fn begins(web: &Web, person: &'p dyn Asks) -> Result<Self, Failure> {
        let look = command::look_of(&web.app, &person.caller()).await?;
        Ok(Self { person, look })
    }

    /// What they must see.
    pub fn look(&self) -> Look {
        self.look
    }
}

impl Asks for Looking<'_> {
    fn caller(&self) -> Caller {
        self.person.caller()
    }

    fn grants(&self) -> &[Grant] {
        self.person.grants()
    }

    fn hindrance(&self, rule: &Rule) -> Option<String> {
        self.person.hindrance(rule)
    }

    fn looks(&self) -> Option<Look> {
        Some(self.look)
    }
}

/// What they must see.
async fn look_of(web: &Web, person: &dyn Asks) -> Result<Look, Failure> {
    match person.looks() {
        Some(look) => Ok(look),
        None => command::look_of(&web.app, &person.caller()).await,
    }
}

/// What a command tells somebody who looks.
pub enum Told {
    /// All of it.
    Whole(Arc<Output>),
    /// A page of a list that grows with the fleet.
    Page(Arc<Paged>),
    /// The file of a list, where the address asks for it.
    File(Response),
}

/// Asks for a part of a page of which something is drawn: for all of it, however long it is.
pub async fn whole(
    web: &Web,
    person: &dyn Asks,
    form: &Form,
    answers: &Answers,
) -> Result<Told, Refusal> {
    let command = command_of(web, person, form, answers).await?;
    Ok(Told::Whole(known(web, person, form, command).await?))
}

/// Asks for what stands on a page as the part `id`: of a list that grows, the page that the
/// address asks for.
pub async fn look(
    web: &Web,
    person: &dyn Asks,
    form: &Form,
    answers: &Answers,
    (id, query): (&str, &Query),
) -> Result<Told, Refusal> {
    let command = command_of(web, person, form, answers).await?;
    let Some(name) = listed::name_of(&command) else {
        if let Some(page) = made_page(web, person, form, &command, (id, query)).await? {
            return Ok(Told::Page(Arc::new(page)));
        }
        return Ok(Told::Whole(known(web, person, form, command).await?));
    };
    let id = match name {
        "" => id.to_owned(),
        name => format!("{id}-{name}"),
    };
    let units = units_of(person, form);
    let asked = Asked::of(&id, query);
    if query.value("csv") == Some(id.as_str()) {
        let (store, wanted) = (web.app.store.clone(), asked.wanted(units, None));
        return Ok(Told::File(sheet::streamed(&id, store, command, wanted)));
    }
    let page = Turned {
        command,
        asked,
        units,
    };
    let seen = look_of(web, person).await?;
    let page = web.pages.page(&web.app, seen, page).await?;
    Ok(Told::Page(page))
}

/// A page of a list that was gathered as a whole; `None` where it is told as a whole.
async fn made_page(
    web: &Web,
    person: &dyn Asks,
    form: &Form,
    command: &Command,
    (id, query): (&str, &Query),
) -> Result<Option<Paged>, Refusal> {
    let Some(name) = command::made_name(command) else {
        return Ok(None);
    };
    let asked = Asked::of(&format!("{id}-{name}"), query);
    let mut wanted = asked.wanted(units_of(person, form), None);
    // It has no column of that name: any order but its own takes all rows, as a file does.
    let is_whole = wanted.seeks("") || query.value("csv").is_some();
    if is_whole || wanted.units.is_some() {
        return Ok(None);
    }
    let look = look_of(web, person).await?;
    loop {
        let page = command::made_page(&web.app, look, command, &wanted).await?;
        let Some(page) = page else {
            return Ok(None);
        };
        let last = asked.wanted(None, Some(page.found));
        // An address may name a page that there is no more.
        if last.offset >= wanted.offset {
            return Ok(Some(page));
        }
        wanted = last;
    }
}

/// The command that the answers to a form are, where somebody may give it.
async fn command_of(
    web: &Web,
    person: &dyn Asks,
    form: &Form,
    answers: &Answers,
) -> Result<Command, Refusal> {
    allowed(web, person, form, answers).await?;
    call::command(form, answers).map_err(Refusal::Mistake)
}

/// What a command tells, which may have been gathered for somebody else a moment ago.
async fn known(
    web: &Web,
    person: &dyn Asks,
    form: &Form,
    command: Command,
) -> Result<Arc<Output>, Refusal> {
    let look = look_of(web, person).await?;
    let told = web.kept.told(&web.app, person.caller(), look, command);
    let output = told.await?;
    Ok(match seen(web, person, form, &output).await? {
        Some(seen) => Arc::new(scope::marked(seen)),
        None => output,
    })
}

/// Asks for a command that only tells, with answers as `(field, words)`, and for all of it.
pub async fn tell(
    web: &Web,
    person: &dyn Asks,
    path: &str,
    answers: &[(&str, &str)],
) -> Result<Arc<Output>, Refusal> {
    let form = Form::known(path)?;
    let command = command_of(web, person, form, &given(answers)).await?;
    known(web, person, form, command).await
}

/// The same, but of a list that grows only the first rows.
pub async fn first(
    web: &Web,
    person: &dyn Asks,
    path: &str,
    limit: u32,
) -> Result<Arc<Output>, Refusal> {
    let form = Form::known(path)?;
    let command = command_of(web, person, form, &Answers::new()).await?;
    let wanted = Wanted {
        units: units_of(person, form),
        limit,
        ..Wanted::default()
    };
    let mut view = web.app.store.view().await.map_err(Failure::from)?;
    let page = listed::page(&mut view, &command, &wanted).await?;
    drop(view);
    match page {
        Some(page) => Ok(Arc::new(Output::Table(page.table))),
        None => known(web, person, form, command).await,
    }
}

/// The units that a person sees, where these are not all.
fn units_of(person: &dyn Asks, form: &Form) -> Option<BTreeSet<Name>> {
    match person.reach(form.rule) {
        Reach::Everywhere => None,
        Reach::Units(units) => Some(units),
    }
}

/// The unit of each machine of these units, by its name and by its id.
async fn machines_of_units(
    view: &mut View,
    of: &BTreeSet<Name>,
) -> Result<BTreeMap<String, Name>, Failure> {
    let mut units = BTreeMap::new();
    for unit in of {
        for machine in view.machines(Some(unit), None, u32::MAX).await? {
            units.insert(machine.id.to_string(), machine.unit.clone());
            units.insert(machine.name.to_string(), machine.unit);
        }
    }
    Ok(units)
}
