//! Who is of one unit names a thing of another, in each form of the page and each call of the
//! API that names one. A command that is added is among them by itself.

mod people;
mod things;

use super::browsing::{Answer, on_large_stack};
use super::every_form::ROLES;
use super::fitting::{Fitting, fitting_with, forms, pairs};
use super::programs::{is_problem, problem};
use crate::commands::desk::Desk;
use axum::http::StatusCode;
use patchward_collector::account::{Role, Subject, Weight, subject};
use patchward_collector::secret::Secret;
use patchward_collector::store::audit::Head;
use patchward_collector::web::form::{Field, Form};
use people::Who;
use std::collections::BTreeSet;
use things::{CALENDAR, Things, hospital};

/// What is the hospital's and has a name there.
const KNOWN: [(&str, &str); 6] = [
    ("id", "ACME-1"),
    ("model", "station"),
    ("product", "viewer"),
    ("release", "viewer=2"),
    ("vendor", "acme"),
    ("version", "2"),
];
/// Fields that say what something is to be called, or which one of several it is.
const NAMES: [&str; 3] = ["mitigation", "name", "number"];

/// What is said to who names a thing of theirs.
const NOT_THAT_UNIT: &str = "This concerns icu-3, and your role is not for that unit.";
/// What has no unit, and a command that names one.
const OF_THE_HOSPITAL: [(&str, &str); 10] = [
    ("an advisory", "advisory read"),
    ("a baseline", "asset baseline remove"),
    ("a case", "case close"),
    ("a decision", "advisory undo"),
    ("a document", "document add"),
    ("an exception", "exposure except end"),
    ("a mitigation", "mitigation close"),
    ("a release", "release withdraw"),
    ("a risk", "risk remove"),
    ("what is vouched for", "custodian drop"),
];

/// Two units, and people.
struct Scene {
    desk: Desk,
    theirs: Things,
    ours: Things,
    /// Somebody of ours.
    stranger: Who,
    /// Somebody of both.
    insider: Who,
}

fn speaks_of(form: &Form, field: &Field) -> Subject {
    subject(form.path, &field.name).unwrap()
}

impl Scene {
    async fn begin() -> Self {
        let (desk, theirs, ours) = hospital().await;
        Self {
            stranger: Who::of_units(&desk, "stranger", &[ours.unit]).await,
            insider: Who::of_units(&desk, "insider", &[ours.unit, theirs.unit]).await,
            desk,
            theirs,
            ours,
        }
    }

    async fn head(&self) -> Head {
        let mut view = self.desk.app.store.view().await.unwrap();
        view.audit_head().await.unwrap()
    }

    /// One of ours for a field; none where it names nothing of a unit.
    fn own(&self, form: &Form, field: &Field) -> Option<String> {
        let own = self.ours.named(speaks_of(form, field));
        own.into_iter().next()
    }

    /// A form with these answers, and beside them what is ours and what the hospital has.
    fn filled(&self, form: &Form, given: &[(&str, &str)]) -> Option<Fitting> {
        let is_given = |field: &&Field| given.iter().any(|(name, _)| *name == field.name);
        let needed = form.fields.iter().filter(|field| field.required);
        let mut more = Vec::new();
        for field in needed.filter(|field| !is_given(field)) {
            let known = KNOWN.iter().find(|(name, _)| *name == field.name);
            let word = self.own(form, field);
            let word = word.or(known.map(|(_, word)| (*word).to_owned()));
            more.extend(word.map(|word| (field.name.as_str(), word)));
        }
        let more = more.iter().map(|(name, word)| (*name, word.as_str()));
        let all: Vec<_> = given.iter().copied().chain(more).collect();
        let mut filled = fitting_with(form, &all).or_else(|| fitting_with(form, given))?;
        // Where one of several is needed as well, it is ours too.
        for (name, word) in &mut filled {
            let own = form.field(name).and_then(|field| self.own(form, field));
            let is_said = all.iter().any(|(said, _)| said == name);
            if let Some(own) = own.filter(|_| !is_said) {
                *word = own;
            }
        }
        Some(filled)
    }

    /// What names a thing of theirs: alone, in each of its names; beside each thing of ours that
    /// the form takes as well; and after one of ours.
    fn cases(&self, form: &Form) -> Vec<Fitting> {
        let mut cases = Vec::new();
        for field in &form.fields {
            let theirs = self.theirs.named(speaks_of(form, field));
            let alone = theirs
                .iter()
                .map(|word| vec![(&*field.name, word.as_str())]);
            let alone: Vec<_> = alone.filter_map(|one| self.filled(form, &one)).collect();
            assert_eq!(alone.len(), theirs.len(), "{} {}", form.path, field.name);
            cases.extend(alone);
            let Some(word) = theirs.first() else { continue };
            for other in &form.fields {
                let is_beside = other.name != field.name || field.many;
                let own = self.own(form, other).filter(|_| is_beside);
                let own = own.as_ref().map(|own| (&*other.name, own.as_str()));
                let both = own.map(|own| [own, (&*field.name, word.as_str())]);
                // Some do not go together.
                cases.extend(both.and_then(|both| self.filled(form, &both)));
            }
        }
        cases
    }

    /// Nothing of theirs is told to who did not say it.
    fn tells_nothing(&self, form: &Form, answer: &Answer, fields: &[(&str, &str)]) {
        let marks = [self.theirs.mark, self.theirs.machine.as_str()];
        let is_theirs = |text: &str| marks.iter().any(|mark| text.contains(mark));
        let said = fields.iter().map(|(_, word)| *word);
        let said = said.filter(|word| is_theirs(word));
        let text = said.fold(answer.text(), |text, word| text.replace(word, ""));
        assert!(!is_theirs(&text), "{} {fields:?}: {text}", form.path);
    }

    /// Whatever it is that they are told, nothing comes of it but that their reason is kept.
    async fn not_done(&mut self, form: &Form, fields: &[(&str, &str)]) {
        let before = self.head().await;
        let (first, second) = (Secret::new(), Secret::new());
        let page = self.stranger.fills(form, fields, first.text()).await;
        let answer = self
            .stranger
            .program
            .calls(form, fields, second.text())
            .await;
        problem(&answer, form.path);
        for answer in [page, answer] {
            let text = answer.text();
            assert!(
                answer.status.is_client_error(),
                "{} {fields:?}: {text}",
                form.path
            );
            self.tells_nothing(form, &answer, fields);
        }
        let mut view = self.desk.app.store.view().await.unwrap();
        let rows = view.audit_after(before.seq, 100).await.unwrap();
        let did = rows.iter().any(|row| !row.action.ends_with(".reason"));
        assert!(!did, "{} {fields:?}: {rows:?}", form.path);
    }

    /// Who is of both units may, and would, had they not done so already.
    async fn may(&mut self, form: &Form, fields: &[(&str, &str)]) {
        let before = self.head().await;
        self.insider.may(form, fields).await;
        assert_eq!(self.head().await, before, "{} {fields:?}", form.path);
    }

    /// The page and the API refuse it alike to the stranger, and nothing comes of it.
    async fn refused(&mut self, form: &Form, fields: &[(&str, &str)], words: &str) {
        let before = self.head().await;
        let id = Secret::new();
        let page = self.stranger.fills(form, fields, id.text()).await;
        let text = page.text();
        assert!(text.contains(words), "{} {fields:?}: {text}", form.path);
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", form.path);
        let answer = self.stranger.program.calls(form, fields, id.text()).await;
        is_problem(&answer, form.path, StatusCode::FORBIDDEN, words);
        for answer in [page, answer] {
            self.tells_nothing(form, &answer, fields);
        }
        assert_eq!(self.head().await, before, "{} {fields:?}", form.path);
    }
}

/// Forms for which somebody of a unit is asked for, at the page and by the API.
fn of_a_unit() -> impl Iterator<Item = &'static Form> {
    let forms = forms().into_iter();
    let forms = forms.filter(|form| form.rule.weight != Weight::Terminal);
    forms.filter(|form| form.rule.roles.iter().any(|role| role.can_be_of_units()))
}

#[test]
fn nobody_names_a_thing_of_another_unit() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        for form in of_a_unit() {
            for case in scene.cases(form) {
                let fields = pairs(&case);
                scene.refused(form, &fields, NOT_THAT_UNIT).await;
                scene.may(form, &fields).await;
            }
        }
    });
}

/// Somebody is a technician there and an approver here, so what only approvers may is not theirs
/// there.
#[test]
fn a_role_in_one_unit_is_none_in_another() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let roles = ["technician:icu-3", "approver:or-1"];
        scene.stranger = Who::with_roles(&scene.desk, "half", &roles).await;
        let of_approvers = |form: &&Form| !form.rule.roles.contains(&Role::Technician);
        for form in of_a_unit().filter(of_approvers) {
            for case in scene.cases(form) {
                scene.refused(form, &pairs(&case), NOT_THAT_UNIT).await;
            }
        }
    });
}

#[test]
fn nobody_of_a_unit_changes_what_is_the_hospitals() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        scene.insider = Who::with_roles(&scene.desk, "everyone", &ROLES).await;
        let why = "This concerns the whole hospital, and your role is for single units.";
        let (mut tried, mut unknown) = (BTreeSet::new(), Vec::new());
        for form in of_a_unit().filter(|form| form.rule.weight != Weight::Ask) {
            let Some(case) = scene.filled(form, &[]) else {
                unknown.push(form.path);
                continue;
            };
            let fields = pairs(&case);
            let of_units = form
                .fields
                .iter()
                .filter(|it| scene.own(form, it).is_some());
            let of_units: BTreeSet<&str> = of_units.map(|field| &*field.name).collect();
            if fields.iter().any(|(name, _)| of_units.contains(name)) {
                continue;
            }
            scene.refused(form, &fields, why).await;
            scene.may(form, &fields).await;
            tried.insert(form.path);
        }
        for (kind, path) in OF_THE_HOSPITAL {
            assert!(tried.contains(path), "{kind}: {tried:?}");
        }
        // For another kind of word, add one to the list of those that are tried.
        assert!(tried.len() > 10 * unknown.len(), "not {unknown:?}");
    });
}

/// What another unit has, in a field that says how something new is called or which of several
/// it is.
fn taken(form: &Form, theirs: &Things) -> String {
    match form.path {
        "asset manual" => theirs.machine.clone(),
        "exposure except add" | "mitigation attest" => theirs.mitigation.clone(),
        "feed add" => theirs.called("feed"),
        "freeze add" => theirs.called("freeze"),
        "freeze calendar add" => theirs.called("calendar"),
        "group add" => theirs.called("group"),
        "kiosk add" => theirs.called("kiosk"),
        "window add" | "window once" => theirs.called("window"),
        other => panic!("what another unit has for {other} stands in no list: add it here"),
    }
}

#[test]
fn nobody_takes_for_their_unit_what_another_has() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let mut tried = BTreeSet::new();
        for form in of_a_unit().filter(|form| form.rule.weight != Weight::Ask) {
            let names = form.fields.iter().filter(|field| {
                speaks_of(form, field) == Subject::Words && NAMES.contains(&&*field.name)
            });
            for (name, field) in names.flat_map(|name| form.fields.iter().map(move |it| (name, it)))
            {
                let Some(own) = scene.own(form, field) else {
                    continue;
                };
                let taken = taken(form, &scene.theirs);
                let mut given = vec![(&*field.name, &*own), (&*name.name, &*taken)];
                if form.takes_file() {
                    given.push(("file", CALENDAR));
                }
                let case = scene.filled(form, &given);
                let case = case.unwrap_or_else(|| panic!("{} {given:?}", form.path));
                scene.not_done(form, &pairs(&case)).await;
                tried.insert(form.path);
            }
        }
        assert_eq!(tried.len(), 10, "{tried:?}");
    });
}

/// A page that is no form of a command leads no further than they do.
#[test]
fn no_other_page_takes_what_is_of_another_unit() {
    on_large_stack(|| async {
        let mut scene = Scene::begin().await;
        let plan = scene.theirs.named(Subject::Plan).remove(0);
        let machine = scene.theirs.machine.clone();
        let (sign, hold) = (
            format!("/plan/{plan}/sign"),
            "wish=hold&hours=1&reason=rounds",
        );
        let no_unit = "There is no such unit, or your role is not for it.";
        let before = scene.head().await;
        for (path, sent, status, words) in [
            (
                &*sign,
                "declined=no".to_owned(),
                StatusCode::FORBIDDEN,
                NOT_THAT_UNIT,
            ),
            (
                &sign,
                "key=a&signature=b".to_owned(),
                StatusCode::FORBIDDEN,
                NOT_THAT_UNIT,
            ),
            (
                "/ward/unit/icu-3",
                hold.to_owned(),
                StatusCode::NOT_FOUND,
                no_unit,
            ),
            (
                "/ward/unit/or-1",
                format!("{hold}&machine={machine}"),
                StatusCode::NOT_FOUND,
                "There is no machine pc-1 in this unit",
            ),
        ] {
            let (id, token) = (Secret::new(), scene.stranger.token.clone());
            let sent = format!("token={token}&_token={token}&_form={}&{sent}", id.text());
            let answer = scene.stranger.guest.send(path, &sent).await;
            answer.says(status, words);
        }
        assert_eq!(scene.head().await, before);
        let (id, token) = (Secret::new(), scene.insider.token.clone());
        let sent = format!(
            "_token={token}&_form={}&{hold}&machine={machine}",
            id.text()
        );
        let held = scene.insider.guest.send("/ward/unit/icu-3", &sent).await;
        assert_eq!(held.status, StatusCode::SEE_OTHER, "{}", held.text());
    });
}
