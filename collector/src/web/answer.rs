//! A command for a person or a program: may they, in these units; then the same function as everywhere.

use super::Web;
use super::asks::Asks;
use super::form::Form;
use super::form::call::{self, Answer, Answers, Mistake};
use super::look::seen;
use super::touched::{Touched, touched};
use crate::account::access::OF_ALL_UNITS;
use crate::account::role::Reach;
use crate::account::{Rule, Weight};
use crate::command::{self, Command, Progress};
use crate::control::{Failure, Output};
use tokio::sync::mpsc;
use tracing::Instrument as _;

/// Why a command was not carried out for a person.
#[derive(Debug)]
pub enum Refusal {
    /// They may not: the sentence says who may.
    Forbidden(String),
    /// An answer is none.
    Mistake(Mistake),
    /// The collector says so.
    Failed(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Refusal {
    /// What happened, why, and what to do.
    pub fn text(&self) -> &str {
        match self {
            Self::Forbidden(text) => text,
            Self::Mistake(mistake) => &mistake.text,
            Self::Failed(failure) => &failure.text,
        }
    }
}

/// Carries out a command for a person, where they may.
pub async fn ask(
    web: &Web,
    person: &dyn Asks,
    form: &Form,
    answers: &Answers,
) -> Result<Output, Refusal> {
    allowed(web, person, form, answers).await?;
    let command = call::command(form, answers).map_err(Refusal::Mistake)?;
    carry_out(web, person, form, command).await
}

/// Carries out a command that a person may give, and leaves what they see of the answer.
pub async fn carry_out(
    web: &Web,
    person: &dyn Asks,
    form: &Form,
    command: Command,
) -> Result<Output, Refusal> {
    let (progress, mut steps) = mpsc::channel(16);
    let listening = async { while steps.recv().await.is_some() {} };
    let work = carried_out(web, person, form, command, progress);
    tokio::join!(work, listening).0
}

/// The same; how far it is is told to `progress`.
pub async fn carried_out(
    web: &Web,
    person: &dyn Asks,
    form: &Form,
    command: Command,
    progress: Progress,
) -> Result<Output, Refusal> {
    let app = web.app.clone();
    let caller = person.caller();
    // Not ended by a browser that goes away: half a command is worse than one nobody waits for.
    let work = async move { command::run(&app, &caller, command, progress).await };
    let work = tokio::spawn(work.in_current_span());
    let output = work.await.map_err(|panic| {
        tracing::error!(%panic, "a command of a page ended with a fault");
        Failure::fault()
    })??;
    let seen = match form.rule.weight {
        Weight::Ask => seen(web, person, form, &output).await?,
        _ => None,
    };
    Ok(seen.unwrap_or(output))
}

/// Answers as forms bring them.
pub fn given(answers: &[(&str, &str)]) -> Answers {
    let mut given = Answers::new();
    for (name, text) in answers {
        let answer = Answer::Text((*text).to_owned());
        given.entry((*name).to_owned()).or_default().push(answer);
    }
    given
}

/// Whether a person may open a form at all; where, is asked when it is sent.
pub fn may_open(person: &dyn Asks, form: &Form) -> Result<(), Refusal> {
    if form.rule.weight == Weight::Terminal {
        return Err(Refusal::Forbidden(format!(
            "This names files of the collector's own computer, so it is done there: \
             `patchward-collector {}`.",
            form.path
        )));
    }
    if person.reach(form.rule).is_nowhere() {
        return Err(Refusal::Forbidden(who_may(form.rule)));
    }
    match person.hindrance(form.rule) {
        Some(why) => Err(Refusal::Forbidden(why)),
        None => Ok(()),
    }
}

/// Whether a person may do this here, and what to say where they may not.
pub async fn allowed(
    web: &Web,
    person: &dyn Asks,
    form: &Form,
    answers: &Answers,
) -> Result<(), Refusal> {
    may_open(person, form)?;
    let rule = form.rule;
    let reach = person.reach(rule);
    if reach == Reach::Everywhere {
        return Ok(());
    }
    let mut view = web.app.store.view().await.map_err(Failure::from)?;
    let tells = rule.weight == Weight::Ask;
    let why = match touched(web, &mut view, form, answers).await? {
        Touched::Units(units) => match units.iter().find(|unit| !reach.covers(unit)) {
            None => return Ok(()),
            Some(other) => format!("This concerns {other}, and your role is not for that unit."),
        },
        Touched::Nothing | Touched::Hospital if tells && !OF_ALL_UNITS.contains(&rule.path) => {
            return Ok(());
        }
        Touched::Nothing | Touched::Hospital => {
            "This concerns the whole hospital, and your role is for single units.".to_owned()
        }
        Touched::Unknown(text) => format!("In your units there is nothing called {text:?}."),
    };
    Err(Refusal::Forbidden(format!("{why} {}", who_may(rule))))
}

fn who_may(rule: &Rule) -> String {
    let roles: Vec<&str> = rule.roles.iter().map(|role| role.word()).collect();
    format!(
        "Who may: {}. Ask an administrator for the role, or ask one of them.",
        roles.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Role;
    use crate::account::access::RULES;
    use crate::account::role::ROLES;
    use crate::web::person::tests::with_roles;

    #[test]
    fn each_row_of_the_table_is_what_each_role_may() {
        for rule in RULES {
            let form = Form::of(rule.path).unwrap();
            for role in ROLES {
                let person = with_roles(&[role]);
                let expected = rule.roles.contains(&role) && rule.weight != Weight::Terminal;
                let may = may_open(&person, form).is_ok();
                assert_eq!(may, expected, "{} as {}", rule.path, role.word());
            }
            assert!(may_open(&with_roles(&[]), form).is_err(), "{}", rule.path);
        }
    }

    #[test]
    fn who_may_not_is_told_who_may() {
        let form = Form::of("rollout resume").unwrap();
        let refusal = may_open(&with_roles(&[Role::Viewer]), form).unwrap_err();
        assert!(refusal.text().contains("approver"), "{}", refusal.text());
    }
}
