//! What each edit changes, read from the store.

use super::Held;
use crate::control::Failure;
use crate::store::View;
use crate::store::assets::Asset;
use crate::store::exposure::Risk;
use crate::store::oncall::OnCall;
use crate::store::places::{Group, SwitchedOff, Unit};
use crate::store::windows::{Area, Opening, Window};
use crate::web::form::Form;
use crate::web::form::call::{Answers, texts};
use patchward_common::id::{Label, Name};

/// What a field would be filled with.
type Values = Vec<(&'static str, String)>;

/// What the answers to a form are about to change; none where it is no edit, or where what they
/// name is not there.
///
/// # Errors
/// Where the store cannot be read.
pub async fn of(view: &mut View, form: &Form, answers: &Answers) -> Result<Option<Held>, Failure> {
    let one = |field: &str| texts(answers, field).first().copied();
    let name = one("name").and_then(|name| Name::new(name).ok());
    let called = one("name").or(one("tag")).unwrap_or_default();
    let found = |values: Values| Held {
        path: form.path,
        thing: called.to_owned(),
        subject: called.to_owned(),
        own: Vec::new(),
        values,
    };
    Ok(match (form.path, &name) {
        ("unit edit", Some(name)) => view.unit(name).await?.map(unit).map(found),
        ("group edit", Some(name)) => view.group(name).await?.map(group).map(found),
        ("window change", Some(name)) => {
            let mut windows = view.windows(None).await?.into_iter();
            let window = windows.find(|window| window.id == *name);
            window.map(window_values).map(found)
        }
        ("user grant", Some(name)) => roles(view, name).await?.map(found),
        ("asset put", _) => match one("tag").and_then(|tag| Label::new(tag).ok()) {
            Some(tag) => view.asset(&tag).await?.map(asset).map(found),
            None => None,
        },
        ("risk put", _) => {
            let release = one("release").zip(one("model"));
            let is = |risk: &Risk| Some(risk_named(risk)) == release.map(owned);
            view.risks().await?.into_iter().find(is).map(risk)
        }
        ("oncall set", _) => {
            let (area, subject) = match (one("unit"), one("site")) {
                (Some(unit), _) => (Area::Unit, unit),
                (None, Some(site)) => (Area::Site, site),
                (None, None) => (Area::All, ""),
            };
            let usual = form.field("level").map_or("", |field| field.usual.as_str());
            let level = one("level").unwrap_or(usual);
            let is = |one: &OnCall| {
                (one.area, &*one.subject, &*one.level.level.to_string()) == (area, subject, level)
            };
            view.on_call().await?.into_iter().find(is).map(on_call)
        }
        _ => None,
    })
}

fn owned((first, second): (&str, &str)) -> (String, String) {
    (first.to_owned(), second.to_owned())
}

fn text(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn unit(unit: Unit) -> Values {
    vec![
        ("site", unit.site.to_string()),
        ("title", unit.title.to_string()),
        ("class", unit.class.word().to_owned()),
    ]
}

fn group(group: Group) -> Values {
    let counts = group.switched_off == SwitchedOff::Counts;
    vec![
        ("unit", group.unit.to_string()),
        ("minimum_ready", group.minimum_ready.to_string()),
        ("switched_off_counts", counts.to_string()),
    ]
}

fn window_values(window: Window) -> Values {
    let (cron, at, offset) = match window.opening {
        Opening::Cron(cron) => (cron, String::new(), window.day_offset.to_string()),
        Opening::Once(at) => (String::new(), at.to_string(), String::new()),
    };
    vec![
        ("unit", window.unit.to_string()),
        ("cron", cron),
        ("at", at),
        ("zone", window.zone),
        ("minutes", window.minutes.to_string()),
        ("day_offset", offset),
        ("valid_from", text(window.valid_from)),
        ("valid_until", text(window.valid_until)),
    ]
}

async fn roles(view: &mut View, name: &Name) -> Result<Option<Values>, Failure> {
    let account = view.account(name).await?;
    if account.is_none_or(|account| account.ended_at.is_some()) {
        return Ok(None);
    }
    let grants = view.grants_of(name).await?;
    let grants: Vec<String> = grants.iter().map(ToString::to_string).collect();
    Ok(Some(vec![("roles", grants.join("\n"))]))
}

fn asset(asset: Asset) -> Values {
    vec![
        ("serial", asset.serial),
        ("manufacturer", asset.manufacturer),
        ("model", asset.model),
        ("software_version", asset.software_version),
        ("udi", asset.udi),
        ("unit", text(asset.unit)),
        ("location", asset.location),
        ("criticality", asset.criticality),
        ("group", text(asset.group)),
    ]
}

/// A risk as its form names it.
fn risk_named(risk: &Risk) -> (String, String) {
    let release = format!("{}={}", risk.product, risk.version);
    (release, risk.model.to_string())
}

fn risk(risk: Risk) -> Held {
    let (release, model) = risk_named(&risk);
    Held {
        path: "risk put",
        thing: format!("The risk of {release} on {model}"),
        subject: risk.product.to_string(),
        own: vec![("version", risk.version), ("model", model)],
        values: vec![
            ("of_patching", risk.of_patching.to_string()),
            ("of_waiting", risk.of_waiting.to_string()),
            ("decision", risk.decision.word().to_owned()),
            ("reason", risk.reason.to_string()),
            ("by", risk.decided_by.to_string()),
            ("review", risk.review_at.to_string()),
        ],
    }
}

fn on_call(one: OnCall) -> Held {
    let of = match one.subject.as_str() {
        "" => "the hospital",
        subject => subject,
    };
    let level = one.level.level.to_string();
    Held {
        path: "oncall set",
        thing: format!("Level {level} of {of}"),
        own: vec![("area", one.area.word().to_owned()), ("level", level)],
        values: vec![
            ("who", one.level.who.to_string()),
            ("contact", one.level.contact.to_string()),
            ("after_minutes", one.level.after_minutes.to_string()),
        ],
        subject: one.subject,
    }
}
