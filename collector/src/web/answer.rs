//! A command for a person: may they, in these units; then the same function as everywhere.

use super::Web;
use super::form::Form;
use super::form::call::{self, Answer, Answers, Mistake};
use super::person::SignedIn;
use super::show::scope;
use crate::account::role::Reach;
use crate::account::{Role, Rule, Weight};
use crate::agenda;
use crate::command;
use crate::control::{Failure, Output};
use crate::store::View;
use patchward_common::id::{JobId, Name};
use patchward_common::time::{Interval, UtcMs};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;

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

/// Carries out a command for a person.
pub async fn ask(
    web: &Web,
    person: &SignedIn,
    form: &Form,
    answers: &Answers,
) -> Result<Output, Refusal> {
    allowed(web, person, form, answers).await?;
    let command = call::command(form, answers).map_err(Refusal::Mistake)?;
    let (progress, mut steps) = mpsc::channel(16);
    let app = web.app.clone();
    let caller = person.caller();
    // Not ended by a browser that goes away: half a command is worse than one nobody waits for.
    let work = tokio::spawn(async move { command::run(&app, &caller, command, progress).await });
    while steps.recv().await.is_some() {}
    let output = work.await.map_err(|panic| {
        tracing::error!(%panic, "a command of a page ended with a fault");
        Failure {
            kind: crate::control::FailureKind::Internal,
            text: "a fault of the collector's own; its log has the details".into(),
        }
    })??;
    let reach = person.reach(form.rule);
    if reach == Reach::Everywhere || form.rule.weight != Weight::Ask {
        return Ok(output);
    }
    let units = units_of_machines(&mut web.app.store.view().await.map_err(Failure::from)?).await?;
    Ok(scope::narrow(output, &reach, &units))
}

/// Whether a person may open a form at all; where, is asked when it is sent.
pub fn may_open(person: &SignedIn, form: &Form) -> Result<(), Refusal> {
    if form.rule.weight == Weight::Terminal {
        return Err(Refusal::Forbidden(format!(
            "This names files of the collector's own computer, so it is done there: \
             `patchward-collector {}`.",
            form.path
        )));
    }
    match person.reach(form.rule).is_nowhere() {
        true => Err(Refusal::Forbidden(who_may(form.rule))),
        false => Ok(()),
    }
}

/// Whether a person signs plans at all.
pub fn may_decide(person: &SignedIn) -> Result<(), Failure> {
    match person.is(&[Role::Approver]) {
        true => Ok(()),
        false => Err(Failure::conflict(
            "Declining is for approvers, as signing is. Tell one of them what you see.",
        )),
    }
}

/// What answers touch, for who has to know before they confirm.
pub async fn touches(web: &Web, form: &Form, answers: &Answers) -> Result<Option<String>, Failure> {
    let mut view = web.app.store.view().await?;
    let Some(units) = touched(web, &mut view, form, answers).await? else {
        return Ok(None);
    };
    let names: Vec<&str> = units.iter().map(Name::as_str).collect();
    let named = call::texts(answers, "machine").len() + call::texts(answers, "machines").len();
    let machines = match (named, call::texts(answers, "plan").first()) {
        (0, Some(plan)) => leaves_of(&mut view, plan).await?.len(),
        (0, None) if call::texts(answers, "job").is_empty() => {
            let all = view.machines(None, None, u32::MAX).await?;
            all.iter()
                .filter(|machine| units.contains(&machine.unit))
                .count()
        }
        (0, None) => 1,
        (named, _) => named,
    };
    Ok(Some(format!(
        "It touches {machines} {} in {}.",
        if machines == 1 { "machine" } else { "machines" },
        names.join(", ")
    )))
}

/// Asks for a command that only tells, with answers as `(field, words)`.
pub async fn tell(
    web: &Web,
    person: &SignedIn,
    path: &str,
    answers: &[(&str, &str)],
) -> Result<Output, Refusal> {
    let form = Form::of(path).ok_or_else(|| Failure::not_found("no such list"))?;
    let mut given = Answers::new();
    for (name, text) in answers {
        let answer = Answer::Text((*text).to_owned());
        given.entry((*name).to_owned()).or_default().push(answer);
    }
    ask(web, person, &form, &given).await
}

/// Whether a person may do this here, and what to say where they may not.
pub async fn allowed(
    web: &Web,
    person: &SignedIn,
    form: &Form,
    answers: &Answers,
) -> Result<(), Refusal> {
    may_open(person, form)?;
    let rule = form.rule;
    let reach = person.reach(rule);
    let Reach::Units(_) = &reach else {
        return Ok(());
    };
    let mut view = web.app.store.view().await.map_err(Failure::from)?;
    let touched = touched(web, &mut view, form, answers).await?;
    match touched {
        None if rule.weight == Weight::Ask => Ok(()),
        None => Err(Refusal::Forbidden(format!(
            "This concerns the whole hospital, and your role is for single units. {}",
            who_may(rule)
        ))),
        Some(units) => match units.iter().find(|unit| !reach.covers(unit)) {
            None => Ok(()),
            Some(other) => Err(Refusal::Forbidden(format!(
                "This concerns {other}, and your role is not for that unit. {}",
                who_may(rule)
            ))),
        },
    }
}

fn who_may(rule: &Rule) -> String {
    let roles: Vec<&str> = rule.roles.iter().map(|role| role.word()).collect();
    format!(
        "Who may: {}. Ask an administrator for the role, or ask one of them.",
        roles.join(", ")
    )
}

/// The units that answers speak of; `None` where they speak of none, or of something that
/// has no unit: that is everybody's.
async fn touched(
    web: &Web,
    view: &mut View,
    form: &Form,
    answers: &Answers,
) -> Result<Option<BTreeSet<Name>>, Failure> {
    let mut found: Vec<Option<Name>> = Vec::new();
    let words = |names: &[&str]| -> Vec<&str> {
        names
            .iter()
            .flat_map(|name| call::texts(answers, name))
            .collect()
    };
    found.extend(
        words(&["unit", "units"])
            .into_iter()
            .map(|text| Name::new(text).ok()),
    );
    let names_unit = !found.is_empty();
    let machines = words(&["machine", "machines", "server", "other"]);
    let plans = words(&["plan"]);
    let known = match machines.is_empty() && plans.is_empty() {
        true => BTreeMap::new(),
        false => units_of_machines(view).await?,
    };
    found.extend(machines.into_iter().map(|name| known.get(name).cloned()));
    for tag in words(&["tag", "asset"]) {
        let asset = match tag.parse() {
            Ok(tag) => view.asset(&tag).await?,
            Err(_) => None,
        };
        match asset {
            Some(asset) => found.push(asset.unit),
            // One that is new is the unit's that is named with it.
            None if names_unit => {}
            None => found.push(None),
        }
    }
    for job in words(&["job"]) {
        found.push(unit_of_job(view, job).await?);
    }
    for plan in plans {
        for leaf in leaves_of(view, plan).await? {
            found.push(known.get(&leaf).cloned());
        }
    }
    for item in words(&["item"]) {
        let items = agenda::gather(&web.app.fleet, view, web.app.now())
            .await?
            .items;
        let item_of = items.into_iter().find(|known| known.key() == item);
        found.push(item_of.and_then(|item| item.unit));
    }
    if form.path.starts_with("window ") || form.path.starts_with("freeze ") {
        found.extend(units_of_times(view, form.path, words(&["name"])).await?);
    }
    let all = found.len();
    let units: BTreeSet<Name> = found.iter().flatten().cloned().collect();
    let whole = found.iter().flatten().count() == all && all > 0;
    Ok(whole.then_some(units))
}

async fn unit_of_job(view: &mut View, job: &str) -> Result<Option<Name>, Failure> {
    let Ok(id) = job.parse::<JobId>() else {
        return Ok(None);
    };
    let Some(job) = view.job(&id).await? else {
        return Ok(None);
    };
    Ok(view
        .machine(&job.machine)
        .await?
        .map(|machine| machine.unit))
}

/// The machines of the plans whose ids begin so.
async fn leaves_of(view: &mut View, plan: &str) -> Result<Vec<String>, Failure> {
    let mut machines = Vec::new();
    for known in view.plans(None).await? {
        if known.id.to_string().starts_with(plan) {
            let leaves = view.leaves(&known.id).await?;
            machines.extend(leaves.into_iter().map(|leaf| leaf.machine.to_string()));
        }
    }
    Ok(machines)
}

/// The units of windows or freezes that are named and exist; one that is made names its own.
async fn units_of_times(
    view: &mut View,
    path: &str,
    names: Vec<&str>,
) -> Result<Vec<Option<Name>>, Failure> {
    let mut units = Vec::new();
    if path.starts_with("window ") {
        let windows = view.windows(None).await?;
        let named = windows
            .into_iter()
            .filter(|w| names.contains(&w.id.as_str()));
        units.extend(named.map(|window| Some(window.unit)));
    } else {
        let ever =
            Interval::new(UtcMs(0), UtcMs(i64::MAX)).map_err(|_| Failure::input("no time"))?;
        let freezes = view.freezes(ever).await?;
        let named = freezes
            .into_iter()
            .filter(|f| names.contains(&f.id.as_str()));
        units.extend(named.map(|freeze| Name::new(freeze.subject).ok()));
    }
    Ok(units)
}

/// The unit of each machine, by its name and by its id.
pub async fn units_of_machines(view: &mut View) -> Result<BTreeMap<String, Name>, Failure> {
    let mut units = BTreeMap::new();
    for machine in view.machines(None, None, u32::MAX).await? {
        units.insert(machine.id.to_string(), machine.unit.clone());
        units.insert(machine.name.to_string(), machine.unit);
    }
    Ok(units)
}

#[cfg(test)]
mod tests {
    use super::*;
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
                let may = may_open(&person, &form).is_ok();
                assert_eq!(may, expected, "{} as {}", rule.path, role.word());
            }
            assert!(may_open(&with_roles(&[]), &form).is_err(), "{}", rule.path);
        }
    }

    #[test]
    fn who_may_not_is_told_who_may() {
        let form = Form::of("rollout resume").unwrap();
        let refusal = may_open(&with_roles(&[Role::Viewer]), &form).unwrap_err();
        assert!(refusal.text().contains("approver"), "{}", refusal.text());
    }
}
