//! Whose unit a command concerns: what stands in its fields, looked up.

use super::Web;
use super::form::Form;
use super::form::call::{self, Answer, Answers};
use super::picture::counted;
use crate::account::{Subject, subject};
use crate::agenda;
use crate::command::{job, machine, plan};
use crate::control::{Failure, FailureKind};
use crate::store::View;
use crate::store::windows::Area;
use patchward_common::id::Name;
use patchward_common::time::{Interval, UtcMs};
use std::collections::BTreeSet;

/// What a command concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// It names nothing that has a unit.
    Nothing,
    /// All that it names lies in these units.
    Units(BTreeSet<Name>),
    /// It names something of the whole hospital.
    Hospital,
    /// It names something that is not there: nobody knows whose it would be.
    Unknown(String),
}

/// What one answer names.
enum One {
    Unit(Name),
    Units(Vec<Name>),
    Hospital,
    Nothing,
    Unknown,
}

impl From<Option<Name>> for One {
    fn from(unit: Option<Name>) -> Self {
        unit.map_or(Self::Unknown, Self::Unit)
    }
}

/// What the answers to a form concern.
pub async fn touched(
    web: &Web,
    view: &mut View,
    form: &Form,
    answers: &Answers,
) -> Result<Touched, Failure> {
    let (mut units, mut hospital) = (BTreeSet::new(), false);
    let names_unit = !call::texts(answers, "unit").is_empty();
    for (field, given) in answers {
        let named = subject(form.path, field).unwrap_or(Subject::Hospital);
        for answer in given {
            let Answer::Text(text) = answer else { continue };
            match one(web, view, named, text).await? {
                One::Unit(unit) => drop(units.insert(unit)),
                One::Units(some) => units.extend(some),
                One::Hospital => hospital = true,
                One::Nothing => {}
                One::Unknown if named == Subject::AssetToBe && names_unit => {}
                One::Unknown => return Ok(Touched::Unknown(text.clone())),
            }
        }
    }
    Ok(match (hospital, units.is_empty()) {
        (true, _) => Touched::Hospital,
        (false, true) => Touched::Nothing,
        (false, false) => Touched::Units(units),
    })
}

async fn one(web: &Web, view: &mut View, named: Subject, text: &str) -> Result<One, Failure> {
    let name = || Name::new(text).ok();
    Ok(match named {
        Subject::Words => One::Nothing,
        Subject::Hospital => One::Hospital,
        Subject::Unit => One::from(name()),
        Subject::Machine => One::from(found(machine::find(view, text).await)?.map(|one| one.unit)),
        Subject::Asset | Subject::AssetToBe => {
            let asset = match text.parse() {
                Ok(tag) => view.asset(&tag).await?,
                Err(_) => None,
            };
            match asset.map(|asset| asset.unit) {
                None => One::Unknown,
                // One that stands nowhere is everybody's.
                Some(unit) => unit.map_or(One::Hospital, One::Unit),
            }
        }
        Subject::Job => match found(job::named(view, text).await)? {
            None => One::Unknown,
            Some(job) => One::from(view.machine(&job.machine).await?.map(|one| one.unit)),
        },
        Subject::Plan => match found(plan::find(view, text).await)? {
            None => One::Unknown,
            Some(plan) => of_units(view.units_of_plan(&plan.id).await?),
        },
        Subject::Item => {
            let items = agenda::gather(&web.app.fleet, view, web.app.now()).await?;
            let item = items.items.into_iter().find(|item| item.key() == text);
            item.map_or(One::Unknown, |item| {
                item.unit.map_or(One::Hospital, One::Unit)
            })
        }
        Subject::Group => match name() {
            None => One::Unknown,
            Some(name) => One::from(view.group(&name).await?.map(|group| group.unit)),
        },
        Subject::Window => {
            let windows = view.windows(None).await?;
            let window = windows.into_iter().find(|one| one.id.as_str() == text);
            One::from(window.map(|window| window.unit))
        }
        Subject::Freeze => {
            let freezes = view.freezes(ever()?).await?;
            let freeze = freezes.into_iter().find(|one| one.id.as_str() == text);
            freeze.map_or(One::Unknown, |one| of_area(one.area, &one.subject))
        }
        Subject::Calendar => {
            let calendars = view.calendars().await?;
            let calendar = calendars.into_iter().find(|one| one.name.as_str() == text);
            calendar.map_or(One::Unknown, |one| of_area(one.area, &one.subject))
        }
        Subject::Kiosk => {
            let kiosks = view.kiosks().await?;
            let kiosk = kiosks.into_iter().find(|one| one.name.as_str() == text);
            One::from(kiosk.map(|kiosk| kiosk.unit))
        }
        Subject::Feed => {
            let links = view.feed_links().await?;
            let link = links.into_iter().find(|one| one.name.as_str() == text);
            link.map_or(One::Unknown, |link| {
                link.unit.map_or(One::Hospital, One::Unit)
            })
        }
    })
}

/// What was looked for; `None` where it is not there, or could be several.
fn found<T>(looked: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match looked {
        Ok(found) => Ok(Some(found)),
        Err(failure) => match failure.kind {
            FailureKind::NotFound | FailureKind::Input | FailureKind::Conflict => Ok(None),
            FailureKind::Unavailable | FailureKind::Internal => Err(failure),
        },
    }
}

/// The units of what is there; what is not could be anybody's.
fn of_units(units: BTreeSet<Option<Name>>) -> One {
    let units: Option<Vec<Name>> = units.into_iter().collect();
    units.map_or(One::Hospital, One::Units)
}

/// Only a freeze of a unit is the unit's, whatever a site is called.
fn of_area(area: Area, subject: &str) -> One {
    match area {
        Area::Unit => One::from(Name::new(subject).ok()),
        _ => One::Hospital,
    }
}

fn ever() -> Result<Interval, Failure> {
    Interval::new(UtcMs(0), UtcMs(i64::MAX)).map_err(|error| Failure::input(error.to_string()))
}

/// What answers touch, in a sentence for who has to know before they confirm; `None` where
/// they name nothing.
pub async fn in_words(
    web: &Web,
    form: &Form,
    answers: &Answers,
) -> Result<Option<String>, Failure> {
    let mut view = web.app.store.view().await?;
    let units = match touched(web, &mut view, form, answers).await? {
        Touched::Units(units) => units,
        Touched::Nothing | Touched::Unknown(_) => return Ok(None),
        Touched::Hospital => {
            let all: u64 = view.machine_counts().await?.iter().map(|(_, n)| n).sum();
            let all = usize::try_from(all).unwrap_or(usize::MAX);
            let machines = counted(all, "machine", "machines");
            return Ok(Some(format!(
                "It is not of one unit alone: the hospital has {machines}."
            )));
        }
    };
    let of = |kinds: &[Subject]| -> Vec<&str> {
        let fields = answers.keys().filter(|field| {
            subject(form.path, field).is_some_and(|subject| kinds.contains(&subject))
        });
        fields
            .flat_map(|field| call::texts(answers, field))
            .collect()
    };
    let mut what = Vec::new();
    let machines = of(&[Subject::Machine, Subject::Job]).len();
    let assets = of(&[Subject::Asset, Subject::AssetToBe]).len();
    if machines > 0 {
        what.push(counted(machines, "machine", "machines"));
    }
    if assets > 0 {
        what.push(counted(assets, "asset", "assets"));
    }
    for text in of(&[Subject::Plan]) {
        if let Some(plan) = found(plan::find(&mut view, text).await)? {
            let leaves = view.leaves(&plan.id).await?.len();
            what.push(format!(
                "a plan of {}",
                counted(leaves, "machine", "machines")
            ));
        }
    }
    if what.is_empty() {
        let mut all = 0;
        for unit in &units {
            all += view.machines(Some(unit), None, u32::MAX).await?.len();
        }
        what.push(counted(all, "machine", "machines"));
    }
    let names: Vec<&str> = units.iter().map(Name::as_str).collect();
    Ok(Some(format!(
        "It touches {} in {}.",
        what.join(" and "),
        names.join(", ")
    )))
}
