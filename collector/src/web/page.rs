//! The pages: one file per page that has a shape of its own; those that are lists and
//! buttons stand as a table in [`place`].

pub mod act;
pub mod drawn;
pub mod list;
pub mod live;
pub mod place;
pub mod plan;
pub mod sign;
pub mod today;
pub mod ward;

use super::form::Form;
use super::person::SignedIn;
use super::show::Block;
use crate::account::{Role, Weight};
use crate::web::asks::Asks as _;
use askama::Template;
use axum::response::Response;
use patchward_common::percent::encoded;
use std::collections::BTreeSet;

/// What stands around every page.
pub struct Shell {
    /// The page's title.
    pub title: String,
    /// Where the other pages are; none where nobody is signed in.
    pub places: Vec<Place>,
    /// Who is signed in.
    pub who: String,
    /// What their forms carry.
    pub token: String,
    /// Whether they may stop things.
    pub may_stop: bool,
    /// The style sheet.
    pub style: &'static str,
    /// The script.
    pub script: &'static str,
    /// The collector's version.
    pub version: &'static str,
    /// The kinds of things at whose change the page brings itself up to date.
    pub live: &'static str,
}

/// An entry of the bar.
pub struct Place {
    /// Where.
    pub path: &'static str,
    /// What.
    pub title: &'static str,
    /// Whether it is this page.
    pub is_here: bool,
}

/// What people watch while it happens: today, a plan, a rollout.
const LIVE: &str = "document halt handover hold item job plan wave";
/// The page of the ward.
const WARD: &str = "/ward";
/// The bar, in the order of a day.
const BAR: [(&str, &str); 11] = [
    ("/", "Today"),
    (WARD, "Ward"),
    ("/assets", "Assets"),
    ("/updates", "Updates"),
    ("/exposure", "Exposure"),
    ("/windows", "Windows"),
    ("/plan", "Plan"),
    ("/rollouts", "Rollouts"),
    ("/evidence", "Evidence"),
    ("/audit", "Audit"),
    ("/settings", "Settings"),
];

impl Shell {
    /// Around a page called `title`, which belongs to the entry `here` of the bar.
    pub fn new(title: &str, here: &str, person: Option<&SignedIn>) -> Self {
        let is_ward = person.is_some_and(SignedIn::is_only_ward);
        let seen = BAR
            .into_iter()
            .filter(|(path, _)| !is_ward || *path == WARD);
        let bar = seen.map(|(path, title)| Place {
            path,
            title,
            is_here: path == here,
        });
        Self {
            title: title.to_owned(),
            places: person.map(|_| bar.collect()).unwrap_or_default(),
            who: person
                .map(|p| p.account.title.to_string())
                .unwrap_or_default(),
            token: person.map(|p| p.token.clone()).unwrap_or_default(),
            may_stop: person.is_some_and(|p| p.is(&[Role::Approver, Role::Operator])),
            style: super::statics::STYLE,
            script: super::statics::SCRIPT,
            version: env!("CARGO_PKG_VERSION"),
            live: match here {
                "/" | "/plan" | "/rollouts" => LIVE,
                _ => "",
            },
        }
    }
}

/// Commands that ask for nothing and have a page of their own.
const OWN_PAGES: [(&str, &str); 1] = [("setup", "/setup")];

/// The page of its own that a command has.
pub fn own_page(command: &str) -> Option<&'static str> {
    let own = OWN_PAGES.iter().find(|(path, _)| *path == command);
    own.map(|(_, page)| *page)
}

/// A button that leads to a form.
pub struct Action {
    /// What it does.
    pub title: String,
    /// Where the form is.
    pub href: String,
    /// Whether it decides on machines beside patients.
    pub grave: bool,
}

/// The buttons for those of `paths` that a person may press, with what the page knows filled
/// in; afterwards they come back to `back`.
pub fn actions(person: &SignedIn, paths: &[&str], known: &str, back: &str) -> Vec<Action> {
    let forms = paths.iter().filter_map(|path| Form::of(path));
    let may = forms.filter(|form| {
        form.rule.weight != Weight::Terminal && !person.reach(form.rule).is_nowhere()
    });
    may.map(|form| {
        let back = encoded(back);
        let known = match known.is_empty() {
            true => String::new(),
            false => format!("{known}&"),
        };
        Action {
            title: form.title(),
            href: match own_page(form.path) {
                Some(page) => page.to_owned(),
                None => format!("{}?{known}_back={back}", form.href()),
            },
            grave: form.rule.weight == Weight::Grave,
        }
    })
    .collect()
}

/// Why there is no button for any of `paths`, where a person may press none: who may.
pub fn why_none(person: &SignedIn, paths: &[&str]) -> Option<String> {
    let forms: Vec<&Form> = paths.iter().filter_map(|path| Form::of(path)).collect();
    let is_any = forms
        .iter()
        .any(|form| !person.reach(form.rule).is_nowhere());
    if forms.is_empty() || is_any {
        return None;
    }
    let roles: BTreeSet<Role> = forms
        .iter()
        .flat_map(|form| form.rule.roles)
        .copied()
        .collect();
    let roles: Vec<&str> = roles.into_iter().map(Role::word).collect();
    let own: Vec<String> = person.grants.iter().map(ToString::to_string).collect();
    let own = match own.is_empty() {
        true => "You have no role".to_owned(),
        false => format!("You are {}", own.join(", ")),
    };
    Some(format!("{own}; this is done by {}.", roles.join(" or ")))
}

/// A page of parts and buttons.
#[derive(Template)]
#[template(path = "page.html")]
pub struct Page {
    /// What stands around it.
    pub shell: Shell,
    /// What it is for.
    pub intro: String,
    /// Its first buttons.
    pub actions: Vec<Action>,
    /// Its parts.
    pub parts: Vec<Block>,
    /// The rest of its buttons.
    pub more: Vec<Action>,
}

impl Page {
    /// As an answer.
    pub fn shown(&self) -> Response {
        super::error::render(self)
    }
}
